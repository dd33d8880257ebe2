//! Agents as people run them: public MCP servers, called by a client that exports OpenTelemetry, against a Modbus server and a DNP3
//! outstation. What tagout captures is held against the spans as they are exported, and once more afterwards, from a recording.

mod agent;
mod call;
mod scene;
mod watch;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use tagout_tests::generate::modbus;

use call::Call;
use scene::{During, MODBUS, Scene};

#[test]
fn what_agents_do_through_public_servers_is_held_against_their_spans() {
    let mut scene = match Scene::set() {
        Ok(scene) => scene,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let calls: Vec<Call> = Call::all().into_iter().filter(|call| scene.has(&call.server)).collect();
    let spans: Vec<During> = calls.iter().map(|call| scene.play(call)).collect();
    let bypassed = scene.on_the_agents_host(|| write_past_every_server(5, 77));
    let mut faults = Vec::new();
    for judged in scene.judge() {
        faults.extend(calls.iter().zip::<&Vec<_>>(&spans).filter_map(|(call, during)| judged.fault(call, during)));
        let found = judged.findings(&bypassed);
        if found != ["intent.none"] {
            faults.push(format!("a write past every server: {found:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Writes a register of the controller from a socket of its own, as whoever is on the host can.
fn write_past_every_server(register: u16, value: u16) {
    let mut stream = TcpStream::connect(SocketAddr::from((MODBUS, 502))).expect("the controller listens");
    let request = modbus::adu(1, 1, &modbus::write_register(register, value));
    stream.write_all(&request).expect("the controller reads");
    let mut answer = vec![0; request.len()];
    stream.read_exact(&mut answer).expect("the controller answers");
    assert_eq!(answer, request);
}
