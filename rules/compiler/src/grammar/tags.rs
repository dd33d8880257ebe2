//! Tag exports as a policy names them, and the column maps that tell what is in them.

use tagout_engine::Space;

use super::{NAMES, ORDER, Shape, Table, optional, register_types, required};

pub(crate) static TAGS: Table = Table {
    what: "a tag export",
    meaning: "A CSV file whose rows are points of the device.",
    keys: &[
        &[
            required("file", Shape::Text, "The CSV file; relative to this file."),
            required("map", Shape::Text, "A map that tagout brings along, or a file of your own that ends in `.toml`."),
            optional("only", Shape::Named(&NAMES), "Columns with the patterns that a row must match to be taken."),
        ],
        &ORDER,
    ],
};

/// A column map for tag exports: a file of its own.
pub static MAP: Table = Table {
    what: "a map of tags",
    meaning: "What the columns of a tag export mean.",
    keys: &[
        &[
            optional("title", Shape::Text, "Which exports it is for."),
            optional("delimiter", Shape::Text, "What separates cells; `,` if left out."),
            optional("decimal", Shape::Text, "What separates decimals; `.` if left out."),
            optional("skip", Shape::Text, "Rows whose first cell begins so are no tags."),
            optional("only", Shape::Named(&NAMES), "Columns with the patterns that a row must match to be meant."),
            optional("leave_out", Shape::Named(&NAMES), "Columns with patterns of rows that are no points."),
            required("columns", Shape::Table(&MAP_COLUMNS), "Which column says what."),
            required(
                "addresses",
                Shape::List(&Shape::Table(&MAP_ADDRESS)),
                "Forms of address; the first that fits counts.",
            ),
            optional("spaces", Shape::Named(&Shape::Text), "What the words of the column `space` mean, or `left-out`."),
            optional("types", Shape::Named(&Shape::Text), "What the words of the column `type` mean, or `left-out`."),
            optional("orders", Shape::Named(&Shape::Table(&MAP_ORDER)), "What the words of the column `order` mean."),
        ],
        &ORDER,
    ],
};

/// A column by what its head says or by its number from 1; several make up a name; `{ column, where }` limits the rows.
const COLUMN: Shape = Shape::Either(&[NAMES, Shape::Whole(1, 10_000), Shape::Table(&MAP_COLUMN)]);

pub(crate) static MAP_COLUMNS: Table = Table {
    what: "the columns of a map",
    meaning: "Which column says what.",
    keys: &[&[
        required("name", COLUMN, "The name; parts are joined by `/`."),
        required("address", COLUMN, "The address, in one of the forms of `addresses`."),
        optional("space", COLUMN, "The address space, where the form of the address does not tell."),
        optional("type", COLUMN, "The type of a value in registers."),
        optional("order", COLUMN, "The order of words and bytes."),
        optional("unit", COLUMN, "The unit of measure."),
        optional("scale", COLUMN, "Engineering value = raw × scale + offset."),
        optional("offset", COLUMN, "Engineering value = raw × scale + offset."),
        optional("raw_low", COLUMN, "A raw value whose scaled value is `scaled_low`."),
        optional("raw_high", COLUMN, "A raw value whose scaled value is `scaled_high`."),
        optional("scaled_low", COLUMN, "See `raw_low`."),
        optional("scaled_high", COLUMN, "See `raw_high`."),
        optional("low", COLUMN, "Lower end of the engineering range."),
        optional("high", COLUMN, "Upper end of the engineering range."),
    ]],
};

pub(crate) static MAP_COLUMN: Table = Table {
    what: "a column",
    meaning: "A column, in some rows.",
    keys: &[&[
        required("column", Shape::Either(&[NAMES, Shape::Whole(1, 10_000)]), "The column."),
        optional("where", Shape::Named(&NAMES), "Columns with the patterns that a row must match."),
    ]],
};

pub(crate) static MAP_ADDRESS: Table = Table {
    what: "a form of address",
    meaning: "How addresses are written, and what they mean.",
    keys: &[&[
        required("form", Shape::Text, "Text with gaps: `{n}`, `{n:5}`, `{hex}`, `{octet}`, `{bit}`, `{any}`."),
        optional("space", Shape::Word(|| Space::ALL.iter().map(|word| word.name()).collect()), "The address space."),
        optional("type", Shape::Word(register_types), "The type of the value."),
        optional("base", Shape::Whole(0, 1_000_000), "What the first address is called; 0 if left out."),
        optional("stride", Shape::Whole(1, 64), "How far apart two addresses are called; 1 if left out."),
        optional("left_out", Shape::Text, "Why such an address is no point."),
    ]],
};

pub(crate) static MAP_ORDER: Table =
    Table { what: "an order", meaning: "In which order the parts of a value come.", keys: &[&ORDER] };
