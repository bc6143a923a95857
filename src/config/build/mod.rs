//! From keys to the directory: what one key alone cannot show is checked here.
//!
//! All names are known before the first thing is made, for routes may go forward and in circles.

mod circles;
mod hours;
mod known;
mod menus;
mod people;
mod queues;
mod receiving;
mod routers;
mod routes;
mod rules;
mod settings;
mod tracking;
mod trunks;
mod virtual_agents;
mod webhooks;

use std::path::Path;
use std::sync::Arc;

use self::known::Known;
use super::error::Wrong;
use super::names::Index;
use super::shell::{Sip, Store};
use super::{Config, File};
use crate::model::directory::Parts;
use crate::model::{Account, Agent, CallSettings, Directory, Keep, Schedule, Trunk};

/// The name of the settings that hold without a name.
const DEFAULT: &str = "default";

pub(super) fn config(file: File, text: &str, folder: &Path) -> Result<Config, Wrong> {
    let mut file = file;
    let sip = &mut file.sip;
    if sip.listener.is_empty() {
        sip.listener.push(super::keys::given("listener", "{}")?);
    }
    if sip.software.contains(|it: char| it.is_control() || !it.is_ascii()) {
        let wrong = sip.places.wrong("software", "this cannot stand in a header");
        return Err(wrong.allowed("printable ASCII, or nothing").under("sip"));
    }
    let realm = trunks::quotable(&sip.realm);
    realm.map_err(|why| sip.places.wrong("realm", why).under("sip"))?;
    if sip.challenge.is_empty() {
        return Err(sip.places.wrong("challenge", "there is no algorithm").under("sip"));
    }
    check_listeners(sip, text).map_err(|it| it.under("listener").under("sip"))?;
    check_expiry(&file.registrar).map_err(|it| it.under("registrar"))?;
    check_store(&file.store).map_err(|it| it.under("store"))?;
    check_api(&file.api).map_err(|it| it.under("api"))?;
    super::storage::check(&file.recordings).map_err(|it| it.under("recordings"))?;
    let directory = Arc::new(directory(&mut file, text, folder)?);
    Ok(Config {
        sip: file.sip,
        registrar: file.registrar,
        media: file.media,
        recordings: file.recordings,
        prompts: file.prompts,
        records: file.records,
        store: file.store,
        capture: file.capture,
        api: file.api,
        dns: file.dns,
        limits: file.limits,
        directory,
    })
}

fn check_store(store: &Store) -> Result<(), Wrong> {
    let (database, node) = (&store.database.0, &store.node);
    if database.is_empty() || (database.contains("://") && store.server().is_none()) {
        let wrong = store.places.wrong("database", "this is no database");
        return Err(wrong.allowed("a file, or postgres://USER:PASSWORD@HOST/NAME"));
    }
    if node.is_empty() || 100 < node.len() {
        return Err(store.places.wrong("node", "a name has 1 to 100 bytes"));
    }
    Ok(())
}

/// Makes each of these. What is wrong is kept under the section's name: one mistake in a file does
/// not hide the others.
fn each<K, T>(
    keys: &mut Vec<K>,
    section: &str,
    wrong: &mut Vec<Wrong>,
    mut make: impl FnMut(K) -> Result<T, Wrong>,
) -> Vec<T> {
    let mut made = |keys| make(keys).map_err(|it| wrong.push(it.under(section))).ok();
    std::mem::take(keys).into_iter().filter_map(&mut made).collect()
}

fn directory(file: &mut File, text: &str, folder: &Path) -> Result<Directory, Wrong> {
    let voice = file.prompts.voice.clone();
    let mut trade = Trade {
        folder,
        voice: &voice,
        keep: settings::keep(file.recordings.keep),
        known: Known::of(file, text)?,
        trunks: Vec::new(),
        default_trunk: None,
        schedules: Vec::new(),
        settings: Vec::new(),
        agents: Vec::new(),
    };
    let accounts = trade.carriers(file)?;
    let wrong = &mut Vec::new();
    let schedule = |it| hours::schedule(it).map(Arc::new);
    trade.schedules = each(&mut file.schedule, "schedule", wrong, schedule);
    let settings = |it| trade.settings(it).map(Arc::new);
    trade.settings = each(&mut file.call_settings, "call_settings", wrong, settings);
    if !trade.settings.iter().any(|it| &*it.id == DEFAULT) {
        let usual = CallSettings { keep_recordings: trade.keep, ..CallSettings::new(DEFAULT) };
        trade.settings.push(usual.into());
    }
    trade.agents = each(&mut file.agent, "agent", wrong, |it| trade.agent(it));
    let parts = trade.parts(file, wrong);
    Wrong::none_of(std::mem::take(wrong))?;
    circles::check(&trade.known, &parts.smart_routers, &parts.geo_routers)?;
    Ok(Directory::new(Parts {
        call_settings: trade.settings,
        schedules: trade.schedules,
        trunks: trade.trunks,
        default_trunk: trade.default_trunk,
        agents: trade.agents,
        accounts,
        ..parts
    }))
}

/// What the parts of the trade are made with: names, and what was made before.
struct Trade<'a> {
    folder: &'a Path,
    voice: &'a str,
    /// How long recordings are kept where nothing else is said.
    keep: Keep,
    known: Known<'a>,
    trunks: Vec<Trunk>,
    default_trunk: Option<Arc<str>>,
    schedules: Vec<Arc<Schedule>>,
    settings: Vec<Arc<CallSettings>>,
    agents: Vec<Agent>,
}

impl Trade<'_> {
    /// What calls go through and to.
    fn parts(&self, file: &mut File, wrong: &mut Vec<Wrong>) -> Parts {
        let numbers = &mut file.receiving_number;
        let menus = &mut file.voice_menu;
        let smart = &mut file.smart_router;
        let virtual_agents = &mut file.virtual_agent;
        let tracking = &mut file.tracking_number;
        Parts {
            receiving_numbers: each(numbers, "receiving_number", wrong, |it| {
                self.receiving_number(it)
            }),
            queues: each(&mut file.queue, "queue", wrong, |it| self.queue(it)),
            voice_menus: each(menus, "voice_menu", wrong, |it| self.voice_menu(it)),
            voicemail_boxes: each(&mut file.voicemail, "voicemail", wrong, |it| {
                self.voicemail_box(it)
            }),
            smart_routers: each(smart, "smart_router", wrong, |it| self.smart_router(it)),
            geo_routers: each(&mut file.geo_router, "geo_router", wrong, |it| self.geo_router(it)),
            virtual_agents: each(virtual_agents, "virtual_agent", wrong, |it| {
                self.virtual_agent(it)
            }),
            tracking_numbers: each(tracking, "tracking_number", wrong, |it| {
                self.tracking_number(it)
            }),
            webhooks: each(&mut file.webhook, "webhook", wrong, webhooks::webhook),
            tag_rules: each(&mut file.tag_rule, "tag_rule", wrong, |it| self.tag_rule(it)),
            ..Parts::default()
        }
    }

    /// Trunks, and the accounts whose phones may call through them.
    fn carriers(&mut self, file: &mut File) -> Result<Vec<Account>, Wrong> {
        let trunks = std::mem::take(&mut file.trunk);
        let trunks = trunks::trunks(trunks, &file.sip, &mut self.known.trunks);
        (self.trunks, self.default_trunk) = trunks.map_err(|it| it.under("trunk"))?;
        let (mut keys, ranges) =
            (std::mem::take(&mut file.account), std::mem::take(&mut file.account_range));
        let out: Vec<_> = keys.iter_mut().map(|it| it.call_out.take()).collect();
        let accounts = trunks::accounts(keys, ranges, &mut self.known.accounts);
        let mut accounts = accounts.map_err(|it| match it.key.starts_with("account_range") {
            true => it,
            false => it.under("account"),
        })?;
        for (account, out) in accounts.iter_mut().zip(out) {
            let out = out.map(|it| self.call_out(it)).transpose();
            account.call_out = out.map_err(|it| it.under("call_out").under("account"))?;
        }
        Ok(accounts)
    }
}

fn check_listeners(sip: &Sip, text: &str) -> Result<(), Wrong> {
    let (mut names, mut sockets) = (Index::new("listener", text), Index::new("socket", text));
    for it in &sip.listener {
        let name = names.add_at(it.name.as_str().into(), it.places.of("name"));
        name.map_err(|wrong| wrong.under("name"))?;
        if it.transports.is_empty() {
            return Err(it.places.wrong("transports", "a listener needs a transport"));
        }
        for transport in &it.transports {
            let socket = format!("{} {transport:?}", it.address).to_lowercase();
            let taken = sockets.add_at(socket.into(), it.places.of("address"));
            taken.map_err(|wrong| wrong.under("address"))?;
        }
    }
    Ok(())
}

/// Passwords and keys do not go over a network as they are.
fn check_api(api: &super::shell::Api) -> Result<(), Wrong> {
    for (key, there, other) in [
        ("certificate", api.certificate.is_some(), api.key.is_none()),
        ("key", api.key.is_some(), api.certificate.is_none()),
    ] {
        if there && other {
            return Err(api.places.wrong(key, "`certificate` and `key` belong together"));
        }
    }
    let Some(listen) = api.listen.0 else { return Ok(()) };
    if listen.ip().is_loopback() || api.certificate.is_some() || api.behind_proxy {
        return Ok(());
    }
    let message = format!("{listen} can be reached from elsewhere, and there is no TLS");
    let allowed = "an address of this machine alone such as \"127.0.0.1:8060\"; any, with \
                   `certificate` and `key`, or with `behind_proxy = true`";
    Err(api.places.wrong("listen", message).allowed(allowed))
}

fn check_expiry(registrar: &super::shell::Registrar) -> Result<(), Wrong> {
    let (min, usual) = (*registrar.min_expires, *registrar.default_expires);
    if usual < min || *registrar.max_expires < usual {
        let message = "min_expires, default_expires and max_expires do not rise in this order";
        return Err(registrar.places.wrong("default_expires", message));
    }
    Ok(())
}
