//! The sensor on an ARM edge gateway.
