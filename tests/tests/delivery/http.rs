//! Servers that are posted to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use tagout_tests::schema;

use crate::scene::{Scene, id};

/// What was posted.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// By their names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Both directions of a connection.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Answers every request by a function of how many came before it; returns where it is, and what comes.
fn server(answer: impl Fn(usize, &Request) -> (u16, String) + Send + 'static) -> (String, Receiver<Request>) {
    let (port, received) = serve(|stream| Box::new(stream), answer);
    (format!("http://127.0.0.1:{port}"), received)
}

/// The same over TLS, with the server's certificate of a folder.
pub(crate) fn secure_server(folder: &Path) -> (String, Receiver<Request>) {
    let [certificate, key] = ["server.pem", "server.key"].map(|name| folder.join(name));
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate], key));
    let config = Arc::new(config.expect("a certificate with its key"));
    let secured = move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("a configuration");
        Box::new(StreamOwned::new(connection, stream)) as Box<dyn Stream>
    };
    let (port, received) = serve(secured, |_, _| (200, String::new()));
    (format!("https://localhost:{port}"), received)
}

fn serve(
    secured: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static,
    answer: impl Fn(usize, &Request) -> (u16, String) + Send + 'static,
) -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (requests, received) = channel();
    thread::spawn(move || {
        let mut count = 0;
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(secured(stream));
            while let Some(request) = read(&mut reader) {
                let (status, body) = answer(count, &request);
                count += 1;
                respond(reader.get_mut(), status, &body);
                if requests.send(request).is_err() {
                    return;
                }
            }
        }
    });
    (port, received)
}

fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|len| *len > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |len| len.parse().expect("a length"))];
    stream.read_exact(&mut body).ok()?;
    Some(Request { path, headers, body: String::from_utf8(body).expect("text") })
}

fn respond(stream: &mut impl Write, status: u16, body: &str) {
    let _ = write!(stream, "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

pub(crate) fn secret(scene: &Scene, name: &str, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create_new(true).write(true).mode(0o600).open(scene.path(name)).expect("a file");
    file.write_all(text.as_bytes()).expect("a secret");
}

pub(crate) fn configure(scene: &Scene, destination: &str) {
    scene.configure(&format!("[spool]\ndirectory = \"spool\"\n[[destination]]\nname = \"soc\"\n{destination}"));
}

#[test]
fn a_webhook_gets_a_request_for_each_alert() {
    let scene = Scene::with("");
    let (url, received) = server(|count, _| (if count == 2 { 503 } else { 204 }, String::new()));
    secret(&scene, "token", "s3cr3t\n");
    configure(&scene, &format!("webhook = {{ url = \"{url}/hook\", token_file = \"token\" }}"));
    let output = scene.deliver();
    let requests: Vec<Request> = received.try_iter().collect();
    let mut expected: Vec<String> = Scene::expected().iter().map(id).collect();
    expected.insert(2, expected[2].clone());
    let keys: Vec<&String> = requests.iter().map(|request| &request.headers["idempotency-key"]).collect();
    assert_eq!(keys, expected.iter().collect::<Vec<_>>(), "what was answered with 503 comes again");
    for request in &requests {
        assert_eq!((request.path.as_str(), request.headers["authorization"].as_str()), ("/hook", "Bearer s3cr3t"));
        let record: Value = serde_json::from_str(&request.body).expect("JSON");
        assert_eq!(schema::check_record(&record), Ok(()));
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("503") && !said.contains("s3cr3t"), "{said}");
}

#[test]
fn what_a_server_refuses_for_good_is_passed_over_and_named() {
    let scene = Scene::with("");
    let refused = id(&Scene::expected()[3]);
    let key = refused.clone();
    let (url, _received) = server(move |_, request| {
        (if request.headers["idempotency-key"] == key { 400 } else { 200 }, "no such field".to_owned())
    });
    configure(&scene, &format!("webhook.url = \"{url}\""));
    let output = scene.deliver();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("refuses {refused}: answers 400 Bad Request: no such field")), "{said}");
    let status = scene.status("soc");
    assert_eq!((&status["waiting"], &status["delivered"]), (&0.into(), &(Scene::expected().len() - 1).into()));
}

/// The events of requests to a collector.
fn events(requests: &[Request]) -> Vec<Value> {
    let posted = requests.iter().filter(|request| request.path == "/services/collector/event");
    posted
        .flat_map(|request| serde_json::Deserializer::from_str(&request.body).into_iter())
        .map(|event| event.expect("JSON"))
        .collect()
}

#[test]
fn splunk_gets_events_and_is_asked_whether_it_has_them() {
    let scene = Scene::with("");
    let (url, received) = server(|count, request| {
        let body = match (request.path.as_str(), count) {
            ("/services/collector/event", count) => format!(r#"{{"text":"Success","code":0,"ackId":{count}}}"#),
            (_, 1) => r#"{"acks":{"0":false}}"#.to_owned(),
            _ => {
                let question: Value = serde_json::from_str(&request.body).expect("JSON");
                format!(r#"{{"acks":{{"{}":true}}}}"#, question["acks"][0])
            }
        };
        (200, body)
    });
    secret(&scene, "token", "t0k3n");
    configure(&scene, &format!("splunk = {{ url = \"{url}\", token_file = \"token\", index = \"ot\" }}"));
    scene.deliver();
    let requests: Vec<Request> = received.try_iter().collect();
    let asked = requests.iter().filter(|request| request.path == "/services/collector/ack").count();
    assert!(asked >= 2, "it has to be asked until it has them");
    let channels: Vec<_> = requests.iter().map(|request| &request.headers["x-splunk-request-channel"]).collect();
    assert!(channels.windows(2).all(|two| two[0] == two[1]) && channels[0].len() == 36, "{channels:?}");
    assert!(requests.iter().all(|request| request.headers["authorization"] == "Splunk t0k3n"));
    let events = events(&requests);
    assert_eq!(
        events.iter().map(|event| id(&event["event"])).collect::<Vec<_>>(),
        Scene::expected().iter().map(id).collect::<Vec<_>>()
    );
    for event in &events {
        assert_eq!(
            (&event["index"], &event["sourcetype"], &event["source"]),
            (&"ot".into(), &"tagout".into(), &"tagout".into())
        );
        let time = event["time"].as_str().expect("a time");
        assert!(time.parse::<f64>().is_ok_and(|time| time > 1.7e9), "{time}");
    }
}

#[test]
fn what_is_wrong_with_the_collector_costs_no_alert() {
    let (event, question) = ("/services/collector/event", "/services/collector/ack");
    let wrong =
        [(event, 400, "Incorrect index", 7), (question, 400, "ACK is disabled", 14), (question, 422, "No channel", 11)];
    for (path, status, text, code) in wrong {
        let scene = Scene::with("");
        let (url, _received) = server(move |count, request| match request.path.as_str() {
            asked if asked == path && count < 3 => (status, format!(r#"{{"text":"{text}","code":{code}}}"#)),
            asked if asked == event => (200, r#"{"text":"Success","code":0,"ackId":0}"#.to_owned()),
            _ => (200, r#"{"acks":{"0":true}}"#.to_owned()),
        });
        secret(&scene, "token", "t0k3n");
        configure(&scene, &format!("splunk = {{ url = \"{url}\", token_file = \"token\" }}"));
        let said = String::from_utf8_lossy(&scene.deliver().stderr).into_owned();
        assert!(said.contains(text) && !said.contains("refuses"), "{said}");
        assert_eq!(scene.status("soc")["delivered"], Scene::expected().len(), "{text}");
    }
}

#[test]
fn a_collector_that_never_has_them_is_sent_them_again() {
    let scene = Scene::with("");
    let (url, received) =
        server(|count, _| (if count < 3 { 503 } else { 200 }, r#"{"text":"Server is busy","code":9}"#.to_owned()));
    secret(&scene, "token", "t0k3n");
    configure(&scene, &format!("splunk = {{ url = \"{url}\", token_file = \"token\" }}"));
    scene.deliver();
    assert_eq!(scene.status("soc")["delivered"], Scene::expected().len());
    assert!(received.try_iter().count() >= 4);
}
