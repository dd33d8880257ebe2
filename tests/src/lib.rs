//! Peers, generators and oracles that the behaviour tests share.

pub mod binary;
pub mod corpus;
pub mod generate;
