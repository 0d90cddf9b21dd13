//! What can be printed: a value with a view for people. JSON is made of the value itself.

use serde::Serialize;

use super::Text;

/// A document.
pub trait Report: Serialize {
    /// Its view for people.
    fn text(&self, page: &mut Text);

    /// The names it is about, for `-o name`.
    fn names(&self) -> Vec<String>;

    /// Whether anything in it comes from the host; what the registry alone says holds no secret.
    fn quotes_host(&self) -> bool {
        true
    }
}
