//! The plane in virtual time: what far ends hear, packet by packet.

mod recording;
mod relaying;
mod rig;
mod scripts;
mod sources;
mod streams;
mod torture;
