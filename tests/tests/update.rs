//! Updates of a gateway's policy, from the first octet of the offer to the next start: what is refused, and what happens
//! when the power fails.

use ed25519_dalek::SigningKey;
use tagout_compiler::SourceFile;
use tagout_firmware::protocol::{Answer, Assembly, FRAME, Request};
use tagout_firmware::{Identity, Progress, Refusal, Settings, Slots, Update};
use tagout_tests::flash::SimulatedFlash;
use tagout_tests::package::{key, package as package_of, requests};

/// As on an STM32H5, but for the sectors, which are small so that there are many.
type Flash = SimulatedFlash<16, 512>;
const SECTORS: usize = 12;

fn identity() -> Identity {
    tagout_tests::package::identity([0; 6])
}

/// The image of a policy with so many points; with a few it is longer than one chunk.
fn image_of(points: usize) -> Vec<u8> {
    let points: String = (0..points).map(|number| format!("p{number} = {{ coil = {number} }}\n")).collect();
    let text = format!("[devices.tank]\nip = \"192.0.2.1\"\n[devices.tank.points]\n{points}");
    tagout_compiler::compile(&[SourceFile::new("policy.toml", text)]).expect("a policy").image
}

fn image() -> Vec<u8> {
    image_of(20)
}

fn package(version: u64) -> Vec<u8> {
    package_of(version, &key(), &Settings::default(), &image())
}

/// Two slots and what they were started with.
struct Gateway {
    slots: [Flash; 2],
    identity: Identity,
}

impl Gateway {
    fn new() -> Self {
        Self { slots: [Flash::new(SECTORS), Flash::new(SECTORS)], identity: identity() }
    }

    fn with(version: u64) -> Self {
        let mut gateway = Self::new();
        assert_eq!(gateway.update(&requests(&package(version))), Progress::Committed(version));
        gateway
    }

    /// The version in force after a start.
    fn version(&mut self) -> Option<u64> {
        self.start(|slots| slots.version())
    }

    fn start<T>(&mut self, work: impl FnOnce(&mut Slots<'_, Flash>) -> T) -> T {
        let [first, second] = &mut self.slots;
        work(&mut Slots::open(first, second, &self.identity))
    }

    /// Sends requests until one is refused.
    fn update(&mut self, requests: &[Request<'_>]) -> Progress {
        self.start(|slots| {
            let mut update = Update::default();
            requests
                .iter()
                .map(|request| ask(&mut update, slots, request).0)
                .find(|progress| *progress != Progress::Waiting)
        })
        .unwrap_or(Progress::Waiting)
    }

    fn each_slot(&mut self, mut work: impl FnMut(&mut Flash)) {
        self.slots.iter_mut().for_each(&mut work);
    }

    fn steps(&self) -> u64 {
        self.slots.iter().map(Flash::steps).sum()
    }
}

fn ask(update: &mut Update, slots: &mut Slots<'_, Flash>, request: &Request<'_>) -> (Progress, Answer) {
    let mut answer: heapless::Vec<u8, FRAME> = heapless::Vec::new();
    let progress = update.take(&request.frame().expect("a frame"), slots, &mut answer);
    let mut octets = answer.as_slice();
    let mut assembly = Assembly::default();
    let frame = assembly.take(&mut octets).expect("a frame").expect("a whole frame");
    (progress, Answer::read(frame).expect("an answer"))
}

#[test]
fn an_update_is_in_force_after_the_next_start_and_not_before() {
    let mut gateway = Gateway::new();
    assert_eq!(gateway.version(), None);
    gateway.start(|slots| {
        let mut update = Update::default();
        for request in requests(&package(3)) {
            let (progress, answer) = ask(&mut update, slots, &request);
            let committed = matches!(request, Request::Commit);
            assert_eq!(progress, if committed { Progress::Committed(3) } else { Progress::Waiting }, "{answer:?}");
        }
        assert_eq!(slots.version(), None);
        let Answer::Status(status) = ask(&mut update, slots, &Request::Status).1 else { panic!("no status") };
        assert_eq!((status.package, status.pending), (None, Some(3)));
    });
    assert_eq!(gateway.version(), Some(3));
    assert_eq!(gateway.update(&requests(&package(4))), Progress::Committed(4));
    assert_eq!(gateway.version(), Some(4));
    assert_eq!(gateway.update(&requests(&package(9))), Progress::Committed(9));
    assert_eq!(gateway.version(), Some(9));
    let settings = gateway.start(|slots| slots.newest().map(|package| package.settings));
    assert_eq!(settings, Some(Settings::default()));
}

#[test]
fn a_gateway_that_is_about_to_start_again_hears_nothing_more() {
    let mut gateway = Gateway::new();
    gateway.start(|slots| {
        let mut update = Update::default();
        let package = package(3);
        let asked = requests(&package);
        let (commit, before) = asked.split_last().expect("requests");
        assert!(before.iter().all(|request| ask(&mut update, slots, request).0 == Progress::Waiting));
        let mut octets = commit.frame().expect("a frame").to_vec();
        octets.extend_from_slice(b"whatever");
        let mut answer: heapless::Vec<u8, FRAME> = heapless::Vec::new();
        assert_eq!(update.take(&octets, slots, &mut answer), Progress::Committed(3));
    });
    assert_eq!(gateway.version(), Some(3));
}

#[test]
fn a_connection_takes_one_offer_so_that_nobody_wears_the_flash_out() {
    let mut gateway = Gateway::with(5);
    let package = package(6);
    let offer = requests(&package).remove(0);
    let again = [offer, offer, offer];
    assert_eq!(gateway.update(&again), Progress::Refused(Refusal::Order));
    assert_eq!(gateway.version(), Some(5));
}

#[test]
fn what_cannot_come_into_force_is_refused_before_any_flash_is_erased() {
    let mut gateway = Gateway::with(5);
    let steps = gateway.steps();
    let stranger = SigningKey::from_bytes(&[8; 32]);
    let mut changed = package(6);
    changed[16] ^= 1;
    let mut other_kind = package(6);
    other_kind[12] ^= 1;
    let long = vec![0; SECTORS * 512];
    let cases = [
        (package(4), Refusal::Version, "an older one"),
        (
            package_of(5, &key(), &Settings { heartbeat_s: 7, ..Settings::default() }, &image()),
            Refusal::Version,
            "as old",
        ),
        (package_of(6, &stranger, &Settings::default(), &image()), Refusal::ForeignKey, "signed by a stranger"),
        (changed, Refusal::Signature, "another version than signed"),
        (other_kind, Refusal::Profile, "for another kind of board"),
        (package_of(6, &key(), &Settings::default(), &long), Refusal::Length, "longer than a slot"),
        (vec![0; 4096], Refusal::NotAPackage, "zeroes"),
    ];
    for (package, refusal, what) in cases {
        assert_eq!(gateway.update(&requests(&package)[..1]), Progress::Refused(refusal), "{what}");
        assert_eq!(gateway.steps(), steps, "{what}: flash was touched");
    }
    assert_eq!(gateway.version(), Some(5));
}

#[test]
fn content_that_was_not_signed_or_cannot_be_used_is_refused_at_the_end() {
    let mut tampered = package(6);
    *tampered.last_mut().expect("octets") ^= 1;
    let no_host = Settings { host_name: heapless::String::new(), ..Settings::default() };
    let mut damaged = image();
    damaged[20] ^= 1;
    let cases = [
        (tampered, Refusal::Content),
        (package_of(6, &key(), &no_host, &image()), Refusal::Settings),
        (package_of(6, &key(), &Settings::default(), &damaged), Refusal::Policy),
        (package_of(6, &key(), &Settings::default(), &image_of(300)), Refusal::Tables),
    ];
    for (package, refusal) in cases {
        let sectors = package.len() / 512 + 2;
        let mut gateway = Gateway { slots: [Flash::new(sectors), Flash::new(sectors)], identity: identity() };
        assert_eq!(gateway.update(&requests(&self::package(5))), Progress::Committed(5));
        assert_eq!(gateway.update(&requests(&package)), Progress::Refused(refusal));
        assert_eq!(gateway.version(), Some(5), "{refusal:?}");
        assert_eq!(gateway.update(&requests(&self::package(6))), Progress::Committed(6), "after {refusal:?}");
    }
}

#[test]
fn the_very_package_in_force_is_told_to_be_in_force() {
    let mut gateway = Gateway::with(5);
    let steps = gateway.steps();
    gateway.start(|slots| {
        let answer = ask(&mut Update::default(), slots, &requests(&package(5))[0]);
        assert_eq!(answer, (Progress::Waiting, Answer::InForce(5)));
    });
    assert_eq!(gateway.steps(), steps);
}

#[test]
fn steps_in_another_order_are_refused() {
    let package = package(6);
    let whole = requests(&package);
    assert!(whole.len() > 3, "more than one chunk");
    let orders: [(&[usize], Refusal); 6] = [
        (&[1], Refusal::Order),
        (&[whole.len() - 1], Refusal::Order),
        (&[0, whole.len() - 1], Refusal::Order),
        (&[0, 2], Refusal::Order),
        (&[0, 1, 1], Refusal::Order),
        (&[0, 1, whole.len() - 1], Refusal::Order),
    ];
    for (order, refusal) in orders {
        let mut gateway = Gateway::with(5);
        let requests: Vec<Request<'_>> = order.iter().map(|at| whole[*at]).collect();
        assert_eq!(gateway.update(&requests), Progress::Refused(refusal), "{order:?}");
        assert_eq!(gateway.version(), Some(5));
    }
    let mut gateway = Gateway::with(5);
    let more =
        [&whole[..whole.len() - 1], &[Request::Chunk { at: (package.len() - 160) as u32, octets: &[1] }]].concat();
    assert_eq!(gateway.update(&more), Progress::Refused(Refusal::Length));
}

#[test]
fn a_connection_that_ends_early_leaves_the_next_one_nothing() {
    let mut gateway = Gateway::with(5);
    let package = package(6);
    let whole = requests(&package);
    gateway.start(|slots| {
        let mut update = Update::default();
        for request in &whole[..2] {
            assert_eq!(ask(&mut update, slots, request).0, Progress::Waiting);
        }
        assert_eq!(update.take(&[9, 0], slots, &mut heapless::Vec::<u8, FRAME>::new()), Progress::Waiting);
        update.close();
        assert_eq!(ask(&mut update, slots, &whole[2]).0, Progress::Refused(Refusal::Order));
        for request in &whole[..whole.len() - 1] {
            assert_eq!(ask(&mut update, slots, request).0, Progress::Waiting);
        }
        assert_eq!(ask(&mut update, slots, &Request::Commit).0, Progress::Committed(6));
        assert_eq!(ask(&mut update, slots, &whole[0]).0, Progress::Refused(Refusal::Pending));
    });
}

/// Whether power fails at any word written or sector erased: what is in force was signed and is whole, and the update
/// succeeds when it is tried again.
#[test]
fn power_may_fail_at_any_step_of_an_update() {
    for before in [None, Some(5)] {
        let fresh = before.map_or_else(Gateway::new, Gateway::with);
        let mut whole = Gateway { slots: fresh.slots.clone(), identity: identity() };
        assert_eq!(whole.update(&requests(&package(6))), Progress::Committed(6));
        let steps = whole.steps() - fresh.steps();
        assert!(steps > 50, "only {steps} steps");
        for step in 0..steps {
            for seed in 0..4 {
                let mut gateway = Gateway { slots: fresh.slots.clone(), identity: identity() };
                gateway.each_slot(|slot| slot.fail_after(step, seed));
                assert_eq!(gateway.update(&requests(&package(6))), Progress::Refused(Refusal::Flash), "step {step}");
                gateway.each_slot(Flash::restore);
                assert_eq!(gateway.version(), before, "after step {step}, seed {seed}");
                assert_eq!(gateway.update(&requests(&package(6))), Progress::Committed(6), "after step {step}");
                assert_eq!(gateway.version(), Some(6));
            }
        }
    }
}

/// The older of two slots may be in disorder at a start, and power may fail at any step of the update that follows.
#[test]
fn power_may_fail_again_and_again() {
    let mut gateway = Gateway::with(1);
    let mut version = 1;
    for step in (0..400).step_by(7) {
        gateway.each_slot(|slot| slot.fail_after(step % 97, step));
        let progress = gateway.update(&requests(&package(version + 1)));
        gateway.each_slot(Flash::restore);
        version += u64::from(progress == Progress::Committed(version + 1));
        assert_eq!(gateway.version(), Some(version), "after step {step}");
    }
}

#[test]
fn a_slot_that_rots_gives_way_to_the_other_and_is_told_of() {
    let mut gateway = Gateway::with(5);
    assert_eq!(gateway.update(&requests(&package(6))), Progress::Committed(6));
    // The first package went to the second slot.
    let newest = 0;
    gateway.slots[newest].octets_mut()[300] ^= 1;
    assert_eq!(gateway.version(), Some(5));
    assert_eq!(gateway.start(|slots| slots.damaged()), Some(Refusal::Content));
    assert_eq!(gateway.update(&requests(&package(6))), Progress::Committed(6));
    assert_eq!(gateway.version(), Some(6));
}
