//! Alerts on their way to real receivers: rsyslog over TCP and TLS, NATS JetStream, an MQTT broker, HTTP servers, a proxy, files; while processes are
//! killed, receivers go away and disks fill up.
//!
//! What has to arrive is what a replay without any of that writes.

mod disturbed;
mod http;
mod mqtt;
mod nats;
mod process;
mod proxy;
mod rsyslog;
mod scene;
mod spec;
