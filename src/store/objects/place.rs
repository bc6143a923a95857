//! Where objects are: `s3://BUCKET/PREFIX`, and at whose address.

use std::fmt;
use std::str::FromStr;

/// A bucket, and what the names of all objects in it begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub bucket: String,
    /// `calls/2026`, without slashes around it; empty if there is none.
    pub prefix: String,
}

/// Bytes of a prefix.
const PREFIX: usize = 200;

impl Place {
    /// The key of the object of this name.
    pub fn key(&self, name: &str) -> String {
        match self.prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("s3://").ok_or("it does not begin with s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
        let ends = bucket.bytes().next().is_some_and(letter)
            && bucket.bytes().next_back().is_some_and(letter);
        let inner = |it: u8| letter(it) || matches!(it, b'-' | b'.');
        if !(3..=63).contains(&bucket.len()) || !ends || !bucket.bytes().all(inner) {
            return Err(format!(
                "{bucket:?} is no bucket: 3 to 63 of a-z, 0-9, - and ., a letter or digit at \
                 either end"
            ));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.' | b'=');
        let part = |it: &str| !it.is_empty() && !matches!(it, "." | "..") && it.bytes().all(plain);
        if PREFIX < prefix.len() || !(prefix.is_empty() || prefix.split('/').all(part)) {
            return Err(format!(
                "{prefix:?} is no prefix: names of a-z, A-Z, 0-9, -, _, . and =, with a slash \
                 between them, {PREFIX} characters at most"
            ));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        match self.prefix.as_str() {
            "" => Ok(()),
            prefix => write!(f, "/{prefix}"),
        }
    }
}

/// The address of a storage: `https://` or `http://`, a host, perhaps a port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What goes there can be read on the way.
    pub fn is_clear(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text).map_err(|it| format!("this is no address: {it}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it begins with neither https:// nor http://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            // Not told: it is a secret.
            return Err("a password does not belong here".to_owned());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(
                "there is more than a host and a port; the bucket belongs into `url`".into()
            );
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("there is no host".to_owned());
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_bucket_and_a_prefix() {
        for (text, bucket, prefix, key) in [
            ("s3://calls", "calls", "", "a.wav"),
            ("s3://calls/", "calls", "", "a.wav"),
            ("s3://my.calls-1/edge/2026", "my.calls-1", "edge/2026", "edge/2026/a.wav"),
            ("s3://calls/edge/", "calls", "edge", "edge/a.wav"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!((place.bucket.as_str(), place.prefix.as_str()), (bucket, prefix), "{text}");
            assert_eq!(place.key("a.wav"), key);
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in [
            "",
            "calls",
            "https://calls",
            "S3://calls",
            "s3://",
            "s3://ab",
            "s3://Calls",
            "s3://-calls",
            "s3://calls.",
            "s3://user:pw@calls",
            "s3://calls/../other",
            "s3://calls//edge",
            "s3://calls/a b",
            "s3://calls/a?b",
            "s3://calls/\u{e9}",
            &format!("s3://{}", "a".repeat(64)),
            &format!("s3://calls/{}", "a".repeat(201)),
        ] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_a_scheme_a_host_and_a_port() {
        for (text, clear) in [
            ("https://s3.eu-central-1.amazonaws.com", false),
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000/", true),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.as_str(), text.trim_end_matches('/'));
            assert_eq!(endpoint.is_clear(), clear);
        }
        for text in [
            "",
            "minio:9000",
            "127.0.0.1:9000",
            "ftp://minio",
            "https://",
            "https://minio/bucket",
            "https://minio/?x",
            "https://minio/#x",
            "https://key:secret@minio",
        ] {
            let told = text.parse::<Endpoint>().unwrap_err();
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
