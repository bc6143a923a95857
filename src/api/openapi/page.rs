//! The document as a page to read: HTML of our own, nothing from elsewhere, no script.

use std::fmt::Write;

use serde_json::Value;

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:60rem;margin:2rem auto;padding:0 1rem}\
code{font:0.9em ui-monospace,monospace}\
section{margin:0 0 1.5rem}\
details{margin:.3rem 0;padding:.4rem .7rem;border:1px solid #8886;border-radius:.4rem}\
summary{cursor:pointer}\
.method{display:inline-block;min-width:4.5rem;font-weight:700}\
.role{float:right;opacity:.7}\
table{border-collapse:collapse;width:100%}\
td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-top:1px solid #8884}";

pub fn page(document: &Value) -> String {
    let mut out = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    let title = escaped(text(&document["info"]["title"]));
    _ = write!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width\"><title>{title} API</title>\
         <style>{STYLE}</style></head><body><h1>{title} API {}</h1><p>{}</p>\
         <p>For programs: <a href=\"/openapi.json\">openapi.json</a>. A key goes into \
         <code>Authorization: Bearer KEY</code>.</p>",
        escaped(text(&document["info"]["version"])),
        escaped(text(&document["info"]["description"])),
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = text(&tag["name"]);
        let about = escaped(text(&tag["description"]));
        _ = write!(out, "<section><h2>{}</h2><p>{about}</p>", escaped(name));
        for (path, method, operation) in operations(document) {
            if operation["tags"][0] == name {
                one(&mut out, path, method, operation);
            }
        }
        out.push_str("</section>");
    }
    schemas(&mut out, document);
    out.push_str("</body></html>");
    out
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, of)| {
        let of = of.as_object().into_iter().flatten();
        of.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn one(out: &mut String, path: &str, method: &str, operation: &Value) {
    let role = operation["x-role"].as_str().unwrap_or("anybody");
    _ = write!(
        out,
        "<details><summary><span class=\"method\">{}</span><code>{}</code> {}\
         <span class=\"role\">{role}</span></summary><p>{}</p>",
        method.to_uppercase(),
        escaped(path),
        escaped(text(&operation["summary"])),
        escaped(text(&operation["description"])),
    );
    let parameters = operation["parameters"].as_array().map_or(&[][..], |it| it);
    if !parameters.is_empty() {
        out.push_str("<table><tr><th>parameter</th><th>in</th><th></th></tr>");
        for it in parameters {
            _ = write!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{} {}</td></tr>",
                escaped(text(&it["name"])),
                escaped(text(&it["in"])),
                shape(&it["schema"]),
                escaped(text(&it["description"])),
            );
        }
        out.push_str("</table>");
    }
    contents(out, "body", &operation["requestBody"]);
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        contents(out, status, response);
    }
    out.push_str("</details>");
}

/// What a body or an answer is made of.
fn contents(out: &mut String, what: &str, of: &Value) {
    if of.is_null() || what == "default" {
        return;
    }
    let of_types = of["content"].as_object().into_iter().flatten();
    let types: Vec<_> =
        of_types.map(|(kind, it)| format!("{} {}", escaped(kind), shape(&it["schema"]))).collect();
    let about = escaped(text(&of["description"]));
    _ = write!(out, "<p><b>{}</b>: {} {about}</p>", escaped(what), types.join(", "));
}

fn schemas(out: &mut String, document: &Value) {
    out.push_str("<section><h2>Schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let name = escaped(name);
        let about = escaped(text(&schema["description"]));
        _ = write!(
            out,
            "<details id=\"{name}\"><summary><code>{name}</code></summary><p>{about}</p><table>"
        );
        let inner = ["anyOf", "allOf"].iter().filter_map(|it| schema[*it].as_array()).flatten();
        for schema in std::iter::once(schema).chain(inner) {
            for (key, of) in schema["properties"].as_object().into_iter().flatten() {
                let about = escaped(text(&of["description"]));
                let (key, shape) = (escaped(key), shape(of));
                _ = write!(
                    out,
                    "<tr><td><code>{key}</code></td><td>{shape}</td><td>{about}</td></tr>"
                );
            }
        }
        out.push_str("</table></details>");
    }
    out.push_str("</section>");
}

/// A schema in a few words.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for (key, between) in [("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")] {
        if let Some(them) = schema[key].as_array() {
            return them.iter().map(shape).collect::<Vec<_>>().join(between);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|it| escaped(&it.to_string())).collect::<Vec<_>>().join(", ");
    }
    match &schema["type"] {
        Value::String(it) if it == "array" => format!("list of {}", shape(&schema["items"])),
        Value::String(it) => escaped(it),
        Value::Array(them) => escaped(&them.iter().map(text).collect::<Vec<_>>().join(" or ")),
        _ => String::new(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text as HTML has it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
