//! RTP, RTCP and telephone events, in place (RFC 3550, RFC 4733).
