use tagout_core::Scan;

/// Scans bytes to their end as a stream would, and gives every unit to `take`. `scan` is told whether a unit ended where
/// it begins.
///
/// Scanning depends on nothing but its arguments, always gets on, and neither reaches beyond the bytes nor wants more than
/// the longest unit has.
pub(super) fn scanned(
    bytes: &[u8],
    mut synced: bool,
    longest: usize,
    scan: impl Fn(&[u8], bool) -> Scan,
    mut take: impl FnMut(&[u8]),
) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let found = scan(rest, synced);
        assert_eq!(found, scan(rest, synced), "scanning depends on its arguments alone");
        synced = matches!(found, Scan::Unit { .. });
        match found {
            Scan::Unit { len } => {
                assert!((1..=rest.len().min(longest)).contains(&len), "a unit of {len} bytes");
                take(&rest[..len]);
                rest = &rest[len..];
            }
            Scan::Damaged { skip, .. } => {
                assert!((1..=rest.len()).contains(&skip), "{skip} of {} bytes skipped", rest.len());
                rest = &rest[skip..];
            }
            Scan::Partial { need } => {
                assert!(need > rest.len() && need <= longest, "{need} bytes needed, {} are there", rest.len());
                break;
            }
        }
    }
}
