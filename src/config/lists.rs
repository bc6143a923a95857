//! Values that stand several times in one place: lists that may be a single value, and tables whose
//! keys are the operator's own.

use super::error::Wrong;
use super::keys::{Item, Key, Value};
use super::shape::Shape;
use super::value::Name;
use toml::de::DeValue;

/// One value, or a list of them.
#[derive(Clone, Debug)]
pub struct Many<T>(pub Vec<T>);

impl<T: Value> Value for Many<T> {
    const KEYS: &'static [Key] = T::KEYS;

    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let many = match item.value {
            DeValue::Array(_) => Vec::read(item)?,
            _ => vec![T::read(item)?],
        };
        match many.is_empty() {
            true => Err(item.wrong("the list is empty")),
            false => Ok(Self(many)),
        }
    }

    fn allowed() -> String {
        format!("{}, or a list of them", T::allowed())
    }

    fn shape() -> Shape {
        Shape::Many(Box::new(T::shape()))
    }
}

/// A table whose keys are chosen by whoever writes it, in their order.
#[derive(Clone, Debug)]
pub struct Entries<T>(pub Vec<(Name, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Value> Value for Entries<T> {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let table = item.table()?;
        if ENTRIES_MAX < table.entries().len() {
            return Err(item.wrong(format!("there are more than {ENTRIES_MAX} entries")));
        }
        let entry = |(key, span, value): &(&str, std::ops::Range<usize>, Item<'_>)| {
            let name = Name::new(key, span.clone()).map_err(|it| it.under(key))?;
            let value = T::read(value);
            let value = value.map_err(|it| match it.key.is_empty() {
                true => it.allowed(T::allowed()).under(key),
                false => it.under(key),
            })?;
            Ok((name, value))
        };
        table.entries().iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    fn allowed() -> String {
        format!("a table, each value {}", T::allowed())
    }

    fn shape() -> Shape {
        Shape::Entries(Box::new(T::shape()))
    }
}

/// Entries that one table may have.
const ENTRIES_MAX: usize = 50_000;
