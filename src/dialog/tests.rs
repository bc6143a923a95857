//! A leg on a virtual clock: its requests and answers read as a far end would read them.

mod answering;
mod changing;
mod placing;
mod refreshing;
mod relying;
mod rig;
mod screening;
mod together;
