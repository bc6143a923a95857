//! Who resends what, for how long (RFC 3261 section 17, RFC 6026).
