//! Peers, generators and oracles that the behaviour tests share.

pub mod authority;
pub mod binary;
pub mod board;
pub mod both;
pub mod bpf;
pub mod case;
pub mod collect;
pub mod corpus;
pub mod dialogue;
pub mod flash;
pub mod fuzz;
pub mod generate;
pub mod image;
pub mod lab;
pub mod mirror;
pub mod namespace;
pub mod observe;
pub mod package;
pub mod plant;
pub mod recorder;
pub mod schema;
pub mod simulated;
pub mod traffic;
pub mod workers;
pub mod workload;
