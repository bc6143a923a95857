//! Passwords, tokens and keys: how they are made, and what is kept of them.
//!
//! Of a password an Argon2id hash is kept; of a token, which is random and long, a plain hash.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api::problem::Problem;

/// A password has so many bytes.
pub const PASSWORD_MIN: usize = 10;
pub const PASSWORD_MAX: usize = 200;

/// Random bytes of a token.
const TOKEN: usize = 32;

/// A token that cannot be guessed.
pub fn token() -> Result<String, Problem> {
    let mut bytes = [0; TOKEN];
    random(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A short name that no other has.
pub fn id() -> Result<String, Problem> {
    let mut bytes = [0; 8];
    random(&mut bytes)?;
    Ok(bytes.iter().map(|it| format!("{it:02x}")).collect())
}

fn random(bytes: &mut [u8]) -> Result<(), Problem> {
    getrandom::fill(bytes).map_err(|_| Problem::internal("there are no random numbers"))
}

/// What is kept of a token.
pub fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|it| format!("{it:02x}")).collect()
}

/// Compares in a time that says nothing.
pub fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// What is kept of a password. Takes its time: not for a thread that others wait for.
pub fn hash_password(password: &str) -> Result<String, Problem> {
    let mut salt = [0; 16];
    random(&mut salt)?;
    let made = SaltString::encode_b64(&salt)
        .and_then(|salt| Ok(argon().hash_password(password.as_bytes(), &salt)?.to_string()));
    made.map_err(|_| Problem::internal("the password cannot be kept"))
}

/// Whether it is this password. Takes as long for a user who is not there (`kept` is empty).
pub fn is_password(password: &str, kept: &str) -> bool {
    let known = PasswordHash::new(kept);
    let too_long = PASSWORD_MAX < password.len();
    match known {
        Ok(known) if !too_long => argon().verify_password(password.as_bytes(), &known).is_ok(),
        _ => {
            drop(hash_password("nobody"));
            false
        }
    }
}

/// What the OWASP password storage cheat sheet asks for at least: 19 MiB, two passes.
fn argon() -> Argon2<'static> {
    let memory = if cfg!(test) { Params::MIN_M_COST } else { 19 * 1024 };
    let passes = if cfg!(test) { 1 } else { 2 };
    let params = Params::new(memory, passes, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Refuses what is too short to be one, or longer than anybody types.
pub fn check_password(password: &str, pointer: &str) -> Result<(), Problem> {
    match password.len() {
        PASSWORD_MIN..=PASSWORD_MAX => Ok(()),
        _ => {
            let allowed = format!("{PASSWORD_MIN} to {PASSWORD_MAX} bytes");
            Err(Problem::at(pointer, "the password is too short or too long").allowed(allowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let kept = hash_password("a long password").unwrap();
        assert!(kept.starts_with("$argon2id$") && !kept.contains("long"));
        assert!(is_password("a long password", &kept));
        assert!(!is_password("a long passwore", &kept));
        assert!(!is_password("a long password", ""));
        assert!(!is_password("", &kept));
        assert_ne!(kept, hash_password("a long password").unwrap(), "each has a salt of its own");
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
        assert_eq!(hash("abc").len(), 64);
        assert!(is_same(&one, &one.clone()) && !is_same(&one, &other) && !is_same(&one, ""));
    }
}
