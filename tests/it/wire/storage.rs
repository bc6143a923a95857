//! Recordings in an object storage that is not ours: moto, which `tests/install-peers` brings.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crosspoint::store::objects::{ObjectError, ObjectSettings, Objects};

use super::api::program;
use super::network::Network;
use super::peers::Peer;
use super::seconds;

/// A storage with one bucket, until dropped.
pub struct Storage {
    pub address: SocketAddr,
    _program: Peer,
}

impl Storage {
    pub fn start(folder: &Path, address: SocketAddr) -> Self {
        let moto = program("moto_server");
        assert!(moto.exists(), "tests/install-peers installs moto");
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut command = Command::new(moto);
        command.args(["-H", &host, "-p", &port]);
        let storage = Self { address, _program: Peer::start(folder, "moto", &mut command) };
        let give_up = Instant::now() + seconds(30.0);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < give_up, "moto does not listen");
            std::thread::sleep(seconds(0.1));
        }
        assert!(storage.asks("PUT /calls").contains(" 200 "), "there is a bucket");
        storage
    }

    /// As nobody in particular: the answer with its head.
    pub fn asks(&self, line: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the storage");
        stream.set_read_timeout(Some(seconds(10.0))).unwrap();
        let head = "Host: s3.amazonaws.com\r\nContent-Length: 0\r\nConnection: close";
        write!(stream, "{line} HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn settings(&self, url: &str) -> ObjectSettings {
        ObjectSettings {
            place: url.parse().unwrap(),
            endpoint: Some(format!("http://{}", self.address).parse().unwrap()),
            region: Some("us-east-1".to_owned()),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            patience: Duration::from_secs(20),
        }
    }
}

fn sound(length: usize) -> Vec<u8> {
    (0..length).map(|it| (it * 11 % 253) as u8).collect()
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn recordings_are_put_into_a_real_storage_verified_got_in_parts_and_deleted() {
    let net = Network::take();
    let name = format!("crosspoint-storage-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    drop(fs::remove_dir_all(&folder.0));
    fs::create_dir_all(&folder.0).unwrap();
    let storage = Storage::start(&folder.0, net.at(1, 9000));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let objects = Objects::new(&storage.settings("s3://calls/edge/1")).unwrap();
        // At once, and in three parts.
        for (name, length) in [("a.wav", 100_000), ("long.wav", (11 << 20) + 5), ("none.wav", 0)] {
            let (file, bytes) = (folder.0.join(name), sound(length));
            fs::write(&file, &bytes).unwrap();
            objects.put(name, &file).await.unwrap_or_else(|it| panic!("{name}: {it}"));
            assert_eq!(objects.size(name).await.unwrap(), length as u64);
            let mut reader = objects.reader(name, length as u64);
            let read = move || {
                let mut got = Vec::new();
                reader.read_to_end(&mut got).map(|_| got)
            };
            let got = tokio::task::spawn_blocking(read).await.unwrap().unwrap();
            assert!(got == bytes, "{name}");
        }
        let listed = storage.asks("GET /calls");
        assert!(listed.contains("<Key>edge/1/long.wav</Key>"), "{listed}");
        let (size, stream) = objects.get("long.wav", Some(6_000_000..6_000_100)).await.unwrap();
        assert_eq!(size, (11 << 20) + 5);
        let got: Vec<_> = futures_util::TryStreamExt::try_collect(stream).await.unwrap();
        assert!(got.concat() == sound((11 << 20) + 5)[6_000_000..6_000_100]);
        for _ in 0..2 {
            objects.delete("long.wav").await.unwrap();
        }
        assert!(matches!(objects.size("long.wav").await, Err(ObjectError::Missing)));
        let nowhere = Objects::new(&storage.settings("s3://elsewhere")).unwrap();
        let told = nowhere.put("a.wav", &folder.0.join("a.wav")).await.unwrap_err();
        assert!(matches!(told, ObjectError::Refused(_)), "{told}");
        assert!(told.to_string().contains("no such bucket"), "{told}");
    });
}
