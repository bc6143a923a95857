//! Keys of what surrounds the calls: SIP, registrations, media, files, limits.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::keys::{section, tables};
use super::storage::Storage;
use super::value::{Count, Hidden, OrOff, Ports, Time, choices};
use super::words::HostPort;
use crate::store::prompts::Speaker;
use crate::store::sealed::Recipient;

section! {
    /// The SIP side: where it listens, how it is reached, how it challenges.
    Sip {
        /// The sockets. Without any, one listener with the defaults below is there.
        listener: Vec<Listener> = tables();
        /// The realm of our challenges. HA1 hashes of accounts hold for one realm only.
        realm: String = default("\"crosspoint\"");
        /// Hash algorithms of our challenges, in this order. Some phones read only the first;
        /// others, such as baresip 1, give up where there is one that they do not know.
        challenge: Vec<Algorithm> = default("[\"md5\"]");
        /// The address that other sides are told to reach us at (Contact, Via), if it is not the
        /// one we listen on: behind NAT, or when listening on 0.0.0.0.
        advertised: Option<IpAddr> = optional("\"203.0.113.10\"");
        /// What we call ourselves: `User-Agent` in our requests, `Server` in our responses to those
        /// we know. Empty: nothing is said.
        software: String = default("\"crosspoint\"");
        /// How long a nonce is good for REGISTER.
        register_nonce: Time<10_000, 3_600_000> = default("\"10m\"");
        /// How long a nonce is good for all other requests.
        call_nonce: Time<10_000, 3_600_000> = default("\"2m\"");
    }
}

section! {
    /// A socket that SIP arrives at.
    Listener {
        /// What trunks call it.
        name: String = default("\"main\"");
        /// Where it is bound.
        address: SocketAddr = default("\"127.0.0.1:5060\"");
        /// By which transports.
        transports: Vec<ListenerTransport> = default("[\"udp\", \"tcp\"]");
        /// Whether phones may register and call here. Sources that belong to no trunk are
        /// challenged where they may, and hear nothing where they may not.
        takes_clients: bool = default("true");
        /// What they hear instead of nothing: a SIP status.
        strangers_hear: Option<Count<400, 699>> = optional("403");
    }
}

/// Transports of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerTransport {
    Udp,
    Tcp,
}

/// Hash algorithms of challenges (RFC 7616, RFC 8760).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Sha256,
}

section! {
    /// Registrations of phones.
    Registrar {
        /// A shorter wish is answered 423.
        min_expires: Time<1_000, 86_400_000> = default("\"1m\"");
        /// What a phone without a wish gets.
        default_expires: Time<1_000, 86_400_000> = default("\"1h\"");
        /// A longer wish is cut to this.
        max_expires: Time<1_000, 604_800_000> = default("\"2h\"");
        /// Expiry is shortened at random by up to so many percent, so that phones that started
        /// together do not stay together.
        spread: Count<0, 50> = default("10");
        /// Phones per account, unless the account says otherwise.
        max_contacts: Count<1, 1_000> = default("10");
        /// What happens to one phone too many: the oldest registration goes, or 403.
        when_full: WhenFull = default("\"drop_oldest\"");
        /// Registrations of all accounts together. One more is answered 503.
        max_registrations: Count<1, 10_000_000> = default("500000");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    DropOldest,
    Refuse,
}

section! {
    /// Voice: where RTP arrives, and when it counts as gone.
    Media {
        /// The address that RTP is received at over IPv4.
        address: IpAddr = default("\"127.0.0.1\"");
        /// The same for calls over IPv6.
        address6: Option<IpAddr> = optional("\"2001:db8::10\"");
        /// The address that the far end is told, if it is another: behind NAT.
        advertised: Option<IpAddr> = optional("\"203.0.113.10\"");
        /// The same for calls over IPv6.
        advertised6: Option<IpAddr> = optional("\"2001:db8::20\"");
        /// UDP ports: an even one for RTP and the next for RTCP, for each leg of a call.
        ports: Ports = default("\"16384-32767\"");
        /// A connected call ends when one side is silent for so long though it should send.
        timeout: OrOff<Time<1_000, 86_400_000>> = default("\"1m\"");
        /// How long a port rests after its call, so that late packets reach no other call.
        quarantine: Time<0, 600_000> = default("\"5s\"");
    }
}

section! {
    /// Recordings: stereo WAV files, caller left.
    Recordings {
        /// The folder, inside of the data folder unless it begins with a slash.
        folder: String = default("\"recordings\"");
        /// How long they are kept after their end, then they are deleted; unless their call
        /// settings or their tracking number say otherwise.
        keep: OrOff<Time<60_000, 315_360_000_000>> = default("\"off\"");
        /// Whom recordings are sealed for when their calls are over: each of them can open each,
        /// and who has none of the secrets hears nothing. Nobody: they stay as they are.
        recipients: Vec<Recipient> = default("[]");
        /// A file with the secret of a recipient, from the folder of this file on: recordings that
        /// are sealed are heard in the console then. Without it whoever steals the machine hears
        /// none, and `crosspoint recording decrypt` opens them elsewhere.
        identity: Option<String> = optional("\"/etc/crosspoint/recordings.key\"");
        /// Where they go when their calls are over; the file here is deleted when the copy there
        /// was verified. A rule of the bucket should clear uploads that were never completed.
        storage: Option<Storage> = optional_table();
    }
}

section! {
    /// Messages that are spoken: whispers, greetings, notices.
    Prompts {
        /// The program that speaks texts: `auto` takes flite or espeak-ng, whichever is there.
        synthesiser: Synthesiser = default("\"auto\"");
        /// The voice of texts that name none; empty: the program's own.
        voice: String = default("\"\"");
        /// How long speaking one text may take.
        timeout: Time<100, 120_000> = default("\"10s\"");
        /// Spoken texts are kept here, inside of the data folder unless it begins with a slash.
        cache: String = default("\"prompts\"");
        /// Megabytes of spoken texts: of more, those go that were not used for the longest.
        cache_megabytes: Count<1, 100_000> = default("256");
        /// Uploaded messages are kept here, inside of the data folder unless it begins with a slash.
        uploads: String = default("\"uploads\"");
    }
}

/// Programs that speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synthesiser {
    Auto,
    Flite,
    EspeakNg,
    Off,
}

section! {
    /// Call records and events: JSON lines in `calls.jsonl` and `events.jsonl`.
    Records {
        /// The folder, inside of the data folder unless it begins with a slash.
        folder: String = default("\"records\"");
        /// Whether events are written besides the records.
        events: bool = default("true");
        /// How long a record may be in memory only.
        sync: Time<10, 1_000> = default("\"500ms\"");
    }
}

section! {
    /// What is kept and found again: calls and events, people, the audit log, and the directory if
    /// it is kept there. No call waits for it.
    Store {
        /// The database: a file of SQLite, inside of the data folder unless it begins with a
        /// slash; or `postgres://USER:PASSWORD@HOST/NAME`, which several edges may share.
        database: Hidden = default("\"crosspoint.db\"");
        /// Where the directory is changed: here in the file, or by the API and the console. In the
        /// latter case the file's numbers, queues, .. are taken once, while there are none yet.
        directory: DirectoryIn = default("\"file\"");
        /// What this edge is called among those that share a database.
        node: String = default("\"main\"");
        /// How long events are kept. Call records stay.
        keep_events: OrOff<Time<3_600_000, 315_360_000_000>> = default("\"90d\"");
        /// How long the audit log is kept, counted from its newest entry; `"off"` for ever.
        keep_audit: OrOff<Time<86_400_000, 315_360_000_000>> = default("\"730d\"");
    }
}

/// Who changes the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryIn {
    File,
    Database,
}

section! {
    /// The SIP messages of calls, for those who ask why a call went as it did; without passwords,
    /// keys and digits.
    Capture {
        /// Whose are kept: of all calls, of those that nobody took (`"failed"`), or of none.
        keep: CaptureKeep = default("\"all\"");
        /// The folder, inside of the data folder unless it begins with a slash.
        folder: String = default("\"captures\"");
        /// Messages of one call. Of more, those in the middle are left out.
        messages: Count<2, 100_000> = default("500");
        /// Kilobytes of one call, while it goes on and afterwards.
        kilobytes: Count<4, 65_536> = default("256");
        /// How long they are kept.
        days: Count<1, 3_650> = default("30");
        /// Megabytes of all calls together: then the oldest go.
        megabytes: Count<1, 100_000_000> = default("4096");
        /// Where each message is told as well, as it comes: a Homer (HEP3 over UDP).
        homer: Option<HostPort> = optional("\"homer.example.com:9060\"");
    }
}

/// Whose messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureKeep {
    All,
    Failed,
    Off,
}

section! {
    /// HTTP: the API and the console that it serves, health, metrics.
    Api {
        /// Where it listens. Passwords pass here: an address that others can reach needs a
        /// certificate, or a proxy that has one.
        listen: OrOff<SocketAddr> = default("\"127.0.0.1:8060\"");
        /// Its certificate, and those up to the authority, in PEM; from the folder of this file on.
        /// Another one in its place is shown without a restart.
        certificate: Option<String> = optional("\"/etc/crosspoint/edge.pem\"");
        /// The private key of the certificate, in PEM.
        key: Option<String> = optional("\"/etc/crosspoint/edge.key\"");
        /// A proxy stands before it, which speaks TLS to the world and says in `X-Forwarded-For`
        /// who asks. Nothing else may reach it then.
        behind_proxy: bool = default("false");
    }
}

section! {
    /// Names to addresses (RFC 3263): NAPTR, SRV, A and AAAA.
    Dns {
        /// The name servers that are asked, with their ports; the system's if there are none.
        servers: Vec<SocketAddr> = default("[]");
    }
}

section! {
    /// How much is enough.
    Limits {
        /// Calls at once. One more is answered 503.
        max_calls: Count<1, 1_000_000> = default("10000");
        /// Calls that may begin in one second; no limit if it is not there.
        max_calls_per_second: Option<Count<1, 1_000_000>> = optional("200");
        /// SIP transactions at once, of each direction.
        transactions: Count<16, 10_000_000> = default("524288");
        /// TCP connections at once.
        connections: Count<1, 1_000_000> = default("4096");
        /// TCP connections from one address.
        connections_per_source: Count<1, 1_000_000> = default("256");
        /// Kernel buffer of each SIP socket, in kilobytes.
        receive_buffer: Count<64, 1_048_576> = default("4096");
        /// On stopping, running calls may go on for so long.
        drain: Time<0, 86_400_000> = default("\"30s\"");
    }
}

tables! {
    Sip,
    Listener,
    Registrar,
    Media,
    Recordings,
    Prompts,
    Records,
    Capture,
    Store,
    Api,
    Dns,
    Limits,
}

choices! {
    ListenerTransport { "udp" => Self::Udp, "tcp" => Self::Tcp }
    Algorithm { "md5" => Self::Md5, "sha256" => Self::Sha256 }
    DirectoryIn { "file" => Self::File, "database" => Self::Database }
    CaptureKeep { "all" => Self::All, "failed" => Self::Failed, "off" => Self::Off }
    WhenFull { "drop_oldest" => Self::DropOldest, "refuse" => Self::Refuse }
    Synthesiser {
        "auto" => Self::Auto,
        "flite" => Self::Flite,
        "espeak-ng" => Self::EspeakNg,
        "off" => Self::Off,
    }
}

impl Store {
    /// The address of a database server, if it is one.
    pub fn server(&self) -> Option<&str> {
        let text = self.database.0.as_str();
        let schemes = ["postgres://", "postgresql://"];
        schemes.iter().any(|it| text.starts_with(it)).then_some(text)
    }
}

impl Prompts {
    /// Which programs speak, and where messages are kept.
    pub fn speaker(&self, data: &Path) -> Speaker {
        let all = Speaker::programs();
        let named = |name: &str| all.iter().filter(|it| it[0] == name).cloned().collect();
        let programs = match self.synthesiser {
            Synthesiser::Auto => all.clone(),
            Synthesiser::Flite => named("flite"),
            Synthesiser::EspeakNg => named("espeak-ng"),
            Synthesiser::Off => Vec::new(),
        };
        Speaker {
            programs,
            voice: self.voice.clone(),
            limit: self.timeout.0,
            cache: data.join(&self.cache),
            cache_bytes: u64::from(*self.cache_megabytes) << 20,
            uploads: data.join(&self.uploads),
        }
    }
}

impl Media {
    /// How long a side may be silent; `None` if for ever.
    pub fn silence(&self) -> Option<Duration> {
        self.timeout.0.map(|it| it.0)
    }
}
