//! The certificate of HTTPS is renewed under the running program.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::edge::Edge;
use super::{SOON, seconds};

/// Longer than the program may take to see that files are others.
const SEEN: f64 = 30.0;

/// A certificate for an address that it signed itself, and its key, as PEM files.
pub fn make(certificate: &Path, key: &Path, ip: Ipv4Addr, days: u32) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", &days.to_string(), "-subj", "/CN=here"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext"])
        .arg(format!("subjectAltName=IP:{ip}"))
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{made:?}");
}

/// A client of HTTPS that has connected.
struct Line(StreamOwned<ClientConnection, TcpStream>);

impl Line {
    /// One that trusts every certificate of this folder.
    fn connects(edge: &Edge) -> Self {
        let mut roots = RootCertStore::empty();
        for file in fs::read_dir(edge.folder.join("trusted")).unwrap() {
            roots.add(CertificateDer::from_pem_file(file.unwrap().path()).unwrap()).unwrap();
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::from(std::net::IpAddr::from(edge.net.ip(1)));
        let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = TcpStream::connect(edge.net.at(1, 8060)).expect("the API");
        stream.set_read_timeout(Some(SOON)).unwrap();
        while session.is_handshaking() {
            session.complete_io(&mut stream).expect("TLS");
        }
        Self(StreamOwned::new(session, stream))
    }

    fn gets(&mut self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nhost: edge\r\n\r\n");
        self.0.write_all(head.as_bytes()).expect("a connection");
        let mut said = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&said).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
                if length.expect("a length").parse::<usize>().unwrap() <= body.len() {
                    return body.to_owned();
                }
            }
            let mut some = [0; 4096];
            let read = self.0.read(&mut some).expect("an answer");
            assert!(read != 0, "cut off: {text}");
            said.extend(&some[..read]);
        }
    }

    fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().expect("one")[0].to_vec()
    }
}

/// Makes a certificate that holds for so many days, for the client to trust; its files.
fn new(folder: &Path, ip: Ipv4Addr, name: &str, days: u32) -> (PathBuf, PathBuf) {
    drop(fs::create_dir_all(folder.join("trusted")));
    let files = (folder.join(format!("trusted/{name}.pem")), folder.join(format!("{name}.key")));
    make(&files.0, &files.1, ip, days);
    files
}

/// Puts them where the program's are, as tools do that renew certificates.
fn put(folder: &Path, (certificate, key): &(PathBuf, PathBuf)) {
    for (from, to) in [(certificate, "edge.pem"), (key, "edge.key")] {
        fs::copy(from, folder.join("part")).unwrap();
        fs::rename(folder.join("part"), folder.join(to)).unwrap();
    }
}

/// What a new connection is told, once this holds of it.
fn awaits(edge: &Edge, what: &str, holds: impl Fn(&Line, &str) -> bool) -> String {
    let give_up = Instant::now() + seconds(SEEN);
    loop {
        let mut line = Line::connects(edge);
        let said = line.gets("/health/ready");
        if holds(&line, &said) {
            return said;
        }
        assert!(Instant::now() < give_up, "never {what}: {said}\n{}", edge.log());
        std::thread::sleep(seconds(0.1));
    }
}

fn der(files: &(PathBuf, PathBuf)) -> Vec<u8> {
    CertificateDer::from_pem_file(&files.0).unwrap().to_vec()
}

#[test]
fn a_certificate_that_is_renewed_is_shown_without_a_restart_and_a_broken_one_never() {
    let https = "listen = \"127.0.0.1:8060\"\ncertificate = \"edge.pem\"\nkey = \"edge.key\"";
    let edge = Edge::start_in(
        |it| it.replace("listen = \"off\"", https),
        |folder| {
            // The second octet of the network is in the folder's name.
            let octet = folder.to_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
            put(folder, &new(folder, Ipv4Addr::new(127, octet, 0, 1), "first", 90));
        },
    );
    let (folder, ip) = (edge.folder.clone(), edge.net.ip(1));
    let first = CertificateDer::from_pem_file(folder.join("edge.pem")).unwrap().to_vec();
    let mut old = Line::connects(&edge);
    assert_eq!(old.gets("/health/ready"), "ready\n");
    assert_eq!(old.certificate(), first);

    // Nobody says that there is another one.
    let second = new(&folder, ip, "second", 90);
    put(&folder, &second);
    awaits(&edge, "the second", |it, _| it.certificate() == der(&second));
    edge.await_log("HTTPS shows a new certificate");
    assert_eq!(old.gets("/health/ready"), "ready\n", "who has a connection keeps it");

    // One that is cut off, and who renewed it says so.
    let third = new(&folder, ip, "third", 2);
    let whole = fs::read(&third.0).unwrap();
    fs::write(folder.join("edge.pem"), &whole[..whole.len() / 2]).unwrap();
    edge.signal("HUP");
    let said = awaits(&edge, "degraded", |_, it| it != "ready\n");
    assert!(said.starts_with("degraded: ") && said.contains("cannot be used"), "{said}");
    edge.await_log("the new certificate of HTTPS cannot be used");
    assert_eq!(Line::connects(&edge).certificate(), der(&second));
    let metrics = Line::connects(&edge).gets("/metrics");
    assert!(metrics.contains("crosspoint_certificate_refused 1"), "{metrics}");
    assert!(metrics.contains("crosspoint_certificate_loads_total{outcome=\"refused\"}"));

    // And the whole of it, which ends soon.
    put(&folder, &third);
    edge.signal("HUP");
    awaits(&edge, "the third", |it, _| it.certificate() == der(&third));
    let said = awaits(&edge, "the end", |_, it| it.contains("ends within 3 days"));
    assert!(!said.contains("cannot be used"), "{said}");
    edge.await_log("the certificate of HTTPS ends soon");
    let metrics = Line::connects(&edge).gets("/metrics");
    assert!(metrics.contains("crosspoint_certificate_refused 0"), "{metrics}");
    assert!(metrics.contains("crosspoint_certificate_ends_timestamp_seconds "), "{metrics}");
    assert_eq!(old.gets("/health/live"), "live\n");
}
