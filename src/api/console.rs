//! The console: the pages that `console/` is built into, embedded in the program, under `/console/`.
//!
//! An address that is no file is a page of the console, which finds its own way: it is given
//! `index.html`. Files under `assets/` carry a hash of what is in them in their name, so browsers
//! keep them for good; everything else is asked for anew, and not sent again if it is the same.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `npm run build` made of `console/source`.
#[derive(RustEmbed)]
#[folder = "src/api/console/dist"]
struct Built;

const INDEX: &str = "index.html";
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const ASK_ANEW: &str = "no-cache";

/// What the pages may do in a browser: nothing but run their own files and talk to us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let here = || async { Redirect::temporary("/console/") };
    Router::new()
        .route("/", get(here))
        .route("/console", get(here))
        .route("/console/", get(|headers: HeaderMap| async move { file(INDEX, &headers) }))
        .route("/console/{*path}", get(page))
}

async fn page(Path(path): Path<String>, headers: HeaderMap) -> Response {
    file(&path, &headers)
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    match Built::get(path) {
        Some(found) => answer(path, found, headers),
        // A file of another version: no page stands in for it.
        None if path.starts_with("assets/") => StatusCode::NOT_FOUND.into_response(),
        None => match Built::get(INDEX) {
            Some(index) => answer(INDEX, index, headers),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

fn answer(path: &str, found: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = tag(&found);
    let keep = if path.starts_with("assets/") { FOR_GOOD } else { ASK_ANEW };
    let about = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind(path))),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
    ];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    match known.is_some_and(|it| it.split(',').any(|one| one.trim() == tag)) {
        true => (StatusCode::NOT_MODIFIED, about).into_response(),
        false => (about, found.data).into_response(),
    }
}

/// What is in the file, as a strong validator (RFC 9110 section 8.8.3).
fn tag(found: &EmbeddedFile) -> String {
    let hash = found.metadata.sha256_hash();
    let hex: String = hash.iter().take(12).map(|it| format!("{it:02x}")).collect();
    format!("\"{hex}\"")
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|it| it.1) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str) -> Response {
        file(path, &HeaderMap::new())
    }

    fn said(response: &Response, name: header::HeaderName) -> &str {
        response.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    fn script() -> String {
        let found = Built::iter().find(|it| it.starts_with("assets/") && it.ends_with(".js"));
        found.expect("the console is built").into_owned()
    }

    #[test]
    fn an_address_that_is_no_file_is_a_page_of_the_console() {
        for path in ["", INDEX, "receiving_numbers", "receiving_numbers/shop", "../Cargo.toml"] {
            let response = asked(path);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(said(&response, header::CONTENT_TYPE), "text/html; charset=utf-8");
            assert_eq!(said(&response, header::CACHE_CONTROL), ASK_ANEW);
        }
    }

    #[test]
    fn files_with_a_hash_are_kept_for_good_and_those_of_another_version_are_not_there() {
        let response = asked(&script());
        assert_eq!(said(&response, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(said(&response, header::CACHE_CONTROL), FOR_GOOD);
        assert_eq!(asked("assets/index-older.js").status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn what_a_browser_has_already_is_not_sent_again() {
        let tag = said(&asked(INDEX), header::ETAG).to_owned();
        let headers: HeaderMap =
            [(header::IF_NONE_MATCH, tag.parse().unwrap())].into_iter().collect();
        assert_eq!(file(INDEX, &headers).status(), StatusCode::NOT_MODIFIED);
        let other: HeaderMap =
            [(header::IF_NONE_MATCH, HeaderValue::from_static("\"older\""))].into_iter().collect();
        assert_eq!(file(INDEX, &other).status(), StatusCode::OK);
    }

    /// So that the policy needs no exception, and the pages no network but ours.
    #[test]
    fn the_pages_have_no_scripts_or_styles_inside_and_nothing_from_outside() {
        let index = Built::get(INDEX).unwrap();
        let index = std::str::from_utf8(&index.data).unwrap();
        assert!(!index.contains("<style") && !index.contains(" style="), "{index}");
        let scripts = index.matches("<script").count();
        assert_eq!(scripts, index.matches(" src=\"/console/").count(), "{index}");
        for name in Built::iter().filter(|it| it.ends_with(".html") || it.ends_with(".css")) {
            let found = Built::get(&name).unwrap();
            let text = std::str::from_utf8(&found.data).unwrap();
            let outside = ["src=\"http", "href=\"http", "url(http", "@import"];
            assert!(!outside.iter().any(|it| text.contains(it)), "{name}");
        }
    }
}
