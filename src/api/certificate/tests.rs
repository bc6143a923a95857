//! Certificates of openssl, put where another one was.

use std::process::Command;

use super::*;

/// Two files in a folder of the test's own.
struct Rig {
    folder: PathBuf,
    files: Files,
}

impl Rig {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("crosspoint-cert-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let files = Files { certificate: folder.join("edge.pem"), key: folder.join("edge.key") };
        Self { folder, files }
    }

    /// Puts a certificate there that holds for so many days from now on; both files, or one.
    fn puts(&self, days: u32, which: &[&str]) -> Vec<u8> {
        let new = |name: &str| self.folder.join(format!("new.{name}"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-subj", "/CN=edge", "-days", &days.to_string()])
            .arg("-keyout")
            .arg(new("key"))
            .arg("-out")
            .arg(new("pem"))
            .output()
            .expect("openssl");
        assert!(made.status.success(), "{made:?}");
        let made = CertificateDer::from_pem_file(new("pem")).unwrap();
        for name in which {
            fs::rename(new(name), self.folder.join(format!("edge.{name}"))).unwrap();
        }
        made.to_vec()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

const BOTH: &[&str] = &["pem", "key"];

#[allow(clippy::disallowed_methods, reason = "openssl knows no other time")]
fn now() -> Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Wall::from_unix_micros(since.as_micros() as i64)
}

fn shown(it: &Certificate) -> Vec<u8> {
    it.lock().shown.chain[0].to_vec()
}

#[test]
fn a_new_certificate_is_shown_once_both_of_its_files_are_there() {
    let rig = Rig::new("new");
    let first = rig.puts(90, BOTH);
    let it = Certificate::open(rig.files.clone()).unwrap();
    it.look(&rig.files, false, now());
    assert_eq!(shown(&it), first);
    // Between the two: the key is not that of the certificate.
    let second = rig.puts(90, &["pem"]);
    it.look(&rig.files, false, now());
    assert_eq!(shown(&it), first);
    assert!(it.degraded(now()).unwrap().contains("cannot be used"), "{:?}", it.standing());
    fs::rename(rig.folder.join("new.key"), &rig.files.key).unwrap();
    it.look(&rig.files, false, now());
    assert_eq!(shown(&it), second);
    assert_eq!((it.degraded(now()), it.standing().why), (None, None));
}

#[test]
fn files_that_are_broken_empty_gone_or_huge_change_nothing_and_are_told() {
    let rig = Rig::new("broken");
    let first = rig.puts(90, BOTH);
    let it = Certificate::open(rig.files.clone()).unwrap();
    let good = fs::read(&rig.files.certificate).unwrap();
    let half = &good[..good.len() / 2];
    let huge = vec![b'\n'; FILE_MAX as usize + 1];
    for wrong in
        [half, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &huge]
    {
        fs::write(&rig.files.certificate, wrong).unwrap();
        it.look(&rig.files, false, now());
        assert_eq!(shown(&it), first);
        let why = it.standing().why.expect("it is told");
        assert!(why.contains("edge.pem: "), "{why}");
    }
    fs::remove_file(&rig.files.certificate).unwrap();
    it.look(&rig.files, true, now());
    assert!(it.standing().why.unwrap().contains("No such file"));
    fs::write(&rig.files.certificate, good).unwrap();
    it.look(&rig.files, false, now());
    assert_eq!((it.degraded(now()), it.standing().why), (None, None));
    assert!(
        Certificate::open(Files { key: rig.files.certificate.clone(), ..rig.files.clone() })
            .is_err()
    );
}

#[test]
fn one_that_has_ended_does_not_take_the_place_of_one_that_holds() {
    let rig = Rig::new("ended");
    let first = rig.puts(90, BOTH);
    let it = Certificate::open(rig.files.clone()).unwrap();
    let second = rig.puts(1, BOTH);
    let later = now() + Duration::from_secs(2 * 24 * 60 * 60);
    it.look(&rig.files, false, later);
    assert_eq!(shown(&it), first);
    assert!(it.standing().why.unwrap().contains("it ended at 20"));
    // Nor one that does not hold yet; but where none holds, the newer one is as good.
    it.look(&rig.files, false, Wall::from_unix_micros(1));
    assert_eq!(shown(&it), second);
}

#[test]
fn the_end_is_warned_of_for_two_weeks_and_readiness_tells_of_the_last_three_days() {
    let rig = Rig::new("end");
    rig.puts(20, BOTH);
    let it = Certificate::open(rig.files.clone()).unwrap();
    let start = now();
    let on_day = |day: u64| start + Duration::from_secs(day * 24 * 60 * 60 + 60);
    let mut told = Vec::new();
    for day in 0..23 {
        it.look(&rig.files, false, on_day(day));
        let warned = it.lock().warned;
        told.push((warned, it.degraded(on_day(day)).is_some()));
    }
    let wanted = |day: i64| {
        let left = 20 - day - 1;
        ((left < 14).then_some(left.max(-1)), left < 3)
    };
    assert_eq!(told, (0..23).map(wanted).collect::<Vec<_>>());
    assert!(it.degraded(on_day(19)).unwrap().contains("within 3 days"));
    assert!(it.degraded(on_day(21)).unwrap().contains("has ended"));
}
