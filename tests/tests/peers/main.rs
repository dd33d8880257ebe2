//! Conversations of protocol stacks that others wrote, over the loopback interface.
//!
//! Each is watched by `tagout run` and recorded. What tagout says of it must be what the stacks say they meant; the same
//! when the recording is replayed; and the same as what tshark says, but for differences that are explained.

mod controller;
mod dnp3;
mod modbus;
mod scene;
mod stacks;
mod told;
