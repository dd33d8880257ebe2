use crate::Endpoint;
use crate::image::{Class, Selector};

/// The owner of the most specific selector that matches: classes are tried from the most specific on, and in each at
/// most one selector can match.
pub(super) fn locate(classes: &[Class], selectors: &[Selector], at: &Endpoint) -> Option<u16> {
    classes.iter().find_map(|class| {
        let probe = class.probe(at)?;
        let members = class.selectors.of(selectors);
        let end = members.partition_point(|member| member.order() <= probe.order());
        let nearest = members.get(end.checked_sub(1)?)?;
        let matches = nearest.key() == probe.key() && probe.port_last.get() <= nearest.port_last.get();
        matches.then(|| nearest.owner.get())
    })
}
