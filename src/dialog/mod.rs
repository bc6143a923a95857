//! One SIP leg from INVITE to BYE (RFC 3261 sections 12 to 15).
