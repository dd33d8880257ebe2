use tagout_engine::Asked;

use super::Fragment;
use super::header::ObjectHeader;

/// What a request fragment asks for: the objects that its headers name, or its function if it has none.
pub fn asked(fragment: &Fragment<'_>) -> impl Iterator<Item = Asked> {
    let objects = |header: ObjectHeader<'_>| Asked::Objects {
        group: header.group,
        variation: header.variation,
        first: header.range.start(),
        count: header.range.count(),
    };
    let code = fragment.function.0;
    let bare = fragment.headers().filter_map(Result::ok).next().is_none().then_some(Asked::Function { code, sub: 0 });
    fragment.headers().filter_map(Result::ok).map(objects).chain(bare)
}
