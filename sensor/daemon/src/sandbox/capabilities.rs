//! Privileges: capabilities(7).

use rustix::io::{Errno, Result};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

/// Gives up every capability, and the ways to have one again.
pub(super) fn drop_all() -> Result<()> {
    set_no_new_privs(true)?;
    clear_ambient_capability_set()?;
    bound()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    let left = capabilities(None)?;
    if (left.effective | left.permitted | left.inheritable).is_empty() { Ok(()) } else { Err(Errno::PERM) }
}

/// Empties the bounding set, for which CAP_SETPCAP is needed: without it, that no program can gain privileges any more has to do.
fn bound() -> Result<()> {
    let known = (0..u64::BITS).map(|bit| CapabilitySet::from_bits_retain(1 << bit));
    for capability in known {
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // No such capability in this kernel: it was the last one.
            Err(Errno::INVAL) => break,
            Err(Errno::PERM) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
