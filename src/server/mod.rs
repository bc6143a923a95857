//! Starts threads, turns the loops, drains, stops.
