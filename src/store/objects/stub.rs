//! A storage for tests that speaks as S3 does and has bad manners when told so: it refuses, is
//! slow, breaks off, or damages what it is given. A real one is in `tests/it/wire/storage.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::{ObjectSettings, Objects};

/// How it behaves.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// Answers to the next requests, with what stands in their bodies.
    pub refuses: Vec<(u16, &'static str)>,
    /// Each request that contains this is answered 500.
    pub fails: &'static str,
    /// Nothing is answered.
    pub hangs: bool,
    /// So many answers break off in the middle.
    pub breaks: usize,
    /// One bit of what is put is another afterwards.
    pub damages: bool,
    /// Entity tags say nothing of what is there, as with keys of KMS.
    pub secret_tags: bool,
    /// What is not told of an object's length.
    pub hides: u64,
}

#[derive(Default)]
pub struct Kept {
    pub objects: BTreeMap<String, Vec<u8>>,
    /// Tags of those that were put in parts.
    tags: BTreeMap<String, String>,
    pub uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    /// Methods and paths of requests.
    pub asked: Vec<String>,
    pub manners: Manners,
}

#[derive(Clone)]
pub struct Stub {
    kept: Arc<Mutex<Kept>>,
    pub address: String,
}

impl Stub {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::new(Mutex::new(Kept::default()));
        let app = axum::Router::new().fallback(answer).with_state(kept.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { kept, address }
    }

    /// The same on a thread of its own, for as long as the tests run.
    pub fn start_apart() -> Self {
        let (told, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                told.send(Self::start().await).unwrap();
                std::future::pending::<()>().await;
            });
        });
        heard.recv().unwrap()
    }

    pub fn settings(&self) -> ObjectSettings {
        ObjectSettings {
            place: "s3://calls/edge".parse().unwrap(),
            endpoint: Some(self.address.parse().unwrap()),
            region: None,
            credentials: Some(("key".to_owned(), "secret".to_owned())),
            patience: Duration::from_secs(5),
        }
    }

    pub fn objects(&self) -> Objects {
        Objects::new(&self.settings()).unwrap()
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub fn behaves(&self, manners: Manners) {
        self.kept().manners = manners;
    }
}

async fn answer(State(kept): State<Arc<Mutex<Kept>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let line = format!("{} {}", head.method, head.uri);
    let body = to_bytes(body, 64 << 20).await.unwrap_or_default();
    let hangs = {
        let mut kept = kept.lock().unwrap();
        kept.asked.push(line.clone());
        kept.manners.hangs
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    let mut kept = kept.lock().unwrap();
    let fails = kept.manners.fails;
    if !fails.is_empty() && line.contains(fails) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "<Code>InternalError</Code>").into_response();
    }
    if !kept.manners.refuses.is_empty() {
        let (status, text) = kept.manners.refuses.remove(0);
        return (StatusCode::from_u16(status).unwrap(), text).into_response();
    }
    let signed = head.headers.get("x-amz-content-sha256").and_then(|it| it.to_str().ok());
    let summed = Sha256::digest(&body).iter().map(|it| format!("{it:02x}")).collect::<String>();
    if signed != Some(&summed) || head.headers.get(header::AUTHORIZATION).is_none() {
        return (StatusCode::BAD_REQUEST, "<Code>XAmzContentSHA256Mismatch</Code>").into_response();
    }
    let query = head.uri.query().unwrap_or_default().to_owned();
    kept.answer(&head.method, head.uri.path(), &query, &head.headers, body)
}

impl Kept {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Response {
        let of = |name: &str| {
            query
                .split('&')
                .find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        match (method.as_str(), of("uploadId"), of("partNumber")) {
            ("POST", None, _) if query.starts_with("uploads") => {
                let id = format!("u{}", self.uploads.len() + 1);
                self.uploads.insert(id.clone(), BTreeMap::new());
                format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>")
                    .into_response()
            }
            ("PUT", Some(id), Some(part)) => {
                let tag = md5(&body);
                let parts = self.uploads.get_mut(&id).unwrap();
                parts.insert(part.parse().unwrap(), body.to_vec());
                [(header::ETAG, format!("\"{tag}\""))].into_response()
            }
            ("POST", Some(id), _) => {
                let parts = self.uploads.remove(&id).unwrap();
                let sums: Vec<u8> = parts.values().flat_map(Md5::digest).collect();
                let tag = format!("{}-{}", md5(&sums), parts.len());
                self.keep(path, parts.into_values().flatten().collect(), &tag);
                format!("<CompleteMultipartUploadResult><ETag>\"{tag}\"</ETag></CompleteMultipartUploadResult>")
                    .into_response()
            }
            ("DELETE", Some(id), _) => {
                self.uploads.remove(&id);
                StatusCode::NO_CONTENT.into_response()
            }
            ("PUT", None, _) => {
                let tag = md5(&body);
                self.keep(path, body.to_vec(), &tag);
                [(header::ETAG, format!("\"{tag}\""))].into_response()
            }
            ("DELETE", None, _) => {
                self.objects.remove(path);
                StatusCode::NO_CONTENT.into_response()
            }
            _ => self.told(method, path, headers),
        }
    }

    fn keep(&mut self, path: &str, mut bytes: Vec<u8>, tag: &str) {
        let mut tag = tag.to_owned();
        if self.manners.damages {
            bytes[0] ^= 1;
            tag = md5(&bytes);
        }
        if self.manners.secret_tags {
            tag = md5(b"nobody knows");
        }
        self.tags.insert(path.to_owned(), tag);
        self.objects.insert(path.to_owned(), bytes);
    }

    fn told(&mut self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        let Some(bytes) = self.objects.get(path) else {
            return (StatusCode::NOT_FOUND, "<Code>NoSuchKey</Code>").into_response();
        };
        let size = bytes.len() as u64 - self.manners.hides;
        let tag = format!("\"{}\"", self.tags[path]);
        let range = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
        let range = range.and_then(|it| it.strip_prefix("bytes=")?.split_once('-'));
        let (from, to) = match range {
            Some((from, to)) => {
                (from.parse().unwrap(), to.parse::<u64>().unwrap().min(size - 1) + 1)
            }
            None => (0, size),
        };
        let part = Bytes::copy_from_slice(&bytes[from as usize..to as usize]);
        let length = part.len();
        let body = if *method == Method::HEAD {
            Body::empty()
        } else if 0 < self.manners.breaks {
            self.manners.breaks -= 1;
            let half = part.slice(..length / 2);
            let broken = std::io::Error::other("it breaks off");
            Body::from_stream(stream::iter([Ok(half), Err(broken)]))
        } else {
            Body::from(part)
        };
        let mut response = Response::builder()
            .header(header::CONTENT_LENGTH, length)
            .header(header::ETAG, tag)
            .header(header::LAST_MODIFIED, "Mon, 02 Nov 2026 10:00:00 GMT");
        if range.is_some() {
            let told = format!("bytes {from}-{}/{size}", to - 1);
            response = response.status(StatusCode::PARTIAL_CONTENT);
            response = response.header(header::CONTENT_RANGE, told);
        }
        response.body(body).unwrap()
    }
}

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}
