//! Clients that may tell of certain actors alone, by their certificates.

use std::fs;

use super::{Scene, TLS, certificates, curl, exported};
use crate::intents::{next_finding, sign};
use tagout_tests::authority::Authority;

/// What two clients may tell of; a third is known to the CA alone.
const CLIENTS: &str = "[[intents.clients]]\ncn = \"client\"\nactors = \"planner\"\n\
                       [[intents.clients]]\nuri = \"spiffe://plant/courier\"\nactors = [\"scheduler\"]\n";
const POLICY: &str =
    "skew = \"30 s\"\n[actors.scheduler]\nkind = \"ai-agent\"\nintents = \"required\"\nip = \"10.0.0.9\"\n";

impl Scene {
    fn refused(&self) -> f64 {
        self.metric("tagout_intents_received_total{outcome=\"refused\"}")
    }

    /// The agent writes this, and nobody declared it.
    fn is_undeclared(&mut self, value: u16) {
        self.act(value);
        while next_finding(&self.sensor, &mut self.known) != "intent.none" {}
    }
}

#[test]
fn a_client_tells_of_the_actors_alone_that_it_is_named_for() {
    let lines = format!("{TLS}{CLIENTS}");
    let Some(mut scene) = Scene::start("clients", POLICY, &lines, |folder| {
        certificates(folder);
        let authority = Authority::of(folder, "ca");
        authority.certify("courier", "URI:spiffe://plant/courier");
        authority.certify("nobody", "DNS:localhost");
    }) else {
        return;
    };
    let [http, grpc] = [["http", "https://127.0.0.1:4318/v1/traces"], ["grpc", "127.0.0.1:4317"]];
    let export = |scene: &Scene, to: [&str; 2], client: &str, value| {
        let [certificate, key] = ["pem", "key"].map(|end| format!("{client}.{end}"));
        drop(exported(scene, &[to[0], to[1], "ca.pem", &certificate, &key], value));
    };
    for (refused, (to, client)) in (1_u16..).zip([(http, "courier"), (grpc, "courier"), (http, "nobody")]) {
        export(&scene, to, client, 20 + refused);
        scene.wait_until("it is refused", || scene.refused() >= f64::from(refused));
        if refused == 1 {
            assert_eq!(next_finding(&scene.sensor, &mut scene.known), "intent.unknown-key");
            let declared = scene.sensor.intents().pop().map(|alert| alert["ot"]["intent"]["declared"].clone());
            assert_eq!(declared.unwrap_or_default()["client"], "courier");
        }
        scene.is_undeclared(20 + refused);
    }
    fs::write(scene.place("signed.jws"), sign(scene.folder.path(), "first", 7)).expect("an intent");
    for client in ["courier", "nobody"] {
        let answer = curl(&scene, Some(client), &[]);
        assert_eq!(answer, r#"{"taken":0,"refused":[{"line":1,"why":"intent.unknown-key"}]}"#, "{client}");
    }
    scene.is_undeclared(7);
    assert_eq!(scene.refused(), 5.0);

    assert_eq!(curl(&scene, Some("client"), &[]), r#"{"taken":1}"#);
    scene.act(7);
    for (value, to) in (30..).zip([http, grpc]) {
        export(&scene, to, "client", value);
        scene.wait_until("it is taken", || {
            scene.metric("tagout_intents_received_total{outcome=\"taken\"}") >= f64::from(value - 28)
        });
        scene.act(value);
    }
    let known = scene.sensor.intents().len();
    scene.is_undeclared(9_999);
    let later: Vec<_> = scene.sensor.intents().split_off(known);
    let observed = |alert: &serde_json::Value| alert["ot"]["intent"]["observed"]["value"].as_f64();
    let undeclared: Vec<_> = later.iter().filter_map(observed).collect();
    assert_eq!(undeclared, [9_999.0], "what it told was declared");
    scene.sensor.stop();
}
