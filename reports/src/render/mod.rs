//! Text and data files out of sheets.

pub(crate) mod copies;
pub(crate) mod csv;
pub(crate) mod datapackage;
pub(crate) mod html;
pub(crate) mod markdown;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

/// Fills in a template. Whatever is put in is escaped before; what the template asks for and is not there is an error.
fn fill(template: &str, context: &impl Serialize) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let whitespace = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(whitespace.map_err(|e| format!("the template engine's settings do not hold: {e:#}"))?);
    environment.render_str(template, Serde(context)).map_err(|e| format!("a template fails: {e:#}"))
}
