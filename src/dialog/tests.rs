//! A leg on a virtual clock: its requests and answers read as a far end would read them.

mod answering;
mod anything;
mod changing;
mod forking;
mod placing;
mod refreshing;
mod relying;
mod rig;
mod screening;
mod together;
