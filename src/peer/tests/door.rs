//! Who is let in, who is asked, who hears nothing.

use super::*;
use crate::peer::config::{Login, NonceRules, Source, Strangers};
use crate::peer::{ConfigError, TrunkId};

const CARRIER: &str = "203.0.113.9:5060";

#[test]
fn a_trunk_is_known_by_its_source_alone() {
    let mut peers = peers(config());
    let carrier = peers.trunk("carrier").unwrap();
    // Says in Via and From that it is somebody else.
    let invite = Phone::of("ann").says("INVITE", &[]);
    assert_eq!(peers.admit(&invite, &hop(1, CARRIER), at(1)), Admission::Trunk(carrier));
    let mapped = hop(3, "[::ffff:203.0.113.9]:5060");
    assert_eq!(peers.admit(&invite, &mapped, at(1)), Admission::Trunk(carrier));
    let liar = "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK1\r\n\
                From: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:1@x>\r\nCall-ID: c\r\n\
                CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    let liar = parse(Bytes::from(liar)).unwrap();
    assert_eq!(peers.admit(&liar, &hop(1, PHONE), at(1)), Admission::Silence);
}

#[test]
fn a_source_may_be_narrowed_to_a_listener_and_a_transport() {
    let mut config = config();
    let network = "203.0.113.0/24".parse().unwrap();
    let transport = Some(Transport::Udp);
    config.trunks[0].sources = vec![Source { network, listener: Some(1), transport }];
    let mut peers = peers(config);
    let invite = Phone::of("ann").says("INVITE", &[]);
    assert_eq!(peers.admit(&invite, &hop(1, CARRIER), at(1)), Admission::Trunk(TrunkId(0)));
    let asked = Admission::Challenge { stale: false };
    assert_eq!(peers.admit(&invite, &hop(0, CARRIER), at(1)), asked);
    assert_eq!(peers.admit(&invite, &hop(2, CARRIER), at(1)), asked);
}

#[test]
fn strangers_hear_nothing_where_there_are_no_clients_or_what_the_operator_says() {
    let mut config = config();
    let invite = Phone::of("ann").says("INVITE", &[]);
    let mut silent = peers(config.clone());
    assert_eq!(silent.admit(&invite, &hop(1, PHONE), at(1)), Admission::Silence);
    assert_eq!(silent.admit(&invite, &hop(9, PHONE), at(1)), Admission::Silence);
    assert_eq!(silent.counters().silenced, 2);
    config.listeners[1].strangers_hear = Some(403);
    let mut polite = peers(config);
    assert_eq!(polite.admit(&invite, &hop(1, PHONE), at(1)), Admission::Refuse(403));
    let ack = Phone::of("ann").says("ACK", &[]);
    assert_eq!(polite.admit(&ack, &hop(1, PHONE), at(1)), Admission::Silence);
}

#[test]
fn a_client_is_let_in_with_either_algorithm() {
    let mut peers = peers(config());
    for algorithm in [digest::Algorithm::Md5, digest::Algorithm::Sha256] {
        let mut ann = Phone { algorithm, ..Phone::of("ann") };
        let account = peers.account("Ann").unwrap();
        assert_eq!(ann.tries(&mut peers, "INVITE", &[], at(1)), Admission::Client(account));
    }
}

#[test]
fn there_is_a_challenge_for_each_algorithm_in_the_order_configured() {
    let asked = |algorithms: &[Algorithm]| {
        let mut peers = peers(Config { algorithms: algorithms.to_vec(), ..config() });
        let challenge = Phone::of("ann").challenged(&mut peers, "REGISTER", at(1));
        assert_eq!(challenge.status(), 401);
        assert!(!challenge.to_tag().is_empty());
        challenge.challenges().iter().map(|it| it.algorithm.as_str()).collect::<Vec<_>>()
    };
    use Algorithm::{Md5, Sha256};
    assert_eq!(asked(&[Md5, Sha256]), ["MD5", "SHA-256"]);
    assert_eq!(asked(&[Sha256, Md5]), ["SHA-256", "MD5"]);
    assert_eq!(asked(&[Sha256]), ["SHA-256"]);
}

#[test]
fn an_algorithm_that_was_not_offered_is_not_taken() {
    let mut peers = peers(Config { algorithms: vec![Algorithm::Sha256], ..config() });
    let mut ann = Phone { algorithm: digest::Algorithm::Sha256, ..Phone::of("ann") };
    let challenge = ann.challenged(&mut peers, "INVITE", at(1));
    let mut offered = challenge.challenges()[0].clone();
    offered.algorithm = digest::Algorithm::Md5;
    let proof = digest::answer(&offered, "ann", "ann's secret", b"INVITE", "sip:x", "abc", 1, b"");
    let request = ann.says("INVITE", &[&format!("Authorization: {}", proof.unwrap())]);
    let admission = peers.admit(&request, &ann.from, at(1));
    assert_eq!(admission, Admission::Challenge { stale: false });
}

#[test]
fn an_unknown_user_hears_what_a_wrong_password_hears() {
    let answer = |user: &str, password: &str| {
        let mut peers = peers(config());
        let mut phone = Phone { password: password.into(), ..Phone::of(user) };
        phone.call_id = "same".into();
        let admission = phone.tries(&mut peers, "REGISTER", &[], at(1));
        let request = phone.says("REGISTER", &[&"X: ".repeat(80)]);
        let bytes = peers.challenge(&request, false, &phone.from, at(1)).unwrap();
        (admission, String::from_utf8(bytes.to_vec()).unwrap().replace(user, "USER"))
    };
    let (wrong, unknown) = (answer("ann", "wrong"), answer("eve", "wrong"));
    assert_eq!(wrong, unknown);
    assert_eq!(wrong.0, Admission::Challenge { stale: false });
}

#[test]
fn a_replay_is_stale_and_the_count_must_rise() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let challenge = ann.challenged(&mut peers, "INVITE", at(1));
    let mut sent = |nc: u32| {
        let proof = ann.proves("INVITE", &challenge, nc);
        let request = ann.says("INVITE", &[&proof]);
        matches!(peers.admit(&request, &ann.from, at(2)), Admission::Client(_))
    };
    assert!(sent(1));
    assert!(!sent(1));
    assert!(sent(2));
    assert!(sent(9));
    assert!(!sent(3));
    assert_eq!(peers.counters().stale, 2);
    assert_eq!(peers.counters().wrong, 0);
}

#[test]
fn a_wrong_password_does_not_spoil_the_nonce_of_another() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let challenge = ann.challenged(&mut peers, "INVITE", at(1));
    let eve = Phone { password: "guess".into(), ..Phone::of("ann") };
    let guess = ann.says("INVITE", &[&eve.proves("INVITE", &challenge, 1000)]);
    assert_eq!(peers.admit(&guess, &ann.from, at(1)), Admission::Challenge { stale: false });
    let proof = ann.proves("INVITE", &challenge, 1);
    let request = ann.says("INVITE", &[&proof]);
    assert!(matches!(peers.admit(&request, &ann.from, at(1)), Admission::Client(_)));
}

#[test]
fn credentials_are_good_at_their_address_only() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let challenge = ann.challenged(&mut peers, "INVITE", at(1));
    let proof = ann.proves("INVITE", &challenge, 1);
    let request = ann.says("INVITE", &[&proof]);
    let elsewhere = hop(0, "198.51.100.8:40000");
    assert_eq!(peers.admit(&request, &elsewhere, at(1)), Admission::Challenge { stale: true });
    let another_port = hop(0, "198.51.100.7:40001");
    assert!(matches!(peers.admit(&request, &another_port, at(1)), Admission::Client(_)));
}

#[test]
fn a_nonce_that_is_not_ours_says_nothing_about_the_password() {
    let mut peers = peers(config());
    let admitted = |peers: &mut Peers, password: &str| {
        let mut made_elsewhere = Peers::new(config(), [8; 32], at(0).at).unwrap();
        let mut phone = Phone { password: password.into(), ..Phone::of("ann") };
        let challenge = phone.challenged(&mut made_elsewhere, "INVITE", at(1));
        let proof = phone.proves("INVITE", &challenge, 1);
        let request = phone.says("INVITE", &[&proof]);
        peers.admit(&request, &phone.from, at(1))
    };
    assert_eq!(admitted(&mut peers, "ann's secret"), Admission::Challenge { stale: true });
    assert_eq!(admitted(&mut peers, "guess"), Admission::Challenge { stale: true });
}

#[test]
fn an_old_nonce_is_stale_sooner_for_a_call_than_for_a_registration() {
    let nonces = NonceRules { register_ttl: 600 * SECOND, call_ttl: 60 * SECOND, remembered: 64 };
    let mut peers = peers(Config { nonces, ..config() });
    let mut ann = Phone::of("ann");
    let challenge = ann.challenged(&mut peers, "INVITE", at(1));
    let mut sent = |method: &str, nc, seconds| {
        let proof = ann.proves(method, &challenge, nc);
        let request = ann.says(method, &[&proof]);
        peers.admit(&request, &ann.from, at(seconds))
    };
    assert!(matches!(sent("INVITE", 1, 61), Admission::Client(_)));
    assert_eq!(sent("INVITE", 2, 62), Admission::Challenge { stale: true });
    assert!(matches!(sent("REGISTER", 3, 601), Admission::Client(_)));
    assert_eq!(sent("REGISTER", 4, 602), Admission::Challenge { stale: true });
}

#[test]
fn nobody_registers_the_address_of_another() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let challenge = ann.challenged(&mut peers, "REGISTER", at(1));
    let proof = ann.proves("REGISTER", &challenge, 1);
    ann.user = "bob".into();
    for contact in ["Contact: <sip:evil@x>", "Contact: *\r\nExpires: 0"] {
        let request = ann.says("REGISTER", &[contact, &proof]);
        let admission = peers.admit(&request, &ann.from, at(1));
        assert!(!matches!(admission, Admission::Client(_)), "{admission:?}");
    }
    assert_eq!(peers.counters().foreign, 1);
    assert_eq!(peers.registered(), 0);
}

#[test]
fn requests_that_cannot_be_sent_again_with_credentials_are_not_challenged() {
    let mut peers = peers(config());
    for method in ["ACK", "CANCEL"] {
        let request = Phone::of("ann").says(method, &[]);
        assert_eq!(peers.admit(&request, &hop(0, PHONE), at(1)), Admission::Silence);
    }
}

#[test]
fn a_source_that_guesses_passwords_is_banned_for_a_while_but_not_its_neighbour() {
    let strangers = Strangers { failures: 3, ban: 60 * SECOND, ..Strangers::default() };
    let mut peers = peers(Config { strangers, ..config() });
    let mut eve = Phone { password: "guess".into(), ..Phone::of("ann") };
    let asked = Admission::Challenge { stale: false };
    assert_eq!(eve.tries(&mut peers, "REGISTER", &[], at(1)), asked);
    assert_eq!(eve.tries(&mut peers, "REGISTER", &[], at(1)), asked);
    assert_eq!(eve.tries(&mut peers, "REGISTER", &[], at(1)), Admission::Silence);
    assert_eq!((peers.counters().bans, peers.banned(at(1).at)), (1, 1));
    let request = eve.says("REGISTER", &[]);
    assert_eq!(peers.admit(&request, &eve.from, at(60)), Admission::Silence);
    assert_eq!(peers.admit(&request, &hop(0, "198.51.100.8:1"), at(60)), asked);
    assert_eq!(peers.admit(&request, &eve.from, at(61)), asked);
    let invite = eve.says("INVITE", &[]);
    assert_eq!(peers.admit(&invite, &hop(1, CARRIER), at(2)), Admission::Trunk(TrunkId(0)));
}

#[test]
fn a_forged_source_is_never_banned() {
    let strangers = Strangers { failures: 1, ..Strangers::default() };
    let mut peers = peers(Config { strangers, ..config() });
    let mut eve = Phone { password: "guess".into(), ..Phone::of("ann") };
    // Eve got her nonce at her own address, and forges that of a victim.
    let challenge = eve.challenged(&mut peers, "REGISTER", at(1));
    let victim = hop(0, "198.51.100.99:5060");
    for nc in 1..50 {
        let proof = eve.proves("REGISTER", &challenge, nc);
        let request = eve.says("REGISTER", &[&proof]);
        let admission = peers.admit(&request, &victim, at(1));
        assert_eq!(admission, Admission::Challenge { stale: true });
    }
    assert_eq!(peers.banned(at(1).at), 0);
}

#[test]
fn an_office_with_one_good_phone_is_not_banned_for_a_bad_one() {
    let strangers = Strangers { failures: 3, ..Strangers::default() };
    let mut peers = peers(Config { strangers, ..config() });
    Phone::of("ann").registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>"], at(1));
    let mut bad = Phone { password: "old".into(), ..Phone::of("bob") };
    for _ in 0..30 {
        let admission = bad.tries(&mut peers, "REGISTER", &[], at(2));
        assert_eq!(admission, Admission::Challenge { stale: false });
    }
}

#[test]
fn a_challenge_is_never_larger_than_a_request_that_may_be_forged() {
    let (mut silent, mut refused) = (0, 0);
    for padding in 0..400 {
        let mut peers = peers(config());
        let text = format!(
            "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1\r\n\
             From: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\
             X: {}\r\n\r\n",
            "x".repeat(padding)
        );
        let request = parse(Bytes::from(text)).unwrap();
        let Some(answer) = peers.challenge(&request, true, &hop(0, PHONE), at(1)) else {
            silent += 1;
            continue;
        };
        assert!(answer.len() <= request.bytes().len(), "{padding}");
        let answer = parse(answer).unwrap();
        if answer.challenges().is_empty() {
            refused += 1;
            continue;
        }
        assert!(answer.challenges().iter().all(|it| it.stale && it.qop_auth));
        assert_eq!(answer.challenges()[0].algorithm, digest::Algorithm::Md5);
        let by_tcp = peers.challenge(&request, true, &hop(2, PHONE), at(1)).unwrap();
        assert_eq!(parse(by_tcp).unwrap().challenges().len(), 2);
    }
    assert!((1..60).contains(&silent), "{silent}");
    assert!((50..110).contains(&refused), "{refused}");
}

#[test]
fn a_short_register_of_a_plain_phone_is_answered_all_the_same() {
    let mut peers = peers(config());
    let text = "REGISTER sip:127.0.0.1:5060 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bK0123456700000001a\r\n\
        From: <sip:u0001@127.0.0.1>;tag=r0123456700000001\r\nTo: <sip:u0001@127.0.0.1>\r\n\
        Call-ID: 00000001-01234567@127.0.0.1\r\nCSeq: 1 REGISTER\r\n\
        Contact: <sip:u0001@127.0.0.1:5070>\r\nMax-Forwards: 70\r\nExpires: 3600\r\n\
        User-Agent: bench-phone\r\nContent-Length: 0\r\n\r\n";
    let request = parse(Bytes::from(text)).unwrap();
    let answer = peers.challenge(&request, false, &hop(0, "127.0.0.1:5070"), at(1)).unwrap();
    assert!(answer.len() <= text.len());
    assert_eq!(parse(answer).unwrap().challenges().len(), 1);
}

/// As little as RFC 3261 section 10.2 allows, from a phone that knows its own address.
fn shortest_register() -> Message {
    let text = "REGISTER sip:pbx.example SIP/2.0\r\n\
        Via: SIP/2.0/UDP 198.51.100.7:40000;rport;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n\
        From: <sip:ann@pbx.example>;tag=1\r\nTo: <sip:ann@pbx.example>\r\n\
        Call-ID: 1@198.51.100.7\r\nCSeq: 1 REGISTER\r\nContact: <sip:ann@198.51.100.7:40000>\r\n\
        Content-Length: 0\r\n\r\n";
    assert!(text.len() < 300, "{}", text.len());
    parse(Bytes::from(text)).unwrap()
}

#[test]
fn the_shortest_register_a_phone_can_send_is_challenged() {
    let mut peers = peers(config());
    let request = shortest_register();
    for stale in [false, true] {
        let answer = peers.challenge(&request, stale, &hop(0, PHONE), at(1));
        let Some(answer) = answer else { panic!("stale {stale}: silence") };
        assert!(answer.len() <= request.bytes().len(), "{}", answer.len());
        let answer = parse(answer).unwrap();
        let challenges = answer.challenges();
        assert_eq!((answer.status(), challenges.len()), (401, 1), "stale {stale}");
        assert!(challenges[0].qop_auth && challenges[0].stale == stale);
        assert_eq!(answer.top_via().rport, Some(Some(40_000)));
    }
}

#[test]
fn who_registered_lately_is_challenged_in_full_however_short_it_asks() {
    let mut peers = peers(config());
    let request = shortest_register();
    let all = |peers: &mut Peers, now| {
        let answer = peers.challenge(&request, false, &hop(0, PHONE), now).unwrap();
        parse(answer).unwrap().challenges().len()
    };
    assert_eq!(all(&mut peers, at(1)), 1);
    Phone::of("ann").registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>"], at(2));
    assert_eq!(all(&mut peers, at(3)), 2);
    let kept = peers.snapshot(at(4));
    // Its neighbour has proved nothing.
    let neighbour = hop(0, "198.51.100.8:40000");
    let answer = peers.challenge(&request, false, &neighbour, at(5));
    assert!(answer.is_none_or(|it| it.len() <= request.bytes().len()));
    // Proof grows old, but not by a restart alone.
    assert_eq!(all(&mut peers, at(2 + 3600)), 1);
    let mut later = super::peers(config());
    later.restore(kept, at(6));
    assert_eq!(all(&mut later, at(6)), 2);
}

#[test]
fn a_probe_of_a_stranger_is_answered_though_it_is_short() {
    // What tests/tools/sipwire.py asks whether we are alive with.
    let mut peers = peers(config());
    let id = "ping-12345-1-1795364410123456789";
    let text = format!(
        "OPTIONS sip:ping@127.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.9:45000;branch=z9hG4bK{id};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:probe@127.0.0.9>;tag=p1\r\nTo: <sip:ping@127.0.0.1>\r\nCall-ID: {id}\r\n\
         CSeq: 1 OPTIONS\r\nContact: <sip:probe@127.0.0.9:45000>\r\n\
         Accept: application/sdp\r\nContent-Length: 0\r\n\r\n"
    );
    let request = parse(Bytes::from(text.clone())).unwrap();
    let answer = peers.challenge(&request, false, &hop(0, "127.0.0.9:45000"), at(1)).unwrap();
    assert!(answer.len() <= text.len());
    assert_eq!(parse(answer).unwrap().challenges().len(), 1);
}

#[test]
fn challenges_to_one_stranger_come_at_a_limited_rate() {
    let strangers =
        Strangers { challenges_per_second: 10, challenge_burst: 20, ..Strangers::default() };
    let mut peers = peers(Config { strangers, ..config() });
    let request = Phone::of("ann").says("OPTIONS", &[]);
    let mut asked = |now| {
        let all = (0..100).map(|_| peers.admit(&request, &hop(0, PHONE), now));
        all.filter(|it| *it != Admission::Silence).count()
    };
    assert_eq!(asked(at(1)), 20);
    assert_eq!(asked(at(2)), 10);
}

#[test]
fn a_trunk_may_have_to_prove_itself_as_well() {
    let mut config = config();
    let (user, password) = ("trunkuser".to_owned(), "trunkpass".to_owned());
    config.trunks[0].inbound = Some(Login { user, password, realm: None });
    let mut peers = peers(config);
    let mut carrier =
        Phone { password: "trunkpass".into(), from: hop(1, CARRIER), ..Phone::of("trunkuser") };
    let admitted = carrier.tries(&mut peers, "INVITE", &[], at(1));
    assert_eq!(admitted, Admission::Trunk(TrunkId(0)));
    carrier.password = "guess".into();
    let asked = Admission::Challenge { stale: false };
    assert_eq!(carrier.tries(&mut peers, "INVITE", &[], at(1)), asked);
    // An account's password opens no trunk.
    let mut ann = Phone { from: hop(1, CARRIER), ..Phone::of("ann") };
    assert_eq!(ann.tries(&mut peers, "INVITE", &[], at(1)), asked);
}

#[test]
fn phones_may_register_from_where_a_trunk_calls() {
    let mut peers = peers(config());
    let mut ann = Phone { from: hop(0, CARRIER), ..Phone::of("ann") };
    ann.registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>"], at(1));
    let invite = ann.says("INVITE", &[]);
    assert_eq!(peers.admit(&invite, &ann.from, at(1)), Admission::Trunk(TrunkId(0)));
    let register = ann.says("REGISTER", &[]);
    assert_eq!(peers.admit(&register, &hop(1, CARRIER), at(1)), Admission::Refuse(403));
}

#[test]
fn new_settings_for_nonces_make_old_ones_stale_but_no_replay_good() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let challenge = ann.challenged(&mut peers, "INVITE", at(1));
    let proof = ann.proves("INVITE", &challenge, 1);
    let request = ann.says("INVITE", &[&proof]);
    assert!(matches!(peers.admit(&request, &ann.from, at(1)), Admission::Client(_)));
    peers.adopt(config(), at(2).at).unwrap();
    let proof = ann.proves("INVITE", &challenge, 2);
    let request = ann.says("INVITE", &[&proof]);
    assert!(matches!(peers.admit(&request, &ann.from, at(2)), Admission::Client(_)));
    let nonces = NonceRules { remembered: 128, ..NonceRules::default() };
    peers.adopt(Config { nonces, ..config() }, at(3).at).unwrap();
    assert_eq!(peers.admit(&request, &ann.from, at(3)), Admission::Challenge { stale: true });
    assert!(matches!(ann.tries(&mut peers, "INVITE", &[], at(3)), Admission::Client(_)));
}

#[test]
fn a_connection_that_registered_may_count_as_proof_but_only_for_its_own_account() {
    let registrar = Registrar { trust_flow: true, ..Registrar::default() };
    let mut peers = peers(Config { registrar, ..config() });
    let mut ann = Phone { from: hop(2, PHONE), ..Phone::of("ann") };
    let mut bob = Phone { from: hop(2, PHONE), ..Phone::of("bob") };
    let asked = Admission::Challenge { stale: false };
    let invite = ann.says("INVITE", &[]);
    assert_eq!(peers.admit(&invite, &ann.from, at(1)), asked);
    ann.registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>;expires=60"], at(1));
    let account = peers.account("Ann").unwrap();
    assert_eq!(peers.admit(&invite, &ann.from, at(2)), Admission::Client(account));
    assert_eq!(peers.admit(&bob.says("INVITE", &[]), &bob.from, at(2)), asked);
    let another = Hop { connection: Some(2), ..ann.from };
    assert_eq!(peers.admit(&invite, &another, at(2)), asked);
    assert_eq!(peers.admit(&invite, &ann.from, at(61)), asked, "over");
    ann.registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>"], at(70));
    peers.on_connection_closed(1, at(71).at);
    assert_eq!(peers.admit(&invite, &ann.from, at(71)), asked, "closed");
}

#[test]
fn ha1s_do_as_well_as_passwords() {
    let mut config = config();
    let ha1 = |it| Some(digest::ha1(it, "ann", "crosspoint", "ann's secret").to_uppercase());
    let (md5, sha256) = (ha1(digest::Algorithm::Md5), ha1(digest::Algorithm::Sha256));
    config.accounts[0].secret = Secret::Ha1 { md5, sha256: sha256.clone() };
    let mut ann = Phone::of("ann");
    let let_in = ann.tries(&mut peers(config.clone()), "INVITE", &[], at(1));
    assert!(matches!(let_in, Admission::Client(_)));
    config.accounts[0].secret = Secret::Ha1 { md5: None, sha256 };
    let refused = ann.tries(&mut peers(config.clone()), "INVITE", &[], at(1));
    assert_eq!(refused, Admission::Challenge { stale: false });
    config.accounts[0].secret = Secret::Ha1 { md5: Some("plain".into()), sha256: None };
    let error = Peers::new(config, [7; 32], at(0).at).err();
    assert_eq!(error, Some(ConfigError::Ha1("Ann".into())));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_and_says_why() {
    let refused = |change: fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        Peers::new(config, [7; 32], at(0).at).err().expect("was taken")
    };
    let everybody = refused(|it| {
        it.trunks[0].sources = vec!["0.0.0.0/0".parse::<crate::peer::Cidr>().unwrap().into()]
    });
    assert!(matches!(everybody, ConfigError::Everybody { .. }));
    assert_eq!(refused(|it| it.algorithms.clear()), ConfigError::NoAlgorithm);
    let expiries = refused(|it| it.registrar.min_expires = 9999 * SECOND);
    assert_eq!(expiries, ConfigError::Expiries);
    assert!(matches!(refused(|it| it.realm = "a\"b".into()), ConfigError::Text(_)));
    assert!(matches!(refused(|it| it.accounts[0].user = String::new()), ConfigError::Text(_)));
    let twice = refused(|it| it.accounts[0].user = "bob".into());
    assert_eq!(twice, ConfigError::UserTwice("bob".into()));
    let twice = refused(|it| it.accounts[0].name = "Bob".into());
    assert_eq!(twice, ConfigError::AccountTwice("Bob".into()));
    let listener = refused(|it| it.trunks[0].listener = Some(4));
    assert!(matches!(listener, ConfigError::NoSuchListener { listener: 4, .. }));
    for host in ["", "a b", "a;lr", "u@h", "h:1", "1.2.3.4:5", "x\r\ny"] {
        let mut config = config();
        config.trunks[0].addresses = vec![address(host)];
        let error = Peers::new(config, [7; 32], at(0).at).err();
        assert!(matches!(error, Some(ConfigError::Host { .. })), "{host:?}");
    }
}
