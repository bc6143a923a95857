//! The whole exchange as one value.
