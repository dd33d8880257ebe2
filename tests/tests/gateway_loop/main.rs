//! The gateway's loop, on this machine and in an emulated one.

mod delivery;
mod emulated;
mod gdb;
mod host;
mod lines;
mod linux;
mod machine;
mod managers;
mod network;
mod noise;
mod parity;
mod presence;
mod replay;
mod serial;
mod world;
