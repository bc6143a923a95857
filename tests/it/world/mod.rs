//! Stories of whole calls: the exchange with its media, between phones it shares no code with.

mod asking;
mod captures;
mod clients;
mod codecs;
mod commands;
mod digits;
mod endings;
mod far_ends;
mod forks;
mod listening;
mod matrix;
mod names;
mod programs;
mod queues;
mod random;
mod recordings;
mod replacing;
mod routers;
mod shown;
mod simulated;
mod town;
mod transfers;
mod webhooks;
mod whispers;
