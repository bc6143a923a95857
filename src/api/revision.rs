//! Revisions: `ETag` on what is shown, `If-Match` on what is changed (RFC 9110 section 13.1.1).

use axum::http::{HeaderMap, HeaderValue, header};

use super::{Answer, Problem};
use crate::store::database::Expected;

/// The `ETag` of a revision: `"12"`.
pub fn etag(revision: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// What `If-Match` asks for; `*` is anything that is there.
pub fn expected(headers: &HeaderMap) -> Answer<Option<Expected>> {
    let Some(told) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let told = told.to_str().unwrap_or_default().trim();
    if told == "*" {
        return Ok(Some(Expected::Any));
    }
    let inner = told.strip_prefix("W/").unwrap_or(told);
    let inner = inner.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(inner);
    let revision = inner.parse().map_err(|_| {
        Problem::parameter("If-Match", "this is not the revision that an ETag gave")
            .allowed("as in \"12\", or *")
    })?;
    Ok(Some(Expected::Revision(revision)))
}

/// The same where it must be said.
pub fn needed(headers: &HeaderMap) -> Answer<Expected> {
    let message = "send the ETag of what you have read as If-Match, or * to overwrite anything";
    expected(headers)?.ok_or_else(|| Problem::no_revision(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(value: &'static str) -> Answer<Option<Expected>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
        expected(&headers)
    }

    #[test]
    fn a_revision_is_read_as_it_was_given() {
        for text in ["\"12\"", "W/\"12\"", "12"] {
            assert_eq!(sent(text).unwrap(), Some(Expected::Revision(12)), "{text}");
        }
        assert_eq!(sent("*").unwrap(), Some(Expected::Any));
        assert_eq!(expected(&HeaderMap::new()).unwrap(), None);
        for text in ["", "\"", "\"x\"", "\"1\", \"2\"", "\"99999999999999999999\""] {
            assert!(sent(text).is_err(), "{text}");
        }
        assert_eq!(etag(12), "\"12\"");
    }
}
