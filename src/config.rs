//! The file an operator writes.
