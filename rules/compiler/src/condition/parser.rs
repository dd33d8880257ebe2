use tagout_engine::condition::LONGEST;

use super::Faults;
use super::lexer::Token;
use super::tree::{Binary, COMPARISON, Expr, Name, Node, Range};

/// The tree of a condition; `None` with the first error reported.
pub(super) fn parse(tokens: &[(Token, Range)], faults: &mut Faults<'_, '_>) -> Option<Expr> {
    let mut parser = Parser { tokens, at: 0, depth: 0, size: 0, faults };
    let tree = parser.choice()?;
    if *parser.peek() != Token::End {
        return parser.unexpected("an operator or the end of the condition");
    }
    Some(tree)
}

/// How deep a condition may be nested.
const NESTING: usize = 32;

struct Parser<'t, 'p, 'c, 'f> {
    /// Ends with [`Token::End`].
    tokens: &'t [(Token, Range)],
    at: usize,
    depth: usize,
    /// How many nodes there are. What is constant in a list is not counted: of a list, however long, becomes one instruction.
    size: usize,
    faults: &'p mut Faults<'c, 'f>,
}

impl<'t> Parser<'t, '_, '_, '_> {
    fn peek(&self) -> &'t Token {
        &self.tokens[self.at].0
    }

    fn place(&self) -> Range {
        self.tokens[self.at].1.clone()
    }

    fn advance(&mut self) -> Range {
        let place = self.place();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        place
    }

    /// Takes the symbol if it comes next.
    fn takes(&mut self, symbol: &str) -> bool {
        let comes = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        if comes {
            self.advance();
        }
        comes
    }

    fn expect(&mut self, symbol: &str) -> Option<()> {
        if self.takes(symbol) { Some(()) } else { self.unexpected(&format!("`{symbol}`")) }
    }

    fn unexpected<T>(&mut self, expected: &str) -> Option<T> {
        let (found, help) = match self.peek() {
            Token::End => ("the condition ends here".to_owned(), None),
            Token::Literal(_) => ("unexpected value".to_owned(), None),
            Token::Symbol(symbol) => (format!("unexpected `{symbol}`"), None),
            Token::Name(name) => (format!("unexpected `{name}`"), instead_of(name)),
        };
        let place = self.place();
        self.faults.error(place, found).expected(expected).help(help);
        None
    }

    /// `a ? b : c`, or what binds tighter.
    fn choice(&mut self) -> Option<Expr> {
        if self.depth == NESTING {
            let place = self.place();
            self.faults.error(place, "too deeply nested").label(format!("at most {NESTING} levels"));
            return None;
        }
        self.depth += 1;
        let condition = self.binary(1)?;
        let tree = if self.takes("?") {
            let first = self.choice()?;
            self.expect(":")?;
            let second = self.choice()?;
            let at = condition.at.start..second.at.end;
            self.grow(at, Node::Choose(Box::new([condition, first, second])))?
        } else {
            condition
        };
        self.depth -= 1;
        Some(tree)
    }

    /// Operators of at least this precedence; those of the same group from the left.
    fn binary(&mut self, lowest: u8) -> Option<Expr> {
        let mut left = self.unary()?;
        loop {
            if lowest <= COMPARISON && matches!(self.peek(), Token::Name(name) if name == "in") {
                left = self.list(left)?;
                continue;
            }
            let Some(operator) = self.operator().filter(|operator| operator.precedence() >= lowest) else {
                return Some(left);
            };
            self.advance();
            let right = self.binary(operator.precedence() + 1)?;
            let at = left.at.start..right.at.end;
            left = self.grow(at, Node::Binary(operator, Box::new(left), Box::new(right)))?;
        }
    }

    fn operator(&self) -> Option<Binary> {
        let Token::Symbol(symbol) = self.peek() else { return None };
        Binary::ALL.into_iter().find(|operator| operator.symbol() == *symbol)
    }

    /// `in [a, b]`
    fn list(&mut self, left: Expr) -> Option<Expr> {
        self.advance();
        self.expect("[")?;
        let (elements, end) = self.until("]")?;
        self.grow(left.at.start..end, Node::In(Box::new(left), elements))
    }

    /// Expressions with commas between them, up to `end`; and the place behind that.
    fn until(&mut self, end: &str) -> Option<(Vec<Expr>, usize)> {
        let mut elements = Vec::new();
        loop {
            let place = self.place();
            if self.takes(end) {
                return Some((elements, place.end));
            }
            if !elements.is_empty() {
                let expected = format!("`,` or `{end}`");
                if !self.takes(",") {
                    return self.unexpected(&expected);
                }
            }
            elements.push(self.element()?);
        }
    }

    fn element(&mut self) -> Option<Expr> {
        let size = self.size;
        let element = self.choice()?;
        if element.is_constant() {
            self.size = size;
        }
        Some(element)
    }

    /// Signs, from the inside.
    fn unary(&mut self) -> Option<Expr> {
        let mut signs = Vec::new();
        while let Token::Symbol(sign @ ("!" | "-")) = self.peek() {
            signs.push((*sign, self.advance().start));
        }
        let mut tree = self.postfix()?;
        while let Some((sign, start)) = signs.pop() {
            let at = start..tree.at.end;
            let node = if sign == "!" { Node::Not(Box::new(tree)) } else { Node::Negate(Box::new(tree)) };
            tree = self.grow(at, node)?;
        }
        Some(tree)
    }

    /// A value, and what is asked of it behind dots.
    fn postfix(&mut self) -> Option<Expr> {
        let mut tree = self.primary()?;
        while self.takes(".") {
            let name = self.name()?;
            let start = tree.at.start;
            tree = if self.takes("(") {
                let (arguments, end) = self.until(")")?;
                self.grow(start..end, Node::Method(Box::new(tree), name, arguments))?
            } else {
                let at = start..name.at.end;
                match tree.node {
                    Node::Field(path) => Expr { at, node: Node::Field(format!("{path}.{}", name.text)) },
                    _ => self.grow(at, Node::Property(Box::new(tree), name))?,
                }
            };
        }
        Some(tree)
    }

    fn primary(&mut self) -> Option<Expr> {
        match self.peek() {
            Token::Literal(literal) => {
                let node = Node::Literal(literal.clone());
                let at = self.advance();
                self.grow(at, node)
            }
            Token::Symbol("(") => {
                let start = self.advance().start;
                let inner = self.choice()?;
                let end = self.place().end;
                self.expect(")")?;
                Some(Expr { at: start..end, ..inner })
            }
            Token::Name(name) if instead_of(name).is_none() => self.named(),
            _ => self.unexpected("a value"),
        }
    }

    /// A field, or the call of a function.
    fn named(&mut self) -> Option<Expr> {
        let name = self.name()?;
        if !self.takes("(") {
            return self.grow(name.at, Node::Field(name.text));
        }
        let (arguments, end) = self.until(")")?;
        self.grow(name.at.start..end, Node::Call(name, arguments))
    }

    fn grow(&mut self, at: Range, node: Node) -> Option<Expr> {
        self.size += 1;
        if self.size > LONGEST {
            self.faults.error(at, "too long a condition").label(format!("more than {LONGEST} parts"));
            return None;
        }
        Some(Expr { at, node })
    }

    fn name(&mut self) -> Option<Name> {
        let Token::Name(name) = self.peek() else { return self.unexpected("a name") };
        Some(Name { text: name.clone(), at: self.advance() })
    }
}

/// What is written instead of a word that other languages have for an operator.
fn instead_of(word: &str) -> Option<String> {
    let operator = match word {
        "and" | "AND" => "&&",
        "or" | "OR" => "||",
        "not" | "NOT" => "!",
        _ => return None,
    };
    Some(format!("`{operator}` is {}", word.to_lowercase()))
}
