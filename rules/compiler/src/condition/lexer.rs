use super::Faults;
use super::tree::{Literal, Range};

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    Literal(Literal),
    Name(String),
    Symbol(&'static str),
    /// Behind the last.
    End,
}

/// Two letters before one.
const SYMBOLS: [&str; 21] =
    ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ",", "?", ":", "+", "-", "*", "/", "."];

/// The units of durations, in seconds.
const UNITS: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("d", 86_400.0)];

/// The longest text of a condition.
const LONGEST: usize = 4096;

/// The tokens of a condition, each with its place, and the end; `None` with all errors reported.
pub(super) fn tokens(text: &str, faults: &mut Faults<'_, '_>) -> Option<Vec<(Token, Range)>> {
    if text.len() > LONGEST {
        faults.error(0..text.len(), format!("a condition of {} bytes", text.len())).expected("at most 4096 bytes");
        return None;
    }
    let mut tokens = Vec::new();
    let mut lexer = Lexer { text, at: 0, faults };
    while let Some(start) = lexer.next_start() {
        let token = lexer.token(start);
        tokens.extend(token.map(|token| (token, start..lexer.at)));
    }
    tokens.push((Token::End, text.len()..text.len()));
    faults.unless_any(tokens)
}

struct Lexer<'t, 'l, 'c, 'f> {
    text: &'t str,
    at: usize,
    faults: &'l mut Faults<'c, 'f>,
}

impl Lexer<'_, '_, '_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next_start(&mut self) -> Option<usize> {
        self.at = self.text.len() - self.rest().trim_start().len();
        (self.at < self.text.len()).then_some(self.at)
    }

    /// Takes what consists of such letters.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let run = rest[..rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())].to_owned();
        self.at += run.len();
        run
    }

    fn token(&mut self, start: usize) -> Option<Token> {
        let first = self.rest().chars().next()?;
        if first.is_ascii_digit() {
            return self.number(start);
        }
        if matches!(first, '"' | '\'') {
            return self.quoted(start).map(|text| Token::Literal(Literal::Text(text)));
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return self.name(start);
        }
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| self.rest().starts_with(symbol)) {
            self.at += symbol.len();
            return Some(Token::Symbol(symbol));
        }
        self.at += first.len_utf8();
        let help = match first {
            '=' => Some("`==` compares"),
            '&' => Some("`&&` is and"),
            '|' => Some("`||` is or"),
            '%' | '°' => Some("numbers have no unit of measure: they are in that of the point"),
            _ => None,
        };
        self.faults.error(start..self.at, format!("unexpected `{first}`")).help(help.map(str::to_owned));
        None
    }

    /// A name, a flag, or bytes with their prefix.
    fn name(&mut self, start: usize) -> Option<Token> {
        let name = self.run(is_part_of_name);
        if matches!(name.as_str(), "b" | "x") && self.rest().starts_with(['"', '\'']) {
            let inside = self.at + 1;
            return if name == "b" { self.bytes(start) } else { self.hex(inside) }
                .map(|bytes| Token::Literal(Literal::Bytes(bytes)));
        }
        Some(match name.as_str() {
            "true" => Token::Literal(Literal::Flag(true)),
            "false" => Token::Literal(Literal::Flag(false)),
            _ => Token::Name(name),
        })
    }

    fn number(&mut self, start: usize) -> Option<Token> {
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            let digits = self.run(is_part_of_name);
            let number = u64::from_str_radix(&digits[2..], 16).ok().filter(|number| *number <= 1 << 53);
            if number.is_none() {
                self.faults.error(start..self.at, format!("`{digits}` is no number")).expected(NUMBER);
            }
            return number.map(|number| Token::Literal(Literal::Number(number as f64)));
        }
        self.run(|letter| letter.is_ascii_digit());
        self.fraction();
        self.exponent();
        let digits = &self.text[start..self.at];
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
        let unit = self.run(is_part_of_name);
        let seconds = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, seconds)| *seconds);
        let literal = match (number, seconds) {
            (Some(number), _) if unit.is_empty() => Some(Literal::Number(number)),
            (Some(number), Some(seconds)) => Some(Literal::Duration(number * seconds)),
            _ => None,
        };
        if literal.is_none() {
            let found = &self.text[start..self.at];
            self.faults.error(start..self.at, format!("`{found}` is no number")).expected(NUMBER);
        }
        literal.map(Token::Literal)
    }

    fn fraction(&mut self) {
        let mut letters = self.rest().chars();
        if letters.next() == Some('.') && letters.next().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
            self.run(|letter| letter.is_ascii_digit());
        }
    }

    fn exponent(&mut self) {
        let Some(exponent) = self.rest().strip_prefix(['e', 'E']) else { return };
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.starts_with(|letter: char| letter.is_ascii_digit()) {
            self.at = self.text.len() - digits.len();
            self.run(|letter| letter.is_ascii_digit());
        }
    }

    /// What stands between the quotes, escapes resolved.
    fn quoted(&mut self, start: usize) -> Option<String> {
        let quoted = self.between_quotes(start)?;
        let mut text = String::new();
        let mut letters = quoted.text.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.extend(self.escape(quoted.start + at, letters.next().map(|(_, escaped)| escaped))),
                _ => text.push(letter),
            }
        }
        Some(text)
    }

    fn escape(&mut self, at: usize, escaped: Option<char>) -> Option<char> {
        match escaped? {
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            quote @ ('\\' | '"' | '\'') => Some(quote),
            other => {
                let at = at..at + 1 + other.len_utf8();
                self.faults
                    .error(at, format!("unknown escape `\\{other}`"))
                    .expected(r#"`\\`, `\"`, `\'`, `\n`, `\r` or `\t`"#);
                None
            }
        }
    }

    /// ASCII, and any byte as `\xHH`.
    fn bytes(&mut self, start: usize) -> Option<Vec<u8>> {
        let quoted = self.between_quotes(start)?;
        let mut bytes = Vec::new();
        let mut rest = quoted.text.as_str();
        while let Some(letter) = rest.chars().next() {
            let at = quoted.start + quoted.text.len() - rest.len();
            let escaped = rest.strip_prefix("\\x").and_then(|hex| hex.get(..2));
            let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
            let (byte, length) = match (letter, escaped) {
                (_, Some(byte)) => (Some(byte), 4),
                ('\\', None) if rest.starts_with("\\\\") => (Some(b'\\'), 2),
                ('\\', None) => (None, 1),
                _ => (Some(letter).filter(char::is_ascii).map(|ascii| ascii as u8), letter.len_utf8()),
            };
            if byte.is_none() {
                self.faults.error(at..at + length, "no byte").expected(r"ASCII, `\\`, or a byte such as `\x1f`");
            }
            bytes.extend(byte);
            rest = &rest[length..];
        }
        Some(bytes)
    }

    /// Pairs of hex digits, with or without spaces, colons or hyphens between them.
    fn hex(&mut self, inside: usize) -> Option<Vec<u8>> {
        let quoted = self.between_quotes(inside - 2)?;
        let digits = quoted.text.replace([' ', ':', '-'], "");
        let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(pair).collect();
        if bytes.is_none() {
            let at = quoted.start..quoted.start + quoted.text.len();
            self.faults.error(at, "no bytes in hex").expected("pairs of hex digits such as `00:1d:9c` or `001d9c`");
        }
        bytes
    }

    fn between_quotes(&mut self, start: usize) -> Option<Quoted> {
        let quote = self.rest().chars().next()?;
        let inside = self.at + 1;
        let mut letters = self.text[inside..].char_indices();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.at = inside + at + 1;
                return Some(Quoted { start: inside, text: self.text[inside..inside + at].to_owned() });
            }
            if letter == '\\' {
                letters.next();
            }
        }
        self.at = self.text.len();
        self.faults.error(start..self.at, "text without an end").expected(format!("a closing `{quote}`"));
        None
    }
}

struct Quoted {
    start: usize,
    text: String,
}

const NUMBER: &str = "a number such as 80, 0.5 or 0x2b, or a duration such as 500ms, 30s, 5min, 8h or 2d";

const fn is_part_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}
