//! What a key's value looks like, for programs: forms are drawn and schemas written from it.

use serde_json::{Value, json};

/// A shape. Each type that a key can have says its own, once ([`super::keys::Value::shape`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// Text that is never shown.
    Hidden,
    /// A URL, of which all but scheme, host and port may be secret: not everybody is shown more.
    Url,
    Flag,
    Number {
        min: u32,
        max: u32,
    },
    /// Milliseconds; written `"45s"`, or as seconds.
    Time {
        min: u64,
        max: u64,
    },
    Choice(Vec<&'static str>),
    /// A name: of what, the key says.
    Name,
    List(Box<Shape>),
    /// One, or a list of them.
    Many(Box<Shape>),
    /// A table with keys of its own. A plain value is short for its key `short`, if that is one.
    Table {
        short: &'static str,
    },
    /// A table whose keys the operator chooses.
    Entries(Box<Shape>),
    Either(Vec<Shape>),
    Route,
    Message,
    /// Text (or a small table) with a form of its own, by the name of that form.
    Word(&'static str),
}

impl Shape {
    /// As `/v1/schema` tells it. `names` is what names are names of.
    pub fn told(&self, names: &str) -> Value {
        match self {
            Self::Text => json!({"type": "text"}),
            Self::Hidden => json!({"type": "hidden"}),
            Self::Url => json!({"type": "url"}),
            Self::Flag => json!({"type": "flag"}),
            Self::Number { min, max } => json!({"type": "number", "min": min, "max": max}),
            Self::Time { min, max } => json!({"type": "time", "min_ms": min, "max_ms": max}),
            Self::Choice(words) => json!({"type": "choice", "choices": words}),
            Self::Name if names.is_empty() => json!({"type": "name"}),
            Self::Name => json!({"type": "name_of", "kind": names}),
            Self::List(of) => json!({"type": "list", "of": of.told(names)}),
            Self::Many(of) => json!({"type": "many", "of": of.told(names)}),
            Self::Table { short: "" } => json!({"type": "table"}),
            Self::Table { short } => json!({"type": "table", "short": short}),
            Self::Entries(of) => json!({"type": "entries", "of": of.told(names)}),
            Self::Either(them) => {
                let them: Vec<_> = them.iter().map(|it| it.told(names)).collect();
                json!({"type": "either", "of": them})
            }
            Self::Route => json!({"type": "route"}),
            Self::Message => json!({"type": "prompt"}),
            Self::Word(word) => json!({"type": word}),
        }
    }

    /// Whether a name stands somewhere in it.
    #[cfg(test)]
    pub fn has_name(&self) -> bool {
        self.any(&|it| *it == Self::Name)
    }

    pub fn is_hidden(&self) -> bool {
        self.any(&|it| *it == Self::Hidden)
    }

    pub fn is_url(&self) -> bool {
        self.any(&|it| *it == Self::Url)
    }

    fn any(&self, is: &dyn Fn(&Self) -> bool) -> bool {
        let inside = match self {
            Self::List(of) | Self::Many(of) | Self::Entries(of) => of.any(is),
            Self::Either(them) => them.iter().any(|it| it.any(is)),
            _ => false,
        };
        inside || is(self)
    }
}
