//! Callers who speak Opus, which we pass on and cannot speak ourselves.

use crosspoint::simulator::Codecs;

use super::town::*;

/// B rings for the caller; the message of the box is G.711 all through.
fn town_with_box(b: &str, tracking: &str, caller: Codecs) -> World {
    let mut text = plan(&[("b", b)], tracking);
    text += "[[voicemail]]\nname = \"box\"\ngreeting = { text = \"leave a message\" }\n\
             [[voice_menu]]\nname = \"menu\"\nprompt = { text = \"press one\" }\n\
             keys = { 1 = { dial = \"b\" } }\n\
             [[virtual_agent]]\nname = \"bot\"\nurl = \"ws://127.0.0.1:1/\"\n\
             [[queue]]\nname = \"sales\"\nmembers = [\"b\"]\n\
             [[call_settings]]\nname = \"default\"\ngreeting = { text = \"welcome\" }\n";
    if caller != Codecs::OpusOnly {
        text = text.replace("greeting = { text = \"welcome\" }", "early_media = \"relay\"");
    }
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.at(CARRIER).manners.codecs = caller;
    town
}

#[test]
fn a_caller_who_speaks_none_of_our_codecs_is_refused_where_we_would_have_to_speak() {
    for route in [
        "voicemail = \"box\"",
        "voice_menu = \"menu\"",
        "virtual_agent = \"bot\"",
        "queue = \"sales\"",
    ] {
        let tracking = format!("route = {{ {route} }}");
        let mut town = town_with_box("", &tracking, Codecs::OpusOnly);
        town.call();
        town.ends();
        assert_eq!(town.seen(CARRIER).finals(), [488], "{route}\n{}", town.draw());
        assert_eq!(town.reason(), "no_common_codec", "{route}");
        town.rests();
    }
}

#[test]
fn a_caller_who_speaks_none_of_our_codecs_talks_with_a_destination_that_shares_its_own() {
    let tracking = "dial = [\"b\"]";
    let keys = "no_answer.route = { voicemail = \"box\" }";
    let mut town = town_with_box(keys, tracking, Codecs::OpusOnly);
    town.at("b").manners.codecs = Codecs::OpusFirst;
    town.call();
    town.connects();
    town.run_for(secs(3));
    assert!(100 < town.seen("b").ear.packets, "{}", town.draw());
    assert!(100 < town.seen(CARRIER).ear.packets);
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    // And is refused where nobody took the call and we would have to.
    let mut town = town_with_box(keys, tracking, Codecs::OpusOnly);
    town.refuses_after("b", secs(1), 486);
    town.call();
    town.ends();
    assert_eq!(town.seen(CARRIER).finals(), [488], "{}", town.draw());
    town.rests();
}

#[test]
fn early_media_in_opus_gives_way_to_a_codec_that_we_speak() {
    let keys = "no_answer.route = { voicemail = \"box\" }";
    let mut town = town_with_box(keys, "dial = [\"b\"]", Codecs::OpusFirst);
    town.at("b").manners.codecs = Codecs::OpusFirst;
    town.at("b").manners.early_media = true;
    town.refuses_after("b", secs(3), 486);
    town.call();
    town.run_for(secs(2));
    assert!(town.heard(CARRIER, "SIP/2.0 183").contains("opus"), "{}", town.draw());
    town.run_for(secs(8));
    let offered = town.heard(CARRIER, "INVITE");
    assert!(offered.contains("PCMU") && !offered.contains("opus"), "{offered}");
    let greeting = Sound::Tone(town.tone_of("leave a message"));
    assert_near(town.seen(CARRIER).ear.total(greeting), secs(2), ms(60));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    let message = &town.record().recordings[0];
    assert!(message.file.is_some(), "what it said is kept: {message:?}");
}

#[test]
fn a_destination_that_speaks_g711_is_heard_by_who_had_early_media_in_opus() {
    let keys = "no_answer.route = { dial = \"c\" }";
    let mut text = plan(&[("b", keys), ("c", "")], "dial = [\"b\"]");
    text += "[[call_settings]]\nname = \"default\"\nearly_media = \"relay\"\n";
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.at(CARRIER).manners.codecs = Codecs::OpusFirst;
    town.at("b").manners.codecs = Codecs::OpusFirst;
    town.at("b").manners.early_media = true;
    town.refuses_after("b", secs(2), 486);
    town.call();
    town.connects();
    town.run_for(secs(3));
    let heard = |who: &str, hertz| town.seen(who).ear.total(Sound::Tone(hertz));
    assert!(secs(2) < heard(CARRIER, 600) && secs(2) < heard("c", VOICE), "{}", town.draw());
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}
