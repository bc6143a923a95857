//! What there is of kinds and keys, for programs: `/v1/schema` that forms are drawn from, and JSON
//! schemas for the OpenAPI document. All of it read off the definitions of the keys.

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::Kind;
use crate::config::keys::{Given, Key, Section};
use crate::config::routes::RouteWord;
use crate::config::shape::Shape;
use crate::config::words::MessageKeys;

/// Every kind with its keys.
pub fn schema() -> Value {
    let kind = |it: Kind| {
        json!({
            "kind": it.name(),
            "plural": it.plural(),
            "name_key": it.name_key(),
            "doc": it.doc(),
            "keys": keys(it.keys()),
        })
    };
    json!({
        "kinds": Kind::all().map(kind).collect::<Vec<_>>(),
        "route": keys(RouteWord::REFERENCE),
        "prompt": keys(<MessageKeys as Section>::KEYS),
    })
}

fn keys(them: &[Key]) -> Vec<Value> {
    them.iter().map(key).collect()
}

fn key(it: &Key) -> Value {
    let mut told = Map::new();
    told.insert("name".into(), it.name.into());
    told.insert("doc".into(), doc(it).into());
    let (given, default, example) = match it.given {
        Given::Default(toml) => ("default", Some(toml), None),
        Given::Optional(toml) | Given::Shown(toml) => ("optional", None, Some(toml)),
        Given::Required(toml) => ("required", None, Some(toml)),
        Given::Table => ("table", None, None),
        Given::OptionalTable => ("optional_table", None, None),
        Given::Tables => ("tables", None, None),
    };
    told.insert("given".into(), given.into());
    for (name, toml) in [("default", default), ("example", example)] {
        if let Some(value) = toml.and_then(literal) {
            told.insert(name.into(), value);
        }
    }
    told.insert("allowed".into(), (it.allowed)().into());
    told.insert("shape".into(), (it.shape)().told(it.names));
    // Those of a message are told once for all.
    if !it.keys.is_empty() && has_table(&(it.shape)()) {
        told.insert("keys".into(), keys(it.keys).into());
    }
    Value::Object(told)
}

fn doc(it: &Key) -> String {
    it.doc.iter().map(|it| it.trim()).collect::<Vec<_>>().join(" ")
}

fn has_table(shape: &Shape) -> bool {
    match shape {
        Shape::Table { .. } => true,
        Shape::List(of) | Shape::Many(of) | Shape::Entries(of) => has_table(of),
        Shape::Either(them) => them.iter().any(has_table),
        _ => false,
    }
}

/// A value of a definition, which is written as TOML.
fn literal(toml: &str) -> Option<Value> {
    let text = format!("it = {toml}");
    let document = DeTable::parse(&text).ok()?;
    json_of(document.get_ref().get("it")?.get_ref())
}

fn json_of(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Boolean(it) => (*it).into(),
        DeValue::Integer(it) => i64::from_str_radix(it.as_str(), it.radix()).ok()?.into(),
        DeValue::Float(it) => it.as_str().parse::<f64>().ok()?.into(),
        DeValue::Array(items) => {
            items.iter().map(|it| json_of(it.get_ref())).collect::<Option<Vec<_>>>()?.into()
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (&toml::Spanned<std::borrow::Cow<'_, str>>, _)| {
                let value: &toml::Spanned<DeValue<'_>> = value;
                Some((key.get_ref().to_string(), json_of(value.get_ref())?))
            };
            Value::Object(table.iter().map(entry).collect::<Option<_>>()?)
        }
        DeValue::Datetime(_) => return None,
    })
}

/// JSON schemas by name: one for each kind, and those of routes and messages.
pub fn json_schemas() -> Map<String, Value> {
    let mut found = Map::new();
    for kind in Kind::all() {
        let mut of = object(kind.keys());
        of["description"] = kind.doc().into();
        found.insert(kind.name().to_owned(), of);
    }
    let mut route = object(RouteWord::REFERENCE);
    route["minProperties"] = 1.into();
    let description = "A place that a call can be sent to: \"hangup\", or one of these keys.";
    found.insert(
        "route".into(),
        json!({"description": description, "anyOf": [{"const": "hangup"}, route]}),
    );
    let mut message = object(<MessageKeys as Section>::KEYS);
    message["description"] = "A message: a file, or a text to be spoken.".into();
    found.insert("prompt".into(), message);
    found
}

fn object(them: &[Key]) -> Value {
    let mut properties = Map::new();
    for it in them {
        let mut schema = schema_of(&(it.shape)(), it);
        schema["description"] = doc(it).into();
        let default = match it.given {
            Given::Default(toml) => literal(toml),
            _ => None,
        };
        if let Some(default) = default {
            schema["default"] = default;
        }
        properties.insert(it.name.into(), schema);
    }
    let required = them.iter().filter(|it| matches!(it.given, Given::Required(_)));
    let required: Vec<_> = required.map(|it| it.name).collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// Bytes that a name has at most; so many characters are never more.
const NAME_MAX: u32 = 100;

fn schema_of(shape: &Shape, key: &Key) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Hidden => json!({"type": ["string", "null"], "writeOnly": true}),
        Shape::Url => json!({"type": "string", "x-allowed": (key.allowed)()}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Number { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Time { min, max } => json!({
            "anyOf": [
                {"type": "string", "pattern": "^([0-9.]+(ms|s|m|h|d))+$"},
                {"type": "number", "minimum": *min as f64 / 1e3, "maximum": *max as f64 / 1e3},
            ],
        }),
        Shape::Choice(words) => json!({"type": "string", "enum": words}),
        Shape::Name => json!({"type": "string", "minLength": 1, "maxLength": NAME_MAX}),
        Shape::List(of) => json!({"type": "array", "items": schema_of(of, key)}),
        Shape::Many(of) => {
            let one = schema_of(of, key);
            json!({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})
        }
        Shape::Table { short } => match key.keys.iter().find(|it| it.name == *short) {
            Some(inner) => {
                json!({"anyOf": [schema_of(&(inner.shape)(), inner), object(key.keys)]})
            }
            None => object(key.keys),
        },
        Shape::Entries(of) => {
            json!({"type": "object", "additionalProperties": schema_of(of, key)})
        }
        Shape::Either(them) => {
            json!({"anyOf": them.iter().map(|it| schema_of(it, key)).collect::<Vec<_>>()})
        }
        Shape::Route => json!({"$ref": "#/components/schemas/route"}),
        Shape::Message => json!({"$ref": "#/components/schemas/prompt"}),
        Shape::Word("music") => {
            let music = json!({"music": {"type": "string"}});
            json!({"type": "object", "properties": music, "required": ["music"]})
        }
        Shape::Word("national") => {
            let national = json!({"national": {"type": "string"}});
            json!({"type": "object", "properties": national, "required": ["national"]})
        }
        Shape::Word(_) => json!({"type": "string", "x-allowed": (key.allowed)()}),
    }
}
