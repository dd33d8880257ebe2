use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::Finding;
use super::rules::Rules;
use crate::intent::FeedTable;
use crate::intent::spans::Servers;
use crate::policy::load;

/// Looks whether declarations can be taken where the configuration says, and are in the words of the site's policy.
pub(super) fn examine(table: &FeedTable, rules: &Rules, tell: &mut impl FnMut(Finding)) {
    if let Err(failure) = table.check() {
        let why = failure.message().unwrap_or("they are wrong");
        return tell(Finding::failed("declarations", why, "correct [intents] in the configuration"));
    }
    table.listen.iter().for_each(|address| tell(listen(*address)));
    let servers = table.servers.as_deref().and_then(|file| servers(file, tell));
    if let Ok(policy) = load(&rules.image)
        && rules.are_sites
    {
        let advice = "correct the name there or in the policy: until then nothing that is declared under it counts";
        let strangers = table.strangers(servers.as_ref(), &policy);
        strangers.into_iter().for_each(|what| tell(Finding::warning("names of the policy", what, advice)));
    }
    #[cfg(feature = "tls")]
    table.tls.iter().for_each(|tls| tell(certificates::examine(tls)));
}

/// Looks whether what spans mean can be read.
fn servers(file: &Path, tell: &mut impl FnMut(Finding)) -> Option<Servers> {
    let about = "meaning of spans";
    match Servers::read(file) {
        Ok(servers) => {
            tell(Finding::ok(about, file.display().to_string()));
            Some(servers)
        }
        Err(failure) => {
            tell(Finding::failed(about, failure.message().unwrap_or_default(), "correct the file"));
            None
        }
    }
}

/// Looks whether an address is there to be listened on.
fn listen(address: SocketAddr) -> Finding {
    let about = format!("declarations to {address}");
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(about, "the address is free"),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::warning(
            about,
            "the address is in use, by a sensor that runs or by another program",
            "all is well if the sensor runs; if not, `ss -ltnp` tells which program has it",
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Finding::failed(about, format!("it may not be listened on: {error}"), "choose a port above 1023")
        }
        Err(error) => Finding::failed(
            about,
            format!("it cannot be listened on: {error}"),
            "name an address that this machine has under [intents]",
        ),
    }
}

#[cfg(feature = "tls")]
mod certificates {
    use tagout_core::Timestamp;

    use crate::doctor::Finding;
    use crate::intent::{Instant, TlsTable, certificates_expire};
    use crate::record::Stamp;

    /// Who renews certificates has so long to notice: 30 days.
    const SOON_MS: u32 = 30 * 24 * 60 * 60 * 1_000;

    /// Looks whether certificates and key are as they should be, and for how long.
    pub(super) fn examine(table: &TlsTable) -> Finding {
        match certificates_expire(table) {
            Ok(expire) => judge(expire, Stamp::now().0),
            Err(failure) => {
                let why = failure.message().unwrap_or_default();
                Finding::failed("certificates for declarations", why, "correct [intents.tls] in the configuration")
            }
        }
    }

    fn judge(expire: Timestamp, now: Timestamp) -> Finding {
        let (about, advice) = (
            "certificates for declarations",
            "renew it, and reload the sensor (`systemctl reload tagout`): without it nobody can declare anything",
        );
        match Instant(expire) {
            at if expire <= now => Finding::failed(about, format!("one of them expired at {at}"), advice),
            at if expire <= now.plus_ms(SOON_MS) => {
                Finding::warning(about, format!("one of them expires at {at}"), advice)
            }
            at => Finding::ok(about, format!("all are valid until {at}")),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::doctor::Verdict;

        #[test]
        fn certificates_that_expire_are_told_in_time() {
            let now = Timestamp(1_768_478_400_000_000_000);
            let soon = now.plus_ms(SOON_MS);
            for (expire, verdict) in [(now, Verdict::Failed), (soon, Verdict::Warning), (soon.plus_ms(1), Verdict::Ok)]
            {
                assert_eq!(judge(expire, now).verdict, verdict);
            }
        }
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;
    use crate::policy::Sources;

    #[test]
    fn names_are_held_against_the_sites_own_policy_only() {
        let table: FeedTable = toml::from_str(
            "clients = [{ cn = \"agent-7\", actors = \"planner\" }]\n\
             tls = { certificate = \"c.pem\", key = \"k.pem\", client_ca = \"ca.pem\" }",
        )
        .unwrap();
        let image = Sources::read(&[], true).unwrap().compile_quietly().unwrap().0.image;
        for are_sites in [true, false] {
            let mut about = Vec::new();
            examine(&table, &Rules { image: image.clone(), are_sites }, &mut |finding| about.push(finding.about));
            assert_eq!(about.iter().any(|about| about == "names of the policy"), are_sites, "{about:?}");
        }
    }
}
