//! Every integration test, in one binary.

mod allocations;
mod architecture;
mod calls;
mod demo;
mod directory;
mod explain;
#[path = "../../fuzz/src/lib.rs"]
mod properties;
mod replay;
mod speech;
mod stories;
mod torture;
mod wire;
mod world;
