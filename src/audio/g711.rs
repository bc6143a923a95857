//! G.711: mu-law and A-law, and straight from one to the other (ITU-T G.711, RFC 3551 4.5.14).
//!
//! Decoding and recoding are table look-ups made at compile time; encoding is a few instructions.

/// One of the two companding laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    Mu,
    A,
}

static MU_TO_LINEAR: [i16; 256] = linear_table(Law::Mu);
static A_TO_LINEAR: [i16; 256] = linear_table(Law::A);
static MU_TO_A: [u8; 256] = recode_table(Law::Mu, Law::A);
static A_TO_MU: [u8; 256] = recode_table(Law::A, Law::Mu);

impl Law {
    /// The octet that says silence.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => 0xff,
            Self::A => 0xd5,
        }
    }

    /// One octet as a 16-bit sample.
    pub fn decode(self, octet: u8) -> i16 {
        match self {
            Self::Mu => MU_TO_LINEAR[usize::from(octet)],
            Self::A => A_TO_LINEAR[usize::from(octet)],
        }
    }

    /// The nearest octet to a 16-bit sample.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }

    /// Decodes as many octets as both slices hold.
    pub fn decode_into(self, octets: &[u8], samples: &mut [i16]) {
        for (sample, octet) in samples.iter_mut().zip(octets) {
            *sample = self.decode(*octet);
        }
    }

    /// Encodes as many samples as both slices hold.
    pub fn encode_into(self, samples: &[i16], octets: &mut [u8]) {
        for (octet, sample) in octets.iter_mut().zip(samples) {
            *octet = self.encode(*sample);
        }
    }

    /// The octet of law `to` that sounds like `octet` of this law.
    pub fn recode(self, to: Self, octet: u8) -> u8 {
        match (self, to) {
            (Self::Mu, Self::A) => MU_TO_A[usize::from(octet)],
            (Self::A, Self::Mu) => A_TO_MU[usize::from(octet)],
            (Self::Mu, Self::Mu) | (Self::A, Self::A) => octet,
        }
    }

    /// Recodes a payload in place.
    pub fn recode_in_place(self, to: Self, octets: &mut [u8]) {
        let table = match (self, to) {
            (Self::Mu, Self::A) => &MU_TO_A,
            (Self::A, Self::Mu) => &A_TO_MU,
            (Self::Mu, Self::Mu) | (Self::A, Self::A) => return,
        };
        for octet in octets {
            *octet = table[usize::from(*octet)];
        }
    }
}

const BIAS: i32 = 0x84;
const CLIP: i32 = 32635;

const fn encode_mu(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (sample as i32).abs();
    let magnitude = if CLIP < magnitude { CLIP } else { magnitude } + BIAS;
    let exponent = 31 - (magnitude as u32).leading_zeros() as i32 - 7;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !((sign | exponent << 4 | mantissa) as u8)
}

const fn decode_mu(octet: u8) -> i16 {
    let octet = !octet as i32;
    let exponent = (octet >> 4) & 7;
    let magnitude = ((((octet & 0x0f) << 3) + BIAS) << exponent) - BIAS;
    (if octet & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

const fn encode_a(sample: i16) -> u8 {
    // Positive values carry the sign bit; -1 is the first negative step, so the fold is `!`.
    let (sign, magnitude) = if sample < 0 { (0, !sample as i32) } else { (0x80, sample as i32) };
    let code = if magnitude < 256 {
        magnitude >> 4
    } else {
        let exponent = 31 - (magnitude as u32).leading_zeros() as i32 - 7;
        exponent << 4 | (magnitude >> (exponent + 3)) & 0x0f
    };
    (sign | code) as u8 ^ 0x55
}

const fn decode_a(octet: u8) -> i16 {
    let octet = (octet ^ 0x55) as i32;
    let exponent = (octet >> 4) & 7;
    let mantissa = (octet & 0x0f) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (exponent - 1),
    };
    (if octet & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

const fn linear_table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = match law {
            Law::Mu => decode_mu(octet as u8),
            Law::A => decode_a(octet as u8),
        };
        octet += 1;
    }
    table
}

const fn recode_table(from: Law, to: Law) -> [u8; 256] {
    let linear = linear_table(from);
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = to.encode(linear[octet]);
        octet += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_of_both_curves() {
        assert_eq!(Law::Mu.decode(0x00), -32124);
        assert_eq!(Law::Mu.decode(0x80), 32124);
        assert_eq!(Law::Mu.decode(0xff), 0);
        assert_eq!(Law::A.decode(0x2a), -32256);
        assert_eq!(Law::A.decode(0xaa), 32256);
        assert_eq!(Law::A.decode(0xd5), 8);
        assert_eq!(Law::A.decode(0x55), -8);
        assert_eq!(Law::Mu.encode(0), 0xff);
        assert_eq!(Law::A.encode(0), 0xd5);
        assert_eq!(Law::A.encode(-1), 0x55);
        assert_eq!(Law::Mu.encode(i16::MIN), 0x00);
        assert_eq!(Law::A.encode(i16::MIN), 0x2a);
    }

    #[test]
    fn every_octet_comes_back_from_linear() {
        for octet in 0..=255u8 {
            assert_eq!(Law::A.encode(Law::A.decode(octet)), octet);
            // Mu-law has two zeros; the negative one comes back as the positive.
            let expected = if octet == 0x7f { 0xff } else { octet };
            assert_eq!(Law::Mu.encode(Law::Mu.decode(octet)), expected);
        }
    }

    #[test]
    fn encoding_takes_the_nearest_step_or_one_beside_it() {
        for law in [Law::Mu, Law::A] {
            for sample in (i16::MIN..=i16::MAX).step_by(7) {
                let heard = i32::from(law.decode(law.encode(sample)));
                let error = (heard - i32::from(sample)).abs();
                let allowed = i32::from(sample).abs() / 16 + 16;
                assert!(error <= allowed, "{law:?} {sample} -> {heard}");
            }
        }
    }

    #[test]
    fn recoding_equals_decoding_and_encoding() {
        let mut payload: Vec<u8> = (0..=255).collect();
        Law::Mu.recode_in_place(Law::A, &mut payload);
        for (octet, recoded) in (0..=255u8).zip(&payload) {
            assert_eq!(*recoded, Law::A.encode(Law::Mu.decode(octet)));
            assert_eq!(*recoded, Law::Mu.recode(Law::A, octet));
        }
    }
}
