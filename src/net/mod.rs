//! Sockets: UDP in batches, TCP, name resolution.
