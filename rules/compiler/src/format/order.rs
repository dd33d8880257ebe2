//! What the grammar says of the order of keys, and of which things are lists by name.

use toml_edit::Table;

use crate::grammar::{MAP, POLICY, Shape};

/// What a file is: a map of columns is told from a policy by its keys.
pub(super) fn root(file: &Table) -> Option<Shape> {
    let is_map = file.iter().any(|(key, _)| MAP.has(key));
    Some(Shape::Table(if is_map { &MAP } else { &POLICY }))
}

/// The shape of what a table of this shape has under a name; `None` if the grammar does not know it.
pub(super) fn child(shape: Option<Shape>, name: &str) -> Option<Shape> {
    match tabular(shape?)? {
        Shape::Table(table) => table.keys().find(|key| key.name == name).map(|key| key.shape),
        Shape::Named(shape) => Some(*shape),
        _ => None,
    }
}

/// Which place a key has in a table of this shape. Names all have the same, and so keep their order.
pub(super) fn rank(shape: Option<Shape>, name: &str) -> usize {
    match shape.and_then(tabular) {
        Some(Shape::Table(table)) => table.keys().position(|key| key.name == name).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// Whether a table of this shape lists tables by name, such as points.
pub(super) fn is_list(shape: Option<Shape>) -> bool {
    let Some(Shape::Named(shape)) = shape.and_then(tabular) else { return false };
    tabular(*shape).is_some()
}

/// The shape of the tables among the values of a shape.
fn tabular(shape: Shape) -> Option<Shape> {
    match shape {
        Shape::Table(_) | Shape::Named(_) => Some(shape),
        Shape::OneOrMore(inner) | Shape::List(inner) => tabular(*inner),
        Shape::Either(shapes) => shapes.iter().find_map(|shape| tabular(*shape)),
        _ => None,
    }
}
