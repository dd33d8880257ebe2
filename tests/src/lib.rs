//! Peers, generators and oracles that the behaviour tests share.

pub mod generate;
