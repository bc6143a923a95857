//! Destinations that are names, looked up at a name server of our own (RFC 3263).

use super::edge::Edge;
use super::names::{Names, Record};
use super::network::Network;
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

const NAPTR: Record =
    Record::Pointer { order: 1, preference: 1, service: "SIP+D2U", to: "_sip._udp.pbx.example" };

/// The edge calls pbx.example for B; nobody is at the first of its addresses.
fn by_name() -> (Edge, Names) {
    // Outside of what a test's network is translated to.
    let names = Names::at(std::net::Ipv4Addr::new(127, 1, 0, 53));
    let servers = format!("\n[dns]\nservers = [\"{}\"]\n", names.address);
    let edge = Edge::start_with(|it| {
        it.replace("sip:15550100001@127.0.0.31:5070", "sip:15550100001@pbx.example") + &servers
    });
    names.say("pbx.example", 60, NAPTR);
    for (priority, target) in [(1, "nobody.example"), (2, "b.example")] {
        let server = Record::Server { priority, weight: 1, port: 5070, target };
        names.say("_sip._udp.pbx.example", 60, server);
    }
    names.say("nobody.example", 60, Record::Address(edge.net.ip(39).into()));
    names.say("b.example", 60, Record::Address(edge.net.ip(31).into()));
    (edge, names)
}

fn carrier_and_b(net: &Network) -> (Phone, Phone) {
    (Phone::carrier(net), Phone::destination(net, 'B'))
}

#[test]
fn a_name_leads_by_naptr_and_srv_to_the_second_when_nobody_is_at_the_first() {
    let (edge, names) = by_name();
    let (carrier, b) = carrier_and_b(&edge.net);
    let (mut ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    assert_eq!(there.invite.request_uri(), "sip:15550100001@pbx.example");
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    bob.await_tone(600, seconds(0.2), SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    let record = edge.record("ended");
    assert_eq!(record["legs"].as_array().unwrap().len(), 1, "{record:#}");
    let asked = names.asked();
    assert!(asked.contains(&"NAPTR pbx.example".to_owned()), "{asked:?}");
    assert!(asked.contains(&"SRV _sip._udp.pbx.example".to_owned()), "{asked:?}");
}

#[test]
fn a_caller_who_hangs_up_while_a_name_is_looked_up_leaves_nothing_behind() {
    let (edge, names) = by_name();
    names.mute(true);
    let (carrier, b) = carrier_and_b(&edge.net);
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    carrier.status(180);
    std::thread::sleep(seconds(0.2));
    carrier.cancel(&call);
    let gone = carrier.status(487);
    carrier.ack(&mut call, &gone.message, "");
    edge.record("ended");
    names.mute(false);
    std::thread::sleep(seconds(2.0));
    assert_eq!(b.count(|it| it.is("INVITE")), 0);
}

#[test]
fn a_name_server_that_is_gone_costs_its_time_and_the_call_goes_on_its_way() {
    let (edge, names) = by_name();
    names.mute(true);
    let carrier = Phone::carrier(&edge.net);
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    let refusal = carrier.take("refusal", |it| 300 <= it.status(), seconds(8.0));
    carrier.ack(&mut call, &refusal.message, "");
    let record = edge.record("ended");
    assert_eq!(record["legs"][0]["cause"]["reason"], "unreachable", "{record:#}");
    drop(names);
}

#[test]
fn a_trunk_that_is_a_name_is_probed_at_every_address_that_answers_for_it() {
    let names = Names::at(std::net::Ipv4Addr::new(127, 1, 0, 54));
    let trunk = format!(
        "\n[[trunk]]\nname = \"named\"\naddresses = [\"gw.example\"]\nprobe = \"1s\"\n\
         probe_down_after = 1\nprobe_up_after = 1\n[dns]\nservers = [\"{}\"]\n\
         [[receiving_number]]\nname = \"far\"\nnumber = \"+12025550177\"\ntrunk = \"named\"\n\
         [[tracking_number]]\nnumber = \"+15550100177\"\ndial = \"far\"\n",
        names.address
    );
    let edge = Edge::start_with(|it| it + &trunk);
    let (carrier, b) = carrier_and_b(&edge.net);
    let c = Phone::destination(&edge.net, 'C');
    for (host, target) in [(31, "b.example"), (32, "c.example")] {
        let server = Record::Server { priority: 1, weight: 1, port: 5070, target };
        names.say("_sip._udp.gw.example", 60, server);
        names.say(target, 60, Record::Address(edge.net.ip(host).into()));
    }
    names.say("gw.example", 60, Record::Address(edge.net.ip(39).into()));
    for there in [&b, &c, &b, &c] {
        let probe = there.request_within("OPTIONS", seconds(8.0)).message;
        assert_eq!(probe.request_uri(), "sip:gw.example");
        there.reply(&probe, &format!("{};tag=t", probe.header("To")), 200, "", "");
    }
    let call = carrier.dial("15550100177", &Voice::at(edge.net.ip(11)).sdp(101));
    let rung = |it: &Phone| it.look(|it| it.is("INVITE"), seconds(1.0)).is_some();
    assert!(rung(&b) || rung(&c), "{}", edge.log());
    carrier.cancel(&call);
}
