//! Turns the code lists of `data/taxonomy` into Rust, so that types and data cannot drift apart.
//!
//! It writes `taxonomy.rs` into `OUT_DIR`: one `code_list!` for each list (the macro and all behaviour stand in
//! `src/taxonomy/codes.rs`), the axes, and the dated and crosswalk tables. Data that is malformed, incomplete or
//! contradicts itself stops the build with its file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::value::Datetime;

/// A `CodeSet` is 64 bits wide.
const MAX_CODES: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Taxonomy {
    version: String,
    axis: Vec<Axis>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Axis {
    name: Spanned<String>,
    list: String,
    multiple: bool,
    label_en: String,
    label_es: String,
    definition_en: String,
    definition_es: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeList {
    about: String,
    code: Vec<Code>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: Spanned<String>,
    /// The Rust name, where it cannot be made from the code.
    variant: Option<String>,
    label_en: String,
    label_es: String,
    label_plural_en: Option<String>,
    label_plural_es: Option<String>,
    definition_en: String,
    definition_es: String,
    class: Option<Class>,
    from: Option<Datetime>,
    to: Option<Datetime>,
}

/// `EventClass` of the library; its names are the data's words.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Class {
    Event,
    NotEnforcement,
    NonEvent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Regimes {
    regime: Vec<Regime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Regime {
    name: Spanned<String>,
    label_en: String,
    label_es: String,
    issued: Datetime,
    from: Datetime,
    to: Option<Datetime>,
    numbered: bool,
    source: String,
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Crosswalk {
    version: String,
    ice_group: Vec<Code>,
    ice_method: Vec<IceMethod>,
    series_break: Vec<SeriesBreak>,
    icewatch_place: Vec<Code>,
    icewatch_tactic: Vec<Code>,
    icewatch_setting: BTreeMap<String, Vec<Spanned<String>>>,
    icewatch_tactics: BTreeMap<String, Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IceMethod {
    method: Spanned<String>,
    group: Spanned<String>,
    setting: Option<Spanned<String>>,
    tactic: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesBreak {
    name: Spanned<String>,
    earliest: Datetime,
    latest: Datetime,
    note_en: String,
    note_es: String,
}

type Result<T> = std::result::Result<T, String>;

fn main() {
    if let Err(problem) = run() {
        for line in format!("in the taxonomy data: {problem}").lines() {
            println!("cargo::error={line}"); // fails the build
        }
    }
}

fn run() -> Result<()> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or(format!("cargo did not set {name}"));
    let data = variable("CARGO_MANIFEST_DIR")?.join("data/taxonomy");
    println!("cargo::rerun-if-changed={}", data.display());
    println!("cargo::rerun-if-changed=build.rs");
    let out = variable("OUT_DIR")?.join("taxonomy.rs");
    fs::write(&out, generate(&data)?).map_err(|error| format!("{}: {error}", out.display()))
}

/// The whole generated file.
fn generate(data: &Path) -> Result<String> {
    let (axes_file, taxonomy) = Source::read::<Taxonomy>(data, "taxonomy.toml")?;
    let mut out = format!("/// Version of the code lists.\npub const VERSION: &str = {:?};\n", taxonomy.version);

    let mut lists: BTreeMap<&str, CodeList> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for axis in &taxonomy.axis {
        axes_file.new_name(&axis.name, &mut names)?;
        if lists.contains_key(axis.list.as_str()) {
            continue; // agency_claimed and agency_assessed share one list
        }
        let (file, list) = Source::read::<CodeList>(data, &format!("{}.toml", axis.list))?;
        write_list(&mut out, &file, &axis.list, &list.about, &list.code)?;
        lists.insert(&axis.list, list);
    }
    no_file_unused(data, &lists)?;

    out.push_str(
        "/// Every axis of a report, in the order of forms, exports and tables.\npub static AXES: &[AxisInfo] = &[\n",
    );
    for axis in &taxonomy.axis {
        let ty = pascal(&axis.list);
        let label = text2(&axis.label_en, &axis.label_es);
        let definition = text2(&axis.definition_en, &axis.definition_es);
        line(
            &mut out,
            format_args!(
                "    AxisInfo {{ name: {:?}, type_name: {ty:?}, multiple: {}, label: {label}, definition: {definition}, codes: {ty}::INFO }},",
                axis.name.get_ref(),
                axis.multiple,
            ),
        );
    }
    out.push_str("];\n");

    write_classes(&mut out, &lists)?;
    write_regimes(&mut out, data)?;
    write_crosswalk(&mut out, data, &lists)?;
    Ok(out)
}

/// One `code_list!`: an enum, its codes and what each means.
fn write_list(out: &mut String, file: &Source, name: &str, about: &str, codes: &[Code]) -> Result<()> {
    if codes.is_empty() || codes.len() > MAX_CODES {
        return Err(format!("{}: a list has 1 to {MAX_CODES} codes, this has {}", file.name, codes.len()));
    }
    let mut seen = BTreeSet::new();
    let mut labels = BTreeSet::new();
    line(out, format_args!("code_list! {{\n    #[doc = {about:?}]\n    {} {name:?} {{", pascal(name)));
    for code in codes {
        file.new_name(&code.code, &mut seen)?;
        let texts = [&code.label_en, &code.label_es, &code.definition_en, &code.definition_es];
        if texts.iter().any(|text| text.trim().is_empty() || text.trim() != text.as_str()) {
            return Err(file.at(&code.code, "a label or definition is empty or has spaces around it"));
        }
        if !labels.insert(("en", &code.label_en)) || !labels.insert(("es", &code.label_es)) {
            return Err(file.at(&code.code, "another code of the list has the same label"));
        }
        let plural = match (&code.label_plural_en, &code.label_plural_es) {
            (Some(en), Some(es)) => format!("Some({})", text2(en, es)),
            (None, None) => "None".to_owned(),
            _ => return Err(file.at(&code.code, "a plural stands in both languages or in none")),
        };
        line(
            out,
            format_args!(
                "        #[doc = {:?}] {} {:?} CodeInfo {{ code: {:?}, label: {}, plural: {plural}, definition: {}, from: {}, to: {} }};",
                code.definition_en,
                variant(code),
                code.code.get_ref(),
                code.code.get_ref(),
                text2(&code.label_en, &code.label_es),
                text2(&code.definition_en, &code.definition_es),
                optional(code.from.as_ref().map(|from| file.date(&code.code, from)).transpose()?),
                optional(code.to.as_ref().map(|to| file.date(&code.code, to)).transpose()?),
            ),
        );
    }
    out.push_str("    }\n}\n");
    Ok(())
}

/// The second sum's class of every event kind; no other list has classes.
fn write_classes(out: &mut String, lists: &BTreeMap<&str, CodeList>) -> Result<()> {
    for (name, list) in lists {
        for code in &list.code {
            if code.class.is_some() != (*name == "event_kind") {
                return Err(format!(
                    "{name}.toml: code {:?}: every event kind has a class, and no other code",
                    code.code.get_ref()
                ));
            }
        }
    }
    let kinds = lists.get("event_kind").ok_or("taxonomy.toml: no axis has the list event_kind")?;
    line(out, format_args!("const EVENT_CLASSES: [EventClass; {}] = [", kinds.code.len()));
    for class in kinds.code.iter().filter_map(|code| code.class) {
        line(out, format_args!("    EventClass::{class:?},"));
    }
    out.push_str("];\n");
    Ok(())
}

fn write_regimes(out: &mut String, data: &Path) -> Result<()> {
    let (file, regimes) = Source::read::<Regimes>(data, "priority_regime.toml")?;
    let mut seen = BTreeSet::new();
    let mut free_from = None; // the first day after the regime before; never free again after an open one
    out.push_str("/// The priority regimes, oldest first; they never overlap.\npub static REGIMES: &[Regime] = &[\n");
    for regime in &regimes.regime {
        file.new_name(&regime.name, &mut seen)?;
        let days = |date: &Datetime| date.date.map(|day| (day.year, day.month, day.day));
        let last = regime.to.as_ref().map_or(Some((u16::MAX, 12, 31)), days);
        if days(&regime.from) <= free_from || last < days(&regime.from) || days(&regime.from) < days(&regime.issued) {
            return Err(file.at(
                &regime.name,
                "regimes stand oldest first, do not overlap, and are issued before they begin and end",
            ));
        }
        free_from = last;
        line(
            out,
            format_args!(
                "    Regime {{ name: {:?}, label: {}, issued: {}, from: {}, to: {}, numbered: {}, source: {:?}, note: {:?} }},",
                regime.name.get_ref(),
                text2(&regime.label_en, &regime.label_es),
                file.date(&regime.name, &regime.issued)?,
                file.date(&regime.name, &regime.from)?,
                optional(regime.to.as_ref().map(|to| file.date(&regime.name, to)).transpose()?),
                regime.numbered,
                regime.source,
                regime.note,
            ),
        );
    }
    out.push_str("];\n");
    Ok(())
}

fn write_crosswalk(out: &mut String, data: &Path, lists: &BTreeMap<&str, CodeList>) -> Result<()> {
    let (file, crosswalk) = Source::read::<Crosswalk>(data, "crosswalk.toml")?;
    line(
        out,
        format_args!("/// Version of the crosswalks.\npub const CROSSWALK_VERSION: &str = {:?};", crosswalk.version),
    );
    write_list(
        out,
        &file,
        "ice_group",
        "Groups of ICE's apprehension methods, as the Deportation Data Project makes them.",
        &crosswalk.ice_group,
    )?;
    write_list(out, &file, "icewatch_place", "Filters of the ICEwatch map, by place.", &crosswalk.icewatch_place)?;
    write_list(out, &file, "icewatch_tactic", "Filters of the ICEwatch map, by tactic.", &crosswalk.icewatch_tactic)?;

    let codes = |list: &str| {
        lists.get(list).map(|list| list.code.as_slice()).ok_or(format!("taxonomy.toml: no axis has the list {list}"))
    };
    let (settings, tactics) = (codes("setting")?, codes("tactic")?);

    out.push_str("/// ICE's apprehension methods.\npub static ICE_METHODS: &[IceMethod] = &[\n");
    let mut seen = BTreeSet::new();
    for method in &crosswalk.ice_method {
        if !seen.insert(method.method.get_ref().to_lowercase()) {
            return Err(file.at(&method.method, "the method is there twice"));
        }
        let setting = method.setting.as_ref().map(|code| file.lookup("Setting", settings, code)).transpose()?;
        let tactic = method.tactic.as_ref().map(|code| file.lookup("Tactic", tactics, code)).transpose()?;
        line(
            out,
            format_args!(
                "    IceMethod {{ name: {:?}, group: {}, setting: {}, tactic: {} }},",
                method.method.get_ref(),
                file.lookup("IceGroup", &crosswalk.ice_group, &method.group)?,
                optional(setting),
                optional(tactic),
            ),
        );
    }
    out.push_str(
        "];\n/// Breaks in ICE's series that a brief must print.\npub static SERIES_BREAKS: &[SeriesBreak] = &[\n",
    );
    for brk in &crosswalk.series_break {
        line(
            out,
            format_args!(
                "    SeriesBreak {{ name: {:?}, earliest: {}, latest: {}, note: {} }},",
                brk.name.get_ref(),
                file.date(&brk.name, &brk.earliest)?,
                file.date(&brk.name, &brk.latest)?,
                text2(&brk.note_en, &brk.note_es),
            ),
        );
    }
    out.push_str("];\n");

    let filters = |ty, filters, of, codes, groups, all| write_filters(&file, ty, filters, of, codes, groups, all);
    out.push_str(&filters(
        "IcewatchPlace",
        &crosswalk.icewatch_place,
        "Setting",
        settings,
        &crosswalk.icewatch_setting,
        true,
    )?);
    out.push_str(&filters(
        "IcewatchTactic",
        &crosswalk.icewatch_tactic,
        "Tactic",
        tactics,
        &crosswalk.icewatch_tactics,
        false,
    )?);
    Ok(())
}

/// A table from each of our codes (by index) to its filter. With `all` every code must stand somewhere, if only in `none`.
fn write_filters(
    file: &Source,
    ty: &str,
    filters: &[Code],
    of: &str,
    codes: &[Code],
    groups: &BTreeMap<String, Vec<Spanned<String>>>,
    all: bool,
) -> Result<String> {
    let mut filter_of = BTreeMap::new();
    for (filter, members) in groups {
        let target = match filters.iter().find(|code| code.code.get_ref() == filter) {
            Some(code) => format!("Some({ty}::{})", variant(code)),
            None if filter == "none" => "None".to_owned(),
            None => return Err(format!("{}: {filter:?} is no filter of {ty}", file.name)),
        };
        for member in members {
            file.lookup(of, codes, member)?;
            if filter_of.insert(member.get_ref().as_str(), target.clone()).is_some() {
                return Err(file.at(member, "the code has two filters"));
            }
        }
    }
    let mut out = format!("const {}: [Option<{ty}>; {}] = [\n", format!("{of}_FILTERS").to_uppercase(), codes.len());
    for code in codes {
        match filter_of.get(code.code.get_ref().as_str()) {
            Some(target) => line(&mut out, format_args!("    {target},")),
            None if all => {
                return Err(format!("{}: {of} {:?} has no filter, nor stands in none", file.name, code.code.get_ref()));
            }
            None => out.push_str("    None,\n"),
        }
    }
    out.push_str("];\n");
    Ok(out)
}

/// A file beside the others that no axis names would be data without effect.
fn no_file_unused(data: &Path, lists: &BTreeMap<&str, CodeList>) -> Result<()> {
    let entries = fs::read_dir(data).map_err(|error| format!("{}: {error}", data.display()))?;
    for entry in entries {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let name = name.to_string_lossy();
        let known = ["taxonomy.toml", "priority_regime.toml", "crosswalk.toml"].contains(&name.as_ref());
        if let Some(list) = name.strip_suffix(".toml")
            && !known
            && !lists.contains_key(list)
        {
            return Err(format!("{name}: no axis of taxonomy.toml has this list"));
        }
    }
    Ok(())
}

/// A data file, kept to tell the line of what is wrong in it.
struct Source {
    name: String,
    text: String,
}

impl Source {
    fn read<T: DeserializeOwned>(data: &Path, name: &str) -> Result<(Self, T)> {
        let name = name.to_owned();
        let text = fs::read_to_string(data.join(&name)).map_err(|error| format!("{name}: {error}"))?;
        let value = toml::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
        Ok((Self { name, text }, value))
    }

    /// `file:line: "value": problem`.
    fn at(&self, value: &Spanned<String>, problem: &str) -> String {
        let line = self.text[..value.span().start].lines().count();
        format!("{}:{line}: {:?}: {problem}", self.name, value.get_ref())
    }

    /// Checks that a name can be a stable identifier and is new.
    fn new_name<'a>(&self, name: &'a Spanned<String>, seen: &mut BTreeSet<&'a str>) -> Result<()> {
        let text = name.get_ref().as_str();
        if text.is_empty() || !text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            return Err(self.at(name, "a name is made of a-z, 0-9 and _"));
        }
        if !seen.insert(text) {
            return Err(self.at(name, "the name is there twice"));
        }
        Ok(())
    }

    /// The Rust path of a code that must be in the list.
    fn lookup(&self, ty: &str, codes: &[Code], code: &Spanned<String>) -> Result<String> {
        match codes.iter().find(|known| known.code.get_ref() == code.get_ref()) {
            Some(known) => Ok(format!("{ty}::{}", variant(known))),
            None => Err(self.at(code, &format!("no code of {ty}"))),
        }
    }

    /// A call of the library's `const fn date`.
    fn date(&self, owner: &Spanned<String>, date: &Datetime) -> Result<String> {
        match (date.date, date.time) {
            (Some(day), None) => Ok(format!("date({}, {}, {})", day.year, day.month, day.day)),
            _ => Err(self.at(owner, "its dates are days, without a time")),
        }
    }
}

fn variant(code: &Code) -> String {
    code.variant.clone().unwrap_or_else(|| pascal(code.code.get_ref()))
}

/// `court_type` becomes `CourtType`, `i_247a` becomes `I247a`.
fn pascal(code: &str) -> String {
    let mut name = String::new();
    for word in code.split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

fn text2(en: &str, es: &str) -> String {
    format!("Text2 {{ en: {en:?}, es: {es:?} }}")
}

fn optional(value: Option<String>) -> String {
    value.map_or("None".to_owned(), |value| format!("Some({value})"))
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a String cannot fail");
}
