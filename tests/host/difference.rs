//! What differs between two JSON documents, as a document: of objects the members that differ, of lists of named things those
//! that differ, by their name. Two documents that are different have different differences from a third.

use serde_json::{Map, Value, json};

/// Members by which the elements of a list are told apart, if each has another one.
const NAMES: &[&str] = &["name", "subject", "source", "host", "path", "mount", "unit", "set"];

/// What `document` has otherwise than `base`; an empty object where nothing.
pub fn difference(base: &Value, document: &Value) -> Value {
    if base == document {
        return json!({});
    }
    match (base, document) {
        (Value::Object(base), Value::Object(document)) => Value::Object(members(base, document)),
        (Value::Array(old), Value::Array(new)) => named(old, new).unwrap_or_else(|| document.clone()),
        _ => document.clone(),
    }
}

/// Members that differ, and under `(without)` those that are gone.
fn members(base: &Map<String, Value>, document: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in document {
        match base.get(key) {
            Some(old) if old == value => {}
            Some(old) => drop(out.insert(key.clone(), difference(old, value))),
            None => drop(out.insert(key.clone(), value.clone())),
        }
    }
    let gone: Vec<&str> = base.keys().filter(|key| !document.contains_key(*key)).map(String::as_str).collect();
    if !gone.is_empty() {
        out.insert("(without)".to_owned(), gone.join(", ").into());
    }
    out
}

/// The same of two lists whose elements have names; `(order)` where that is another. `None` for other lists.
fn named(old: &[Value], new: &[Value]) -> Option<Value> {
    let by_name = |list: &[Value], key: &str| -> Option<Map<String, Value>> {
        let mut map = Map::new();
        for element in list {
            if map.insert(element.get(key)?.as_str()?.to_owned(), element.clone()).is_some() {
                return None;
            }
        }
        Some(map)
    };
    let order = |list: &[Value], key: &str| {
        list.iter().filter_map(|element| element.get(key)?.as_str()).collect::<Vec<_>>().join(", ")
    };
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let (key, before, after) = NAMES.iter().find_map(|key| Some((*key, by_name(old, key)?, by_name(new, key)?)))?;
    let mut out = members(&before, &after);
    let (was, is) = (order(old, key), order(new, key));
    if was != is {
        out.insert("(order)".to_owned(), is.into());
    }
    Some(Value::Object(out))
}

#[test]
fn only_what_differs() {
    let base =
        json!({"same": 1, "gone": 2, "list": [{"name": "a", "x": 1, "y": 1}, {"name": "b", "x": 1}], "bare": [1, 2]});
    let new =
        json!({"same": 1, "list": [{"name": "b", "x": 1}, {"name": "a", "x": 2, "y": 1}], "bare": [2], "more": null});
    let told = json!({"list": {"a": {"x": 2}, "(order)": "b, a"}, "bare": [2], "more": null, "(without)": "gone"});
    assert_eq!(difference(&base, &new), told);
    assert_eq!(difference(&base, &base), json!({}));
}
