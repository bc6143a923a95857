//! The built program on real sockets, against software that is not ours: SIPp, baresip, sipwire, and
//! a small telephone of this folder that speaks SIP from text and reads RTP with rtp-rs.
//!
//! Each test has a loopback network of its own: `configs/interop.toml` with another second octet
//! (127.0.0.31 is 127.N.0.31), so that they run beside each other.

#![allow(clippy::disallowed_methods, reason = "these tests are about real time")]

mod api;
mod asking;
mod calls;
mod captures;
mod certificates;
mod dialogs;
mod digits;
mod disk;
mod door;
mod edge;
mod forks;
mod interop;
mod learning;
mod live;
mod message;
mod names;
mod network;
mod operations;
mod peers;
mod phone;
mod postgres;
mod programs;
mod queues;
mod reload;
mod resolving;
mod retention;
mod routers;
mod sealing;
mod sharing;
mod standards;
mod storage;
mod streams;
mod torture;
mod transfers;
mod uploads;
mod voice;
mod webhooks;

use std::time::Duration;

pub fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Long enough for anything that should happen at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(5);
