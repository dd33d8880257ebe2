//! Files, TCP ports, and other processes: landlock(7).

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, NetPort, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, Scope, path_beneath_rules,
};

use super::Grants;

/// The latest version whose rights are used; what the kernel lacks of them is left out, and found out by the caller.
const KNOWN: ABI = ABI::V6;

/// Confines this thread to what is granted; which version of Landlock does it.
pub(super) fn restrict(grants: &Grants) -> Result<ABI, String> {
    match apply(grants).map_err(|error| error.to_string())? {
        LandlockStatus::Available { effective_abi, .. } => Ok(effective_abi),
        LandlockStatus::NotEnabled => Err("Landlock is not enabled in this kernel (lsm=landlock)".to_owned()),
        LandlockStatus::NotImplemented => Err("this kernel has no Landlock".to_owned()),
    }
}

fn apply(grants: &Grants) -> Result<LandlockStatus, RulesetError> {
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let changing = AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer;
    let ports = grants.tcp.iter().map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp)));
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(&grants.read, reading))?
        .add_rules(path_beneath_rules(&grants.write, reading | changing))?
        .add_rules(ports)?
        .restrict_self()?;
    Ok(status.landlock)
}
