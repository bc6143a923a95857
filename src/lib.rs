//! crosspoint: a softswitch edge for call tracking.
//!
//! A carrier's call to a tracking number reaches a person at a receiving number, is announced to
//! that person, is recorded only if it may be, and is never lost in between. ARCHITECTURE.md draws
//! the rooms below and says which may look at which.

#![forbid(unsafe_code)]

pub mod api;
pub mod archive;
pub mod audio;
pub mod call;
pub mod capture;
pub mod clock;
pub mod config;
pub mod desk;
pub mod dialog;
pub mod flow;
pub mod media;
pub mod model;
pub mod net;
pub mod outbox;
pub mod peer;
pub mod rtp;
pub mod sdp;
pub mod server;
pub mod simulator;
pub mod sip;
pub mod store;
pub mod stream;
pub mod switch;
pub mod telemetry;
pub mod transaction;
