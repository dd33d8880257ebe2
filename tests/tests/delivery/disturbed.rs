//! What disturbs delivery: processes that are killed, receivers that are not there or lie, disks that are full.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::nats::{self, Nats};
use crate::process::{PATIENCE, free_port, is_there, wait_until};
use crate::rsyslog::{self, Rsyslog};
use crate::scene::{Scene, cef_ids, id};

/// How often a process is killed; `TAGOUT_KILLS` asks for more.
fn kills() -> u64 {
    std::env::var("TAGOUT_KILLS").map_or(12, |count| count.parse().expect("a number"))
}

fn soc(port: u16) -> String {
    format!("[[destination]]\nname = \"soc\"\nlongest_retry_s = 1\nsyslog.url = \"tcp://127.0.0.1:{port}\"\n")
}

/// The same over TLS, with the certificates of a folder below the scene's.
fn secure(port: u16, folder: &str) -> String {
    let files = [("ca", "ca.pem"), ("certificate", "client.pem"), ("key", "client.key")];
    let tls = files.map(|(key, file)| format!("{key} = \"{folder}/{file}\"")).join(", ");
    let syslog = format!("syslog = {{ url = \"tls://localhost:{port}\", tls = {{ {tls} }} }}");
    format!("[[destination]]\nname = \"secure\"\nlongest_retry_s = 1\n{syslog}\n")
}

/// Lines by their alert, without what is before the text.
fn texts(received: &str) -> BTreeMap<String, BTreeSet<&str>> {
    let mut texts: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for line in received.lines() {
        let text = &line[line.find("CEF:0").expect("CEF")..];
        texts.entry(cef_ids(line).remove(0)).or_default().insert(text);
    }
    texts
}

/// What rsyslog has is what has to arrive; what came twice says the same.
fn has_everything(rsyslog: &Rsyslog, expected: &BTreeSet<String>) {
    rsyslog.wait_for(expected);
    let received = rsyslog.received();
    let texts = texts(&received);
    assert_eq!(texts.keys().cloned().collect::<BTreeSet<_>>(), *expected);
    assert!(texts.values().all(|texts| texts.len() == 1), "what comes twice says the same");
}

#[test]
fn whenever_the_process_is_killed_everything_arrives() {
    if !rsyslog::speaks_tls() || !is_there("nats-server") {
        return;
    }
    let [soc_port, secure_port, fleet_port] = [free_port(), free_port(), free_port()];
    let destinations = [soc(soc_port), secure(secure_port, "secure"), nats::destination(fleet_port)];
    let scene = Scene::with(&destinations.concat());
    let secure_folder = scene.path("secure");
    fs::create_dir(&secure_folder).expect("a folder");
    rsyslog::certificates(&secure_folder);
    let collectors =
        [Rsyslog::start(&scene.path(""), soc_port, false), Rsyslog::start(&secure_folder, secure_port, true)];
    let nats = Nats::start(&scene.path(""), fleet_port);
    for round in 0..kills() {
        let mut replay = scene.start();
        // Over all of a replay, which takes some tenths of a second, and in another order each time.
        thread::sleep(Duration::from_millis(round * 7_919 % 251));
        replay.kill();
    }
    scene.deliver();
    ["soc", "secure", "fleet"].iter().for_each(|destination| scene.wait_until_done(destination));
    let expected = Scene::expected_ids();
    collectors.iter().for_each(|rsyslog| has_everything(rsyslog, &expected));
    let stored = nats.ids();
    assert_eq!(stored.len(), expected.len(), "a stream takes what comes twice as one");
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn what_is_kept_outlives_the_process_that_was_killed() {
    if !is_there("rsyslogd") {
        return;
    }
    let port = free_port();
    let scene = Scene::with(&soc(port));
    let mut replay = scene.start();
    let count = Scene::expected().len();
    wait_until("everything is in the spool", || {
        scene.path("spool/status.json").exists() && scene.status("soc")["waiting"] == count || replay.ended().is_some()
    });
    replay.kill();
    assert_eq!(scene.status("soc")["waiting"], count);
    let rsyslog = Rsyslog::start(&scene.path(""), port, false);
    scene.drain();
    rsyslog.wait_for(&Scene::expected_ids());
    assert_eq!(cef_ids(&rsyslog.received()).len(), count);
}

#[test]
fn a_collector_that_is_killed_and_comes_back_gets_everything() {
    if !is_there("rsyslogd") {
        return;
    }
    let port = free_port();
    let scene = Scene::with(&soc(port));
    for _ in 0..3 {
        let rsyslog = Rsyslog::start(&scene.path(""), port, false);
        let _replay = scene.start();
        thread::sleep(Duration::from_millis(60));
        drop(rsyslog);
    }
    let rsyslog = Rsyslog::start(&scene.path(""), port, false);
    scene.deliver();
    rsyslog.wait_for(&Scene::expected_ids());
}

#[test]
fn a_collector_that_ends_connections_unread_has_not_got_anything() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let scene = Scene::with(&soc(listener.local_addr().expect("bound").port()));
    listener.set_nonblocking(true).expect("an option");
    let accept = move || {
        let mut stream = None;
        wait_until("there is a connection", || {
            stream = listener.accept().ok();
            stream.is_some()
        });
        stream.expect("a connection").0
    };
    let collector = thread::spawn(move || {
        for _ in 0..3 {
            drop(accept());
        }
        let mut received = String::new();
        let mut stream = accept();
        stream.set_nonblocking(false).expect("an option");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.read_to_string(&mut received).expect("text");
        received
    });
    scene.deliver();
    let received = collector.join().expect("a collector");
    let ids: Vec<String> = received.split("externalId=").skip(1).map(|rest| rest[..32].to_owned()).collect();
    assert_eq!(ids, Scene::expected().iter().map(id).collect::<Vec<_>>());
}

#[test]
fn a_slow_destination_does_not_hold_up_another() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let archive = "[[destination]]\nname = \"archive\"\nformat = \"ecs\"\nfile.path = \"archive\"\n";
    let scene = Scene::with(&(soc(port).replace("longest", "most_per_s = 1\nlongest") + archive));
    let mut replay = scene.start();
    let count = Scene::expected().len();
    wait_until("the archive has everything", || {
        fs::read_to_string(scene.path("archive")).unwrap_or_default().lines().count() == count
    });
    assert!(replay.ended().is_none(), "the other is still at it");
    replay.kill();
}

/// A file system of so many bytes, while it is in use.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// `None` where this user may not mount one.
    fn mount(at: &'a Path, bytes: u64) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tagout"]).arg(at);
        let is_mounted = command.output().is_ok_and(|output| output.status.success());
        is_mounted.then_some(Self(at))
    }

    /// Takes all room that there is.
    fn fill(&self) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.0.join("fill")).expect("a file");
        while file.write_all(&[0; 4_096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("fill")).expect("a file");
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[test]
fn a_full_disk_holds_alerts_up_and_loses_none() {
    let scene = Scene::with("[[destination]]\nname = \"archive\"\nfile.path = \"archive\"\n");
    let spool = scene.path("spool");
    let Some(disk) = Disk::mount(&spool, 1 << 20) else {
        eprintln!("skipped: mounting a small disk takes root");
        return;
    };
    scene.drain();
    let before = fs::metadata(spool.join("spool.redb")).expect("a spool").size();
    disk.fill();
    let mut replay = scene.start();
    thread::sleep(Duration::from_millis(500));
    assert!(replay.ended().is_none(), "it waits for the disk");
    disk.empty();
    wait_until("the replay has ended", || replay.ended().is_some());
    assert_eq!(replay.ended().and_then(|status| status.code()), Some(0));
    let archive = fs::read_to_string(scene.path("archive")).expect("an archive");
    assert_eq!(archive.lines().count(), Scene::expected().len());
    assert!(fs::metadata(spool.join("spool.redb")).expect("a spool").size() >= before);
}
