//! Heartbeats: they come whatever happens, whatever else a receiver asks for, and say how the sensor does.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tagout_tests::mirror::Mirror;
use tagout_tests::schema;

use crate::sensor::Sensor;

const PATIENCE: Duration = Duration::from_secs(20);

/// A collector in the sensor's namespace.
struct Collector(UdpSocket);

impl Collector {
    fn open(mirror: &Mirror) -> Self {
        let socket = mirror.in_sensor(|| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("sockets have timeouts");
        Self(socket)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().expect("an address").port()
    }

    /// The next message: what stands before the record, and the record.
    fn next(&self) -> (String, Value) {
        let mut bytes = vec![0; 65_536];
        let len = self.0.recv(&mut bytes).expect("a message comes");
        let text = String::from_utf8_lossy(&bytes[..len]);
        let (head, record) = text.split_once('{').expect("a record behind a header");
        (head.to_owned(), serde_json::from_str(&format!("{{{record}")).expect("JSON"))
    }

    /// The first record that is as it should be.
    fn wait_for(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, record) = self.next();
            if holds(&record) {
                return record;
            }
            assert!(Instant::now() < deadline, "{what} does not come about: {record}");
        }
    }
}

/// One receiver that asks for the worst alerts, and gets heartbeats all the same, and one that asks for alerts alone.
fn configuration(folder: &Path, port: u16) -> String {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/policy.toml");
    let (folder, policy) = (folder.display(), policy.display());
    format!(
        r#"prefilter = false
        [policy]
        files = "{policy}"
        [output]
        heartbeat_s = 1
        [sandbox]
        mode = "required"
        [spool]
        directory = "{folder}/spool"
        [[destination]]
        name = "soc"
        format = "eve"
        least_severity = "high"
        actors = ["nobody"]
        syslog.url = "udp://127.0.0.1:{port}"
        [[destination]]
        name = "archive"
        send = ["alerts", "sensor"]
        file.path = "{folder}/archive.jsonl"
        "#
    )
}

#[test]
fn heartbeats_arrive_and_say_how_the_sensor_does() {
    let Some(mirror) = Mirror::of_test("heartbeat") else { return };
    let collector = Collector::open(&mirror);
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir().expect("a folder");
    let config = configuration(folder.path(), collector.port());
    let sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "heartbeat", &config));

    let beats: Vec<(String, Value)> = (0..3).map(|_| collector.next()).collect();
    for (head, beat) in &beats {
        assert_eq!(schema::check_record(beat), Ok(()));
        assert!(head.contains(" tagout - sensor [meta sequenceId="), "{head}");
        assert_eq!((&beat["event_type"], &beat["ot"]["heartbeat"]["status"]), (&"heartbeat".into(), &"ok".into()));
        assert_eq!(beat["ot"]["heartbeat"]["interfaces"][0]["state"], "up", "{beat}");
        assert_eq!(beat["ot"]["heartbeat"]["restarts"], 0, "{beat}");
        assert_eq!(beat["ot"]["heartbeat"]["started"], beats[0].1["ot"]["heartbeat"]["started"]);
    }
    let of = |field: &str| {
        beats.iter().map(|(_, beat)| beat.pointer(field).cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert!(of("/ot/heartbeat/uptime_s").windows(2).all(|two| two[0].as_u64() < two[1].as_u64()), "{beats:?}");
    assert!(of("/ot/heartbeat_id").windows(2).all(|two| two[0] != two[1]), "no two are taken for one");

    mirror.on_sensor(&["link", "set", "eth1", "down"]);
    let unwell = collector.wait_for("a lost interface", |beat| beat["ot"]["heartbeat"]["status"] == "unwell");
    assert_eq!(unwell["ot"]["heartbeat"]["interfaces"][0]["state"], "lost", "{unwell}");
    assert_eq!(unwell["ot"]["heartbeat"]["unwell"][0]["part"], "interface", "{unwell}");
    mirror.on_sensor(&["link", "set", "eth1", "up"]);
    collector.wait_for("a sensor that is well again", |beat| beat["ot"]["heartbeat"]["status"] == "ok");

    let events = sensor.stop();
    assert!(
        events.iter().filter(|event| event["event_type"] == "heartbeat").count() > 5,
        "the events file has them too"
    );
    let archive = std::fs::read_to_string(folder.path().join("archive.jsonl")).expect("the loss was told");
    assert!(archive.contains("interface-lost") && !archive.contains("\"heartbeat\""), "{archive}");

    let sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "heartbeat-anew", &config));
    collector.wait_for("a start that is counted", |beat| beat["ot"]["heartbeat"]["restarts"] == 1);
    sensor.stop();
}
