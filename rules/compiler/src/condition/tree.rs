/// A stretch of a condition's text, in bytes.
pub(super) type Range = std::ops::Range<usize>;

/// A part of a condition.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Expr {
    pub(super) at: Range,
    pub(super) node: Node,
}

impl Expr {
    /// Whether it is a literal, or the negative of one.
    pub(super) fn is_constant(&self) -> bool {
        match &self.node {
            Node::Literal(_) => true,
            Node::Negate(of) => of.is_constant(),
            _ => false,
        }
    }
}

/// A name and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Name {
    pub(super) at: Range,
    pub(super) text: String,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Node {
    Literal(Literal),
    /// A dotted name.
    Field(String),
    /// `name(arguments)`
    Call(Name, Vec<Expr>),
    /// `of.name`
    Property(Box<Expr>, Name),
    /// `of.name(arguments)`
    Method(Box<Expr>, Name, Vec<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `of in [elements]`
    In(Box<Expr>, Vec<Expr>),
    /// `condition ? first : second`
    Choose(Box<[Expr; 3]>),
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Literal {
    Number(f64),
    /// In seconds.
    Duration(f64),
    Flag(bool),
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Binary {
    pub(super) const ALL: [Self; 12] = [
        Self::Or,
        Self::And,
        Self::Equal,
        Self::Unequal,
        Self::Less,
        Self::AtMost,
        Self::Greater,
        Self::AtLeast,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
    ];

    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }

    /// The greater binds the tighter.
    pub(super) const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal | Self::Unequal | Self::Less | Self::AtMost | Self::Greater | Self::AtLeast => COMPARISON,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide => 5,
        }
    }
}

/// The precedence of comparisons and `in`.
pub(super) const COMPARISON: u8 = 3;
