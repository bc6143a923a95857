//! What destinations are shown of the caller: numbers, names, and who the call was diverted from.

use super::town::*;

/// Two phones behind the other carrier's trunk, and one that is ours, ring at once.
fn fork(profile: &str, b: &str, c: &str) -> World {
    let mut text = plan(&[], "label = \"Spring\"\nsource = \"Ads\"\ndial = [\"b\", \"c\", \"d\"]");
    let trunk = format!(
        "[[trunk]]\nname = \"other\"\nsources = [\"10.0.0.99\"]\nprobe = \"off\"\n\
         addresses = [\"10.0.0.12:5070\"]\ncaller_id = \"{profile}\"\n"
    );
    text = text.replacen("[[trunk]]", &format!("{trunk}[[trunk]]"), 1);
    text += &format!(
        "[[receiving_number]]\nname = \"b\"\nnumber = \"+12025550111\"\ntrunk = \"other\"\n{b}\n\
         [[receiving_number]]\nname = \"c\"\nnumber = \"+12025550112\"\ntrunk = \"other\"\n{c}\n\
         [[receiving_number]]\nname = \"d\"\nnumber = \"client:dora\"\n\
         [[account]]\nuser = \"dora\"\npassword = \"secret\"\n"
    );
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.register("dora", address("d"));
    town.at("other").manners.reply = Reply::Never;
    town
}

/// The INVITE to one of the numbers behind the other carrier.
fn invite(town: &World, number: &str) -> String {
    let to = town.seen("other").address;
    let sent = town.wire.iter().map(|(_, it)| it).filter(|it| it.to == to);
    let mut texts = sent.map(|it| String::from_utf8_lossy(&it.bytes).into_owned());
    texts.find(|it| it.starts_with(&format!("INVITE sip:{number}@"))).unwrap()
}

fn line<'a>(invite: &'a str, name: &str) -> Option<&'a str> {
    invite.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(": "))
}

const B: &str = "+12025550111";
const C: &str = "+12025550112";
const DIVERTED: &str = "<sip:+15550100001@10.0.0.1";

#[test]
fn each_destination_of_a_fork_is_shown_what_its_own_rule_says() {
    let b = "caller_id = { number = \"caller\", prefix = \"9\", name = \"{label} ({source}): {caller}\" }";
    let mut town = fork("asserted", b, "caller_id = \"tracking\"");
    town.call();
    town.run_for(ms(100));
    let (b, c) = (invite(&town, B), invite(&town, C));
    let from = line(&b, "From").unwrap();
    let shown = "\"Spring (Ads): +15125550100\" <sip:915125550100@10.0.0.1";
    assert!(from.starts_with(shown), "{from}");
    assert!(line(&b, "P-Asserted-Identity").unwrap().contains("sip:915125550100@"), "{b}");
    assert!(line(&c, "From").unwrap().contains("<sip:+15550100001@10.0.0.1"), "{c}");
    for (invite, number) in [(&b, B), (&c, C)] {
        assert!(line(invite, "Diversion").unwrap().starts_with(DIVERTED), "{invite}");
        assert_eq!(line(invite, "Privacy"), None);
        let history: Vec<&str> =
            invite.lines().filter_map(|it| it.strip_prefix("History-Info: ")).collect();
        let [first, second] = history.as_slice() else { panic!("{invite}") };
        assert!(first.starts_with(DIVERTED) && first.ends_with(">;index=1"), "{first}");
        assert!(second.starts_with(&format!("<sip:{number}@10.0.0.12")), "{second}");
        assert!(second.ends_with(">;index=1.1;mp=1"), "{second}");
    }
    // A phone of ours is shown who calls and nothing of how the call came.
    let d = town.heard("d", "INVITE");
    assert!(line(&d, "From").unwrap().contains("<sip:+15125550100@"), "{d}");
    for name in ["Diversion", "History-Info", "P-Asserted-Identity", "Remote-Party-ID"] {
        assert_eq!(line(&d, name), None);
    }
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn the_record_says_whether_the_caller_was_verified() {
    for (says, verified) in [
        (";verstat=TN-Validation-Passed", Some(true)),
        (";verstat=TN-Validation-Failed", Some(false)),
        ("", None),
    ] {
        let mut town = town(&[("b", "")], "dial = [\"b\"]");
        town.at(CARRIER).lines_of_its_own =
            format!("P-Asserted-Identity: <sip:+15125550100{says}@10.0.0.11;user=phone>\r\n");
        town.call();
        town.connects();
        town.hangs_up(CARRIER);
        town.ends();
        assert_eq!(town.record().caller_verified, verified, "{says}");
        assert_eq!(town.record().caller, "+15125550100");
        assert!(!town.heard("b", "INVITE").contains("verstat"), "ours to say, not to pass on");
    }
}

#[test]
fn who_withholds_its_number_is_told_to_nobody_and_the_call_is_vouched_for_by_ours() {
    for (profile, header) in
        [("asserted", "P-Asserted-Identity"), ("remote_party", "Remote-Party-ID")]
    {
        let mut town =
            fork(profile, "", "caller_id = { number = \"caller\", name = \"{caller}\" }");
        town.at(CARRIER).lines_of_its_own = "Privacy: id\r\n".to_owned();
        town.call();
        town.run_for(ms(100));
        for number in [B, C] {
            let invite = invite(&town, number);
            assert!(!invite.contains("5125550100"), "{invite}");
            let from = line(&invite, "From").unwrap();
            assert!(from.contains("<sip:anonymous@anonymous.invalid>"), "{from}");
            assert!(line(&invite, header).unwrap().contains("sip:+15550100001@"), "{invite}");
            assert_eq!(line(&invite, "Privacy"), Some("id"));
            if profile == "remote_party" {
                assert!(line(&invite, header).unwrap().contains(";privacy=full"));
            }
        }
        let d = town.heard("d", "INVITE");
        assert!(!d.contains("5125550100"), "{d}");
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}

#[test]
fn a_trunk_is_told_in_the_headers_that_its_profile_names() {
    for (profile, there, not) in [
        ("asserted", vec!["P-Asserted-Identity", "Diversion"], vec!["Remote-Party-ID"]),
        ("remote_party", vec!["Remote-Party-ID", "Diversion"], vec!["P-Asserted-Identity"]),
        (
            "from_only",
            vec![],
            vec!["P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info"],
        ),
    ] {
        let mut town = fork(profile, "", "");
        town.call();
        town.run_for(ms(100));
        let invite = invite(&town, B);
        assert!(line(&invite, "From").unwrap().contains("<sip:+15125550100@"), "{invite}");
        for name in there {
            assert!(line(&invite, name).is_some(), "{profile}: no {name} in\n{invite}");
        }
        for name in not {
            assert_eq!(line(&invite, name), None, "{profile}");
        }
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}
