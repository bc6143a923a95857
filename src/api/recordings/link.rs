//! Links that let anybody listen to one recording for a while: `?until=SECONDS&signature=HMAC`
//! (HMAC-SHA256, RFC 2104). The key is made once and kept in the store, so that a link holds after a
//! restart and on every edge that shares the store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::api::{Answer, Api, Problem};
use crate::clock::Wall;

/// Where the store keeps the key.
const KEY: &str = "recording-links";

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    until: i64,
    signature: Vec<u8>,
}

/// What a query says, if it is a link's.
pub fn signed(query: &str) -> Option<Signed> {
    let value = |name: &str| {
        query.split('&').find_map(|it| it.split_once('=').filter(|it| it.0 == name)).map(|it| it.1)
    };
    let until = value("until")?.parse().ok()?;
    let signature = BASE64.decode(value("signature")?).ok()?;
    Some(Signed { until, signature })
}

/// A link that holds until then.
pub async fn made(api: &Api, file: &str, until: Wall) -> Answer<String> {
    let until = until.unix_seconds();
    let signature = BASE64.encode(mac(&key(api).await?, file, until).finalize().into_bytes());
    Ok(format!("/v1/recordings/{file}?until={until}&signature={signature}"))
}

/// Whether a link is one of ours, of this file, and still holds.
pub async fn check(api: &Api, file: &str, signed: &Signed) -> Answer<()> {
    let key = key(api).await?;
    match holds(&key, file, signed, api.now()) {
        true => Ok(()),
        false => Err(Problem::not_allowed("this link does not hold, or no longer")),
    }
}

fn holds(key: &[u8], file: &str, signed: &Signed, now: Wall) -> bool {
    // In constant time.
    let right = mac(key, file, signed.until).verify_slice(&signed.signature).is_ok();
    right && now.unix_seconds() < signed.until
}

fn mac(key: &[u8], file: &str, until: i64) -> Hmac<Sha256> {
    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(format!("recording\n{until}\n{file}").as_bytes());
    mac
}

async fn key(api: &Api) -> Answer<Vec<u8>> {
    let kept = match api.store.setting(KEY).await? {
        Some(kept) => kept,
        None => {
            let mut fresh = [0; 32];
            getrandom::fill(&mut fresh)
                .map_err(|_| Problem::internal("there is no randomness to be had"))?;
            api.store.settle_setting(KEY, &BASE64.encode(fresh)).await?
        }
    };
    BASE64.decode(kept).map_err(|_| Problem::internal("the key of links is damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(key: &[u8], file: &str, until: i64) -> Signed {
        let signature = BASE64.encode(mac(key, file, until).finalize().into_bytes());
        signed(&format!("until={until}&signature={signature}")).unwrap()
    }

    #[test]
    fn a_link_holds_for_its_file_and_its_time_only() {
        let (key, now) = (b"key", Wall::from_unix_micros(1_000_000_000));
        let good = link(key, "a.wav", 1001);
        assert!(holds(key, "a.wav", &good, now));
        assert!(!holds(key, "b.wav", &good, now), "another file");
        assert!(!holds(b"other", "a.wav", &good, now), "another key");
        assert!(!holds(key, "a.wav", &link(key, "a.wav", 1000), now), "over");
        let longer = Signed { until: 2000, ..good.clone() };
        assert!(!holds(key, "a.wav", &longer, now), "the time was changed");
        let mut bent = good;
        bent.signature[0] ^= 1;
        assert!(!holds(key, "a.wav", &bent, now));
        bent.signature.clear();
        assert!(!holds(key, "a.wav", &bent, now));
    }

    #[test]
    fn a_query_that_is_no_links_is_none() {
        for query in
            ["", "until=5", "signature=AAAA", "until=x&signature=AAAA", "until=5&signature=!"]
        {
            assert_eq!(signed(query), None, "{query}");
        }
    }
}
