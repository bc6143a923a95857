//! Routes: places a call can be sent to (PRODUCT section 1).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A place a call can be sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Route {
    Dial(Arc<Dial>),
    Hangup,
    Queue(Arc<str>),
    VoiceMenu(Arc<str>),
    SmartRouter(Arc<str>),
    GeoRouter(Arc<str>),
    VirtualAgent(Arc<str>),
    Voicemail(Arc<str>),
    Agent(Arc<str>),
}

impl Route {
    /// Dials one receiving number.
    pub fn number(id: &str) -> Self {
        Self::Dial(Arc::new(Dial {
            order: Order::Simultaneous,
            numbers: vec![id.into()],
            stages: Vec::new(),
        }))
    }

    /// The kind, as the configuration spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dial(_) => "dial",
            Self::Hangup => "hangup",
            Self::Queue(_) => "queue",
            Self::VoiceMenu(_) => "voice_menu",
            Self::SmartRouter(_) => "smart_router",
            Self::GeoRouter(_) => "geo_router",
            Self::VirtualAgent(_) => "virtual_agent",
            Self::Voicemail(_) => "voicemail",
            Self::Agent(_) => "agent",
        }
    }
}

/// As a step of a call's path reads: `dial shop, mobile`, `hangup`, `queue sales`.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Hangup => Ok(()),
            Self::Dial(dial) => {
                let mut between = " ";
                for id in dial.everyone() {
                    write!(f, "{between}{id}")?;
                    between = ", ";
                }
                Ok(())
            }
            Self::Queue(id)
            | Self::VoiceMenu(id)
            | Self::SmartRouter(id)
            | Self::GeoRouter(id)
            | Self::VirtualAgent(id)
            | Self::Voicemail(id)
            | Self::Agent(id) => write!(f, " {id}"),
        }
    }
}

/// "Dial receiving numbers". Numbers are named, so that routes may go round in a circle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dial {
    pub order: Order,
    /// Names of receiving numbers in the directory, in list order.
    pub numbers: Vec<Arc<str>>,
    /// For [`Order::Stages`]: when each group of numbers joins, without re-ringing the earlier.
    pub stages: Vec<Stage>,
}

impl Dial {
    /// Every receiving number named, in list order, the stages' after the plain list.
    pub fn everyone(&self) -> impl Iterator<Item = &Arc<str>> {
        self.numbers.iter().chain(self.stages.iter().flat_map(|stage| &stage.numbers))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Counted from the beginning of the fork.
    pub after: Duration,
    pub numbers: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    Simultaneous,
    Sequence,
    RoundRobin,
    LeastConnected,
    Weighted,
    Stages,
}
