use tagout_engine::{Encoding, Kind, Space};

use super::column::{Column, Filter, Heads, Name};
use super::map::Map;
use super::notation::{Notation, Reading};
use super::sheet::{Cell, Line};
use crate::diagnostic::Report;
use crate::model::{Bounds, Point};
use crate::source::{Span, Spanned};
use crate::suggest::one_of;

/// What becomes of a row.
pub(super) enum Row {
    Point(Point),
    /// It is no point, and why.
    LeftOut(String),
    /// Something is wrong with it, which has been reported; its name, if that is known.
    Wrong(Option<String>),
    /// It is not meant at all.
    Nothing,
}

/// Reads the rows of a sheet.
pub(super) struct Reader<'m, 's> {
    map: &'m Map,
    heads: Heads<'s>,
    only: Vec<Filter>,
}

/// Where a point is, and what says so.
struct Place<'m, 'l> {
    space: Space,
    address: u16,
    notation: &'m Notation,
    cell: &'l Cell,
}

/// Why a row ends early.
enum Stop {
    LeftOut(String),
    Wrong,
}

impl<'m, 's> Reader<'m, 's> {
    /// Finds the columns; `None` if some that are needed are not there. The rest of the lines are the rows.
    pub(super) fn open(
        map: &'m Map,
        only: Vec<Filter>,
        at: Span,
        lines: &'s [Line],
        report: &mut Report<'_>,
    ) -> Option<(Self, &'s [Line])> {
        let heads = needed(map);
        if heads.is_empty() {
            return Some((Self { map, heads: Heads(None), only }, lines));
        }
        let has = |line: &Line| heads.iter().all(|head| Heads(Some(line)).find_head(&head.value).is_some());
        let Some(index) = lines.iter().position(has) else {
            no_heads(map, &heads, at, lines.iter().find(|line| !skipped(map, line)), report);
            return None;
        };
        let reader = Self { map, heads: Heads(lines.get(index)), only };
        reader.check_columns(report);
        Some((reader, &lines[index + 1..]))
    }

    /// Columns that are named and not there: a shipped map knows more columns than every export has.
    fn check_columns(&self, report: &mut Report<'_>) {
        let Some(heads) = self.heads.0 else { return };
        let mut missing = |head: &str, span: Span| {
            let draft = report.warning(span, format!("there is no column `{head}`"));
            draft.related(heads.span, "among these");
        };
        for (_, column) in self.map.columns().filter(|_| !self.map.shipped) {
            for part in &column.parts {
                if let Name::Head(head) = &part.value
                    && self.heads.find_head(head).is_none()
                {
                    missing(head, part.span);
                }
            }
        }
        for filter in self.only.iter().filter(|filter| self.heads.find_head(&filter.column.value).is_none()) {
            missing(&filter.column.value, filter.column.span);
        }
    }

    pub(super) fn row(&self, line: &Line, report: &mut Report<'_>) -> Row {
        let meant = |filter: &Filter| filter.lets(self.heads.cell(&filter.column.value, line));
        if skipped(self.map, line) || !self.only.iter().chain(&self.map.only).all(meant) {
            return Row::Nothing;
        }
        if let Some(filter) = self.map.leave_out.iter().find(|filter| meant(filter)) {
            return Row::LeftOut(filter.told());
        }
        let Some(name) = self.name(line) else { return Row::LeftOut("it has no name".to_owned()) };
        match self.point(&name, line, report) {
            Ok(point) => Row::Point(point),
            Err(Stop::LeftOut(why)) => Row::LeftOut(why),
            Err(Stop::Wrong) => Row::Wrong(Some(name.value)),
        }
    }

    fn name(&self, line: &Line) -> Option<Spanned<String>> {
        let parts = self.heads.all_of(self.map.column("name")?, line);
        let span = Span { start: line.span.start, ..parts.last()?.span };
        let words: Vec<_> = parts.iter().map(|cell| cell.text.trim_matches('/')).collect();
        let name = words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join("/");
        (!name.is_empty()).then_some(Spanned { value: name, span })
    }

    fn point(&self, name: &Spanned<String>, line: &Line, report: &mut Report<'_>) -> Result<Point, Stop> {
        if name.value.contains(['*', '?']) {
            return Err(self.wrong("name", name.span, &name.value, "a name without `*` and `?`", report));
        }
        let Place { space, address, notation, cell } = self.place(line, report)?;
        let encoding = self.encoding(space, notation, line, report)?;
        let mut point = Point::at(name.clone(), space, address, encoding);
        if !space.is_bit() {
            (point.scale, point.offset) = self.scaling(line, report)?;
            point.range = self.range(line, report)?;
        }
        point.unit = self.cell("unit", line).map(|cell| cell.text.clone()).unwrap_or_default();
        if point.span().1 > 65536 {
            let width = encoding.kind.width();
            let expected = format!("room for {width} registers, up to 65535");
            return Err(self.wrong("address", cell.span, &cell.text, &expected, report));
        }
        Ok(point)
    }

    /// Where the point is.
    fn place<'l>(&self, line: &'l Line, report: &mut Report<'_>) -> Result<Place<'m, 'l>, Stop> {
        let Some(cell) = self.cell("address", line) else {
            return Err(Stop::LeftOut("it has no address".to_owned()));
        };
        let read = self.map.notations.iter().find_map(|notation| Some((notation, notation.read(&cell.text)?)));
        let Some((notation, reading)) = read else {
            let points = self.map.notations.iter().filter(|notation| notation.left_out.is_none());
            let forms = one_of(points.map(|notation| notation.form.text.as_str()));
            return Err(self.wrong("address", cell.span, &cell.text, &format!("an address such as {forms}"), report));
        };
        let number = match reading {
            Reading::Address(number) => number,
            Reading::LeftOut(why) => return Err(Stop::LeftOut(why.to_owned())),
        };
        let space = match notation.space {
            Some(space) => space,
            None => self.space(line, report)?,
        };
        let address = u16::try_from(number).map_err(|_| {
            self.wrong("address", cell.span, &cell.text, "an address from 0 to 65535 on the wire", report)
        })?;
        Ok(Place { space, address, notation, cell })
    }

    fn space(&self, line: &Line, report: &mut Report<'_>) -> Result<Space, Stop> {
        let Some(cell) = self.cell("space", line) else {
            return Err(Stop::LeftOut("nothing tells its address space".to_owned()));
        };
        self.word("space", cell, &self.map.spaces, report)
    }

    fn word<T: Copy>(
        &self,
        what: &'static str,
        cell: &Cell,
        words: &super::map::Words<T>,
        report: &mut Report<'_>,
    ) -> Result<T, Stop> {
        match words.get(&cell.text) {
            Some(Some(meaning)) => Ok(meaning),
            Some(None) => Err(Stop::LeftOut(format!("{what} is {}", cell.text))),
            None => {
                let known: Vec<_> = words.0.iter().map(|(word, _)| word.as_str()).collect();
                let message = self.found(what, &cell.text);
                report.error(cell.span, message).one_of(&cell.text, &known);
                Err(Stop::Wrong)
            }
        }
    }

    fn encoding(
        &self,
        space: Space,
        notation: &Notation,
        line: &Line,
        report: &mut Report<'_>,
    ) -> Result<Encoding, Stop> {
        if !space.is_register() {
            return Ok(Encoding { kind: Kind::Native, low_word_first: false, swap_bytes: false });
        }
        let kind = match (notation.kind, self.cell("type", line)) {
            (Some(kind), _) => kind,
            (None, Some(cell)) => self.word("type", cell, &self.map.types, report)?,
            (None, None) => Kind::U16,
        };
        let order = match self.cell("order", line) {
            Some(cell) => self.word("order", cell, &self.map.orders, report)?.or(self.map.order),
            None => self.map.order,
        };
        let low_word_first = kind.width() > 1 && order.low_word_first.unwrap_or(false);
        Ok(Encoding { kind, low_word_first, swap_bytes: order.swap_bytes.unwrap_or(false) })
    }

    /// Scale and offset: said as such, or by two values raw and scaled.
    fn scaling(&self, line: &Line, report: &mut Report<'_>) -> Result<(f64, f64), Stop> {
        let mut number = |what: &'static str| self.number(what, line, report);
        let (scale, offset) = (number("scale")?, number("offset")?);
        let raw = number("raw_low")?.zip(number("raw_high")?);
        let scaled = number("scaled_low")?.zip(number("scaled_high")?);
        match (raw, scaled) {
            (Some((raw_low, raw_high)), Some((low, high))) if raw_low != raw_high && low != high => {
                let scale = (high - low) / (raw_high - raw_low);
                Ok((scale, low - raw_low * scale))
            }
            _ => Ok((scale.filter(|scale| *scale != 0.0).unwrap_or(1.0), offset.unwrap_or(0.0))),
        }
    }

    fn range(&self, line: &Line, report: &mut Report<'_>) -> Result<Bounds, Stop> {
        let (low, high) = (self.number("low", line, report)?, self.number("high", line, report)?);
        let range = Bounds { min: low.unwrap_or(f64::NEG_INFINITY), max: high.unwrap_or(f64::INFINITY) };
        if range.min > range.max {
            return Err(match self.cell("high", line) {
                Some(cell) => self.wrong("high", cell.span, &cell.text, &format!("{} or more", range.min), report),
                None => Stop::Wrong,
            });
        }
        Ok(range)
    }

    fn number(&self, what: &'static str, line: &Line, report: &mut Report<'_>) -> Result<Option<f64>, Stop> {
        let Some(cell) = self.cell(what, line) else { return Ok(None) };
        let text = cell.text.replace(self.map.decimal, ".");
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| self.wrong(what, cell.span, &cell.text, "a number", report))
    }

    fn cell<'l>(&self, what: &str, line: &'l Line) -> Option<&'l Cell> {
        self.heads.of(self.map.column(what), line)
    }

    /// Reports what a cell says.
    fn wrong(&self, what: &str, span: Span, found: &str, expected: &str, report: &mut Report<'_>) -> Stop {
        report.error(span, self.found(what, found)).expected(expected);
        Stop::Wrong
    }

    /// What a cell says, and in which column.
    fn found(&self, what: &str, found: &str) -> String {
        let column = self.map.column(what).map(told).unwrap_or_default();
        format!("`{found}` in {column}")
    }
}

/// A column in words.
fn told(column: &Column) -> String {
    let name = |part: &Spanned<Name>| match &part.value {
        Name::Head(head) => format!("the column `{head}`"),
        Name::Number(number) => format!("column {number}"),
    };
    column.parts.iter().map(name).collect::<Vec<_>>().join(" and ")
}

fn skipped(map: &Map, line: &Line) -> bool {
    let first = line.cells.first().map_or("", |cell| cell.text.as_str());
    map.skip.as_deref().is_some_and(|skip| first.starts_with(skip))
}

/// The heads without which there is no telling the points.
fn needed(map: &Map) -> Vec<Spanned<String>> {
    let parts = |what| map.column(what).into_iter().flat_map(|column| &column.parts);
    let head = |part: &Spanned<Name>| match &part.value {
        Name::Head(head) => Some(Spanned { value: head.clone(), span: part.span }),
        Name::Number(_) => None,
    };
    ["name", "address", "space"].into_iter().flat_map(parts).filter_map(head).collect()
}

fn no_heads(map: &Map, heads: &[Spanned<String>], at: Span, first: Option<&Line>, report: &mut Report<'_>) {
    let names = one_of(heads.iter().map(|head| head.value.as_str())).replace(" or ", " and ");
    let draft = report.error(at, format!("no line of the file has the columns that the map `{}` needs", map.name));
    draft.label(format!("expected a line with {names}"));
    if let Some(line) = first {
        draft.related(line.span, "the first line is this");
    }
}
