//! What happens next to a caller. Pure: the same facts always give the same answer.
