//! The parts that live on calls, over real HTTP: against a town on a virtual clock, and a database.

mod calls;
mod events;
mod files;
mod past;
mod rig;
mod sealed;
