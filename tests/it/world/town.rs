//! The town of the stories: a carrier that calls, phones b, c, d and e, and what is said of them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crosspoint::clock::Instant;
use crosspoint::config;
use crosspoint::model::event::What;
pub use crosspoint::simulator::ear::Sound;
pub use crosspoint::simulator::{Manners, Moment, Reply, Weather, World, ms, secs};

pub const NUMBER: &str = "15550100001";
pub const CARRIER: &str = "carrier";
/// What the carrier's caller sounds like, and the phones.
pub const VOICE: u16 = 300;
pub const VOICES: [(&str, u16); 4] = [("b", 500), ("c", 600), ("d", 700), ("e", 800)];

/// A configuration with these receiving numbers (name, keys), and what the tracking number says.
pub fn plan(receiving: &[(&str, &str)], tracking: &str) -> String {
    let mut text = String::from(
        r#"
[[sip.listener]]
address = "10.0.0.1:5060"
transports = ["udp"]
[media]
address = "10.0.0.1"
ports = "30000-31999"
[api]
listen = "off"
[[trunk]]
name = "carrier"
sources = ["10.0.0.11", "10.0.0.12"]
probe = "off"
"#,
    );
    for (name, keys) in receiving {
        let address = address(name);
        text += &format!(
            "[[receiving_number]]\nname = \"{name}\"\nnumber = \"sip:{name}@{address}\"\n{keys}\n"
        );
    }
    text += &format!("[[tracking_number]]\nnumber = \"+{NUMBER}\"\n{tracking}\n");
    text
}

pub fn address(name: &str) -> SocketAddr {
    let host = match name {
        "carrier" => 11,
        "other" => 12,
        "b" => 31,
        "c" => 32,
        "d" => 33,
        _ => 34,
    };
    SocketAddr::from(([10, 0, 0, host], 5070))
}

pub fn read(plan: &str) -> config::Config {
    config::load(plan, "town.toml", Path::new(".")).unwrap_or_else(|it| panic!("{it}\n{plan}"))
}

/// A town in clear weather.
pub fn town(receiving: &[(&str, &str)], tracking: &str) -> World {
    settle(&read(&plan(receiving, tracking)), 1, Weather::CLEAR)
}

/// The same with call settings.
pub fn town_with(settings: &str, receiving: &[(&str, &str)], tracking: &str) -> World {
    let text = plan(receiving, tracking);
    let text = text + &format!("[[call_settings]]\nname = \"default\"\n{settings}\n");
    settle(&read(&text), 1, Weather::CLEAR)
}

pub fn settle(config: &config::Config, seed: u64, weather: Weather) -> World {
    let mut world = World::new(config, seed, weather);
    world.phone(CARRIER, address(CARRIER), VOICE);
    world.phone("other", address("other"), 350);
    for (name, voice) in VOICES {
        world.phone(name, address(name), voice);
    }
    world
}

/// What stories say.
pub trait Told {
    fn answers_after(&mut self, name: &str, after: Duration);
    fn refuses_after(&mut self, name: &str, after: Duration, status: u16);
    fn never_answers(&mut self, name: &str);
    fn is_dead(&mut self, name: &str);
    fn call(&mut self);
    /// Runs until caller and destination are connected.
    fn connects(&mut self) -> Instant;
    /// Runs until the call is over for everybody.
    fn ends(&mut self) -> Instant;
    /// Runs on until everything that may linger is gone, and nothing is left.
    fn rests(&mut self);
    fn fact(&self, wanted: fn(&What) -> bool) -> Option<Instant>;
    fn count_facts(&self, wanted: fn(&What) -> bool) -> usize;
    fn draw(&self) -> String;
    /// What a caller was told by status, in order.
    fn reason(&self) -> &str;
}

impl Told for World {
    fn answers_after(&mut self, name: &str, after: Duration) {
        self.at(name).manners.reply = Reply::AnswerAfter(after);
    }

    fn refuses_after(&mut self, name: &str, after: Duration, status: u16) {
        self.at(name).manners.reply = Reply::RefuseAfter(after, status);
    }

    fn never_answers(&mut self, name: &str) {
        self.at(name).manners.reply = Reply::Never;
    }

    fn is_dead(&mut self, name: &str) {
        self.at(name).manners.reply = Reply::Dead;
    }

    fn call(&mut self) {
        self.calls(CARRIER, NUMBER);
    }

    fn connects(&mut self) -> Instant {
        let is = |what: &What| matches!(what, What::Connected { .. });
        let came = self.run_until(secs(120), |it| it.fact(is).is_some());
        assert!(came, "never connected\n{}", self.draw());
        let at = self.fact(is).unwrap();
        // The caller's 200 and its ACK are on their way.
        self.run_for(ms(20));
        at
    }

    fn ends(&mut self) -> Instant {
        let is = |what: &What| matches!(what, What::Ended { .. });
        let came = self.run_until(secs(700), |it| it.fact(is).is_some());
        assert!(came, "never ended\n{}", self.draw());
        let at = self.fact(is).unwrap();
        self.run_for(ms(20));
        at
    }

    fn rests(&mut self) {
        let came =
            self.run_until(secs(240), |it| it.is_quiet() && it.switch.free_ports() == it.ports());
        assert!(
            came,
            "left: {} calls, {} transactions, {} sessions, {} of {} ports free, idle {:?}\n{}",
            self.switch.calls(),
            self.switch.transactions(),
            self.plane.sessions(),
            self.switch.free_ports(),
            self.ports(),
            self.phones.iter().map(|it| (&*it.name, it.is_idle())).collect::<Vec<_>>(),
            self.draw()
        );
    }

    fn fact(&self, wanted: fn(&What) -> bool) -> Option<Instant> {
        self.facts.iter().find(|(_, it)| wanted(&it.what)).map(|(at, _)| *at)
    }

    fn count_facts(&self, wanted: fn(&What) -> bool) -> usize {
        self.facts.iter().filter(|(_, it)| wanted(&it.what)).count()
    }

    fn draw(&self) -> String {
        self.ladder().text()
    }

    fn reason(&self) -> &str {
        &self.record().cause.as_ref().unwrap().reason
    }
}

/// Whether two times are as close as this.
#[track_caller]
pub fn assert_near(measured: Duration, wanted: Duration, tolerance: Duration) {
    assert!(measured.abs_diff(wanted) <= tolerance, "{measured:?}, wanted {wanted:?}");
}
