//! Captures of others: clean ones, and ones with labelled attackers.

use tagout::capture::CaptureFile;
use tagout::learn::{Learned, Limits, Listener, MOST_POINTS};
use tagout::memory::{self, Memory};
use tagout_core::engine::Policy;
use tagout_core::{Config, Output, Sensor};
use tagout_tests::collect::Records;
use tagout_tests::corpus;

use crate::{against, image, text};

/// Runs a sensor over a capture file.
fn replay(name: &str, policy: Policy<'_>, output: &mut dyn Output) -> bool {
    let Some(path) = corpus::directory().map(|directory| directory.join(name)).filter(|path| path.exists()) else {
        println!("skipped: no capture {name} (TAGOUT_CAPTURES names the folder)");
        return false;
    };
    let mut memory = Memory::new(&memory::Limits::default(), policy);
    let mut sensor = Sensor::new(Config::default(), policy, memory.lend());
    let mut file = CaptureFile::open(&path).expect("the capture can be read");
    while let Some(frame) = file.next().expect("the capture can be read") {
        sensor.frame(&frame, output);
    }
    sensor.finish(output);
    true
}

fn learn_file(name: &str) -> Option<Learned> {
    let mut listener = Listener::new(Limits::default());
    replay(name, Policy::empty(), &mut listener).then(|| listener.learn(&[name.to_owned()], MOST_POINTS))
}

#[test]
fn clean_captures_raise_nothing_under_what_was_learned_from_them() {
    for name in [
        "resilmesh2+MONT-Dataset-OT-ICS-attacks__Scenario-2_4-Lateral-movement_lateral_movement_traffic.pcap",
        "dumbled00r+DNP3-ICS-Lab__dataset_pcap_NORMAL.pcap",
    ] {
        let Some(learned) = learn_file(name) else { continue };
        let image = image(&learned);
        let mut records = Records::default();
        replay(name, Policy::load(&image).expect("the image is sound"), &mut records);
        assert_eq!(against(&records), [], "{name}");
    }
}

#[test]
fn labelled_attackers_are_not_permitted() {
    let cases = [
        ("JaxsonBrownie+ICS-SimLab-IDS__curtin-ics-simlab-ids_data_pcap_29-46_04-output.pcap", "\"192.168.0.1\""),
        ("antoine-lemay+Modbus_dataset__characterization_modbus_6RTU_with_operate.pcap", "\"192.168.1.101\""),
        (
            "gagandangwal17+IDS_DNP3_Dataset__20200518_DNP3_Replay_Attack_DNP3_PCAP_Files_20200518_Replay_UOWM_DNP3_Dataset_Slave_01.pcap",
            "be:0a:53:35:94:71",
        ),
        (
            "gagandangwal17+IDS_DNP3_Dataset__20200516_DNP3_Enumerate_DNP3_PCAP_Files_20200516_DNP3_Enumerate_UOWM_DNP3_Dataset_Slave_01.pcap",
            "\"192.168.1.1\"",
        ),
        ("qut-infosec+2017QUT_DNP3__Flooding_training_infrequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__Replay_training_infrequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__Masqurading_training_infrequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__Injection_training_frequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__MITM_training_infrequent_attacker.noGOOSE.pcap", "00:10:18:cb:8c:13"),
        ("riccardopivato+modbus-tcp-attacks__captures_05_B4.pcap", "\"172.20.0.4\""),
        ("dumbled00r+DNP3-ICS-Lab__dataset_pcap_COLD_RESTART.pcap", "\"restart\""),
        ("dumbled00r+DNP3-ICS-Lab__dataset_pcap_DISABLE_UNSOLICITED.pcap", "\"disable-unsolicited\""),
    ];
    for (name, attack) in cases {
        let Some(learned) = learn_file(name) else { continue };
        image(&learned);
        for file in ["actors.toml", "permits.toml"] {
            assert!(!text(&learned, file).contains(attack), "{name}: {}", text(&learned, file));
        }
    }
}
