//! Which column leads to which field: each pair is weighed by the header's words and by the values, the best pair goes
//! first, and what is left over is left out with its reason.
//!
//! What always holds: a column that looks private leads to no field; a field that takes one value gets one column; the
//! same columns give the same answer.

use std::collections::BTreeMap;

use schemas::provenance::Field;
use schemas::report::{AXES, COUNTS};

use super::profile::{Profile, Separator, Words};
use super::words::{self, Meaning, Target};
use crate::channels::file::mapping;

/// A column as it was sampled.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) header: String,
    /// The field of its HXL tag.
    pub(super) tagged: Option<&'static str>,
    pub(super) profile: Profile,
    /// How many columns have this header.
    pub(super) namesakes: usize,
}

/// What is to become of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) field: Option<&'static str>,
    /// Why, for people.
    pub(super) why: String,
    /// What it holds, where that is private.
    pub(super) private: Option<&'static str>,
    /// A field that it could lead to if the operator wants so.
    pub(super) could_be: Option<&'static str>,
}

/// How well the values of a column suit a field.
enum Fit {
    /// As much for it.
    For(i32),
    /// Not at all, because.
    Not(String),
}

/// A pair of a column and a field.
struct Pair {
    column: usize,
    field: &'static str,
    score: i32,
    /// What speaks for it.
    header: bool,
    values: bool,
}

const BY_OWN_NAME: i32 = 60;
const BY_TAG: i32 = 50;
/// What a header must have of a phrase to count without any help of the values.
const ENOUGH: i32 = 2;

/// For each column, what is to become of it.
pub(super) fn guess(columns: &[Column], rows: u32) -> Vec<Guess> {
    let mut guesses: Vec<Option<Guess>> = columns.iter().map(private).collect();
    let mut refused: BTreeMap<usize, (i32, &'static str, String)> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (at, column) in columns.iter().enumerate().filter(|(at, _)| guesses[*at].is_none()) {
        weigh(at, column, rows, &mut pairs, &mut refused);
    }
    by_values_alone(columns, &guesses, &mut pairs);
    // Latitude and longitude go together.
    for (one, other) in [("lat", "lon"), ("lon", "lat")] {
        if !pairs.iter().any(|pair| pair.field == other) {
            pairs.retain(|pair| pair.field != one);
        }
    }
    pairs.sort_by_key(|pair| (std::cmp::Reverse(pair.score), pair.column, pair.field));
    let mut taken: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut lost: BTreeMap<usize, (&'static str, usize)> = BTreeMap::new();
    for pair in &pairs {
        if guesses[pair.column].is_some() {
            continue;
        }
        if let Some(winner) = taken.get(pair.field).filter(|_| !mapping::takes_several(pair.field)) {
            lost.entry(pair.column).or_insert((pair.field, *winner));
            continue;
        }
        taken.insert(pair.field, pair.column);
        let why = match (pair.header, pair.values) {
            (true, true) => "by its header and its values",
            (true, false) => "by its header",
            _ => "by its values alone: look at it twice",
        };
        guesses[pair.column] = Some(Guess { field: Some(pair.field), why: why.into(), private: None, could_be: None });
    }
    let finish = |(at, guess): (usize, Option<Guess>)| {
        guess.unwrap_or_else(|| left_out(&columns[at], lost.get(&at), refused.get(&at), columns))
    };
    guesses.into_iter().enumerate().map(finish).collect()
}

/// What is left out whatever else speaks for it.
fn private(column: &Column) -> Option<Guess> {
    let profile = &column.profile;
    let left =
        |why: String, what: Option<&'static str>, could_be| Some(Guess { field: None, why, private: what, could_be });
    if column.header.is_empty() {
        return left("it has no header, so nothing can be said of it".into(), None, None);
    }
    if profile.filled == 0 {
        return left("it is empty in all rows that were read".into(), None, None);
    }
    let targets = words::header_targets(&column.header);
    let best_of = |private: bool| {
        let fitting = targets.iter().filter(|(target, _)| matches!(target, Target::Private(_)) == private);
        fitting.max_by_key(|(_, score)| **score).map(|(target, score)| (*target, *score))
    };
    let field_score = best_of(false).map_or(0, |(_, score)| score);
    let own = schemas::wire::is_field(&mapping::own_field(&column.header));
    if own && mapping::own_field(&column.header) == "contact" {
        return None;
    }
    let (phones, emails) = (profile.are_phones(), profile.are_emails());
    if phones || emails {
        let what = if phones { "phone numbers" } else { "e-mail addresses or handles" };
        return left(format!("it looks like {what}"), Some(what), Some("contact"));
    }
    if let Some((Target::Private(what), score)) = best_of(true)
        && score >= field_score
        && column.tagged.is_none()
        && !(own && field_score > 0)
    {
        // A column of narratives or codes under such a header ("Reporter's account") is what its values are.
        let coded = AXES.iter().any(|field| known_share(profile, *field) >= 0.8 && known_kinds(profile, *field) >= 2);
        let text = profile.is_text() && score <= field_score;
        if !text && !coded {
            let contact = matches!(what, "phone numbers" | "e-mail addresses or handles").then_some("contact");
            let id = (what == "numbers of cases" && profile.is_unique()).then_some("external_id");
            let why = match id {
                Some(_) => format!(
                    "its header speaks of {what}; take it as the id only if it is a number of your own, never a court's"
                ),
                None => format!("its header speaks of {what}"),
            };
            return left(why, Some(what), contact.or(id));
        }
    }
    if profile.are_links() {
        return left("it looks like links".into(), Some("photos, videos or links"), None);
    }
    let place = targets.keys().any(|target| matches!(target, Target::Field("place" | "state")));
    if profile.are_names() && !place && profile.share(profile.states) < 0.5 {
        return left("it looks like names of people".into(), Some("names of people"), None);
    }
    if column.namesakes > 1 && !targets.keys().any(|t| matches!(t, Target::Field(f) if mapping::takes_several(f))) {
        let why = format!("{} columns have this header; give each its own to use one", column.namesakes);
        return left(why, None, None);
    }
    if profile.nested > 0 && !targets.keys().any(|t| matches!(t, Target::Field(f) if is_count(f))) {
        return left("its values are lists or objects".into(), None, None);
    }
    None
}

/// Every field that the header speaks of, with what the values say to it.
fn weigh(
    at: usize,
    column: &Column,
    rows: u32,
    pairs: &mut Vec<Pair>,
    refused: &mut BTreeMap<usize, (i32, &'static str, String)>,
) {
    let mut scores: BTreeMap<&'static str, i32> = BTreeMap::new();
    for (target, score) in words::header_targets(&column.header) {
        if let Target::Field(field) = target {
            scores.insert(field, score);
        }
    }
    let own = mapping::own_field(&column.header);
    if let Some(field) = all_fields().find(|field| *field == own) {
        scores.insert(field, BY_OWN_NAME);
    }
    if let Some(field) = column.tagged {
        scores.entry(field).or_insert(BY_TAG);
    }
    for (field, score) in scores {
        match fit(field, &column.profile, rows) {
            Fit::For(more) if score + more >= ENOUGH => {
                pairs.push(Pair { column: at, field, score: score + more, header: true, values: more > 0 });
            }
            Fit::For(_) => {}
            Fit::Not(why) => {
                if refused.get(&at).is_none_or(|(before, ..)| score > *before) {
                    refused.insert(at, (score, field, why));
                }
            }
        }
    }
}

/// What values say where no header speaks: only what hardly means anything else.
fn by_values_alone(columns: &[Column], guesses: &[Option<Guess>], pairs: &mut Vec<Pair>) {
    let open: Vec<usize> = (0..columns.len())
        .filter(|at| guesses[*at].is_none() && !pairs.iter().any(|pair| pair.column == *at))
        .filter(|at| columns[*at].namesakes == 1 && columns[*at].profile.nested == 0)
        .collect();
    let mut found = Vec::new();
    let headed = |field: &str| pairs.iter().any(|pair| pair.field == field);
    let dated = |at: &&usize| columns[**at].profile.share(columns[**at].profile.dates) >= 0.9;
    if let (1, false, Some(at)) = (open.iter().filter(dated).count(), headed("occurred"), open.iter().find(dated)) {
        found.push((*at, "occurred", 3));
    }
    for at in open {
        let profile = &columns[at].profile;
        for field in AXES {
            // A word or two may be anybody's; a list of codes is not.
            if known_share(profile, *field) >= 0.8 && known_kinds(profile, *field) >= 2 {
                #[expect(clippy::cast_possible_truncation, reason = "0 to 1, times five")]
                let score = 4 + (known_share(profile, *field) * 5.0) as i32;
                found.push((at, field.as_str(), score));
            }
        }
        if profile.share(profile.states) >= 0.95 && profile.longest > 1 {
            found.push((at, "state", 8));
        }
        if profile.is_text() {
            found.push((at, "narrative", 5));
        }
        if profile.share(profile.places) >= 0.8 && !headed("place") && !profile.is_text() {
            found.push((at, "place", 4));
        }
    }
    pairs.extend(found.into_iter().map(|(column, field, score)| Pair {
        column,
        field,
        score,
        header: false,
        values: true,
    }));
}

fn left_out(
    column: &Column,
    lost: Option<&(&'static str, usize)>,
    refused: Option<&(i32, &'static str, String)>,
    columns: &[Column],
) -> Guess {
    let profile = &column.profile;
    let left = |why: String, could_be| Guess { field: None, why, private: None, could_be };
    if let Some((field, winner)) = lost {
        let other = super::quoted(&columns[*winner].header);
        return left(format!("{field} takes one column, and {other} suits it better"), Some(*field));
    }
    if let Some((_, field, why)) = refused {
        return left(format!("its header speaks of {field}, but {why}"), None);
    }
    if profile.share(profile.clocks) >= 0.5 {
        let why = "a time of day alone; to keep it, put it behind the date, in one cell";
        return left(why.into(), None);
    }
    if profile.share(profile.yes_or_no) >= 0.8 {
        return left("yes or no; no field takes that".into(), None);
    }
    if profile.share(profile.dates) >= 0.8 {
        return left("dates; of what, neither header nor values say".into(), Some("occurred"));
    }
    if profile.share(profile.pairs) >= 0.5 {
        return left("a point in one cell; give latitude and longitude a column each to use it".into(), None);
    }
    if profile.share(profile.places) >= 0.6 {
        return left("places; of what, its header does not say".into(), Some("place"));
    }
    left("neither its header nor its values say what it is".into(), None)
}

pub(super) fn all_fields() -> impl Iterator<Item = &'static str> {
    schemas::wire::PLAIN_FIELDS.iter().copied().chain(AXES.iter().chain(COUNTS).map(|field| field.as_str()))
}

pub(super) fn is_count(field: &str) -> bool {
    COUNTS.iter().any(|count| count.as_str() == field)
}

/// The axis of a field, if it has codes.
pub(super) fn axis_of(field: &str) -> Option<Field> {
    Field::from_name(field).filter(|field| AXES.contains(field))
}

/// The words of a column of codes: whole cells, or what a separator makes of them.
pub(super) fn words_of(profile: &Profile, axis: Field) -> (&Words, Option<Separator>) {
    if !mapping::takes_several(axis.as_str()) {
        return (&profile.cells, None);
    }
    let known = |words: &Words| {
        let rows: u32 =
            words.iter().filter(|(word, _)| words::meaning(axis, word).is_some()).map(|(_, rows)| rows).sum();
        let all: u32 = words.iter().map(|(_, rows)| rows).sum();
        if all == 0 { 0.0 } else { f64::from(rows) / f64::from(all) }
    };
    // The separator that makes most known words; the import's own choice where they are the same.
    let mut best = (&profile.cells, None, known(&profile.cells));
    for (i, separator) in Separator::ALL.into_iter().enumerate().filter(|(i, _)| profile.separated[*i] > 0) {
        let share = known(&profile.pieces[i]);
        if share > best.2 || best.0.are_over() {
            best = (&profile.pieces[i], Some(separator), share);
        }
    }
    (best.0, best.1)
}

/// The part of a column's words that mean something on an axis, by rows.
fn known_share(profile: &Profile, axis: Field) -> f64 {
    let (mut known, mut all) = (0u32, 0u32);
    for (word, rows) in words_of(profile, axis).0.iter() {
        match words::meaning(axis, word) {
            Some(Meaning::Nothing) => {}
            Some(_) => (known, all) = (known + rows, all + rows),
            None => all += rows,
        }
    }
    // ICE's methods say something of every arrest, if seldom a setting.
    if axis == Field::Setting && profile.share(profile.ice_methods) >= 0.8 {
        return profile.share(profile.ice_methods);
    }
    if all == 0 { 0.0 } else { f64::from(known) / f64::from(all) }
}

/// How many different codes of an axis a column has; yes and no are none.
fn known_kinds(profile: &Profile, axis: Field) -> usize {
    let mut codes = std::collections::BTreeSet::new();
    for (word, _) in words_of(profile, axis).0.iter() {
        if let Some(Meaning::Itself(code) | Meaning::Code(code)) = words::meaning(axis, word)
            && !words::NO.contains(&words::fold(word).as_str())
        {
            codes.insert(code);
        }
    }
    codes.len()
}

fn fit(field: &'static str, profile: &Profile, rows: u32) -> Fit {
    let not = |why: &str| Fit::Not(why.to_owned());
    let share = |counted: u32| profile.share(counted);
    let at_least = |counted: u32, least: f64, why: &str| match share(counted) >= least {
        true => Fit::For(15),
        false => Fit::Not(why.to_owned()),
    };
    let percent = |counted: u32| format!("{:.0} %", (share(counted) * 100.0).floor());
    if matches!(field, "reported_at" | "occurred") && share(profile.yes_or_no) >= 0.8 {
        return not("its values are yes or no; no field takes that");
    }
    match field {
        "external_id" => {
            if profile.filled < rows {
                return Fit::Not(format!("{} rows have none", rows - profile.filled));
            }
            if !profile.is_unique() {
                return Fit::Not(format!("{} rows share {} values", profile.filled, profile.different()));
            }
            if profile.longest > 64 || profile.is_text() {
                return not("its values are too long for an id");
            }
            Fit::For(10)
        }
        "incident_id" => match profile.longest > 64 || profile.is_text() {
            true => not("its values are too long for an id"),
            false => Fit::For(2),
        },
        "reported_at" => {
            let read = profile.instants.max(profile.instants_day_first);
            if share(read) >= 0.9 {
                return Fit::For(12);
            }
            if share(profile.clocks) >= 0.5 {
                return not("it holds a time of day alone; to keep it, put it behind the date, in one cell");
            }
            Fit::Not(format!(
                "only {} of its values are full dates, and every row without one would be rejected",
                percent(read)
            ))
        }
        "occurred" => {
            if share(profile.dates) >= 0.5 {
                return Fit::For(12);
            }
            if share(profile.clocks) >= 0.5 {
                return not("it holds a time of day alone; to keep it, put it behind the date, in one cell");
            }
            if share(profile.dates) < 0.2 {
                return not("its values are no dates");
            }
            Fit::For(1)
        }
        "place" => {
            if share(profile.dates) >= 0.5
                || share(profile.latitudes) >= 0.5
                || profile.is_text() && share(profile.places) < 0.3
            {
                return not("its values are no places");
            }
            if known_share(profile, Field::Setting) >= 0.6 && share(profile.places) < 0.3 {
                return not("its values are kinds of places");
            }
            if share(profile.counties) >= 0.8 && share(profile.zips) < 0.8 {
                return not("its values are numbers of counties");
            }
            #[expect(clippy::cast_possible_truncation, reason = "0 to 1, times ten")]
            Fit::For((share(profile.places) * 10.0) as i32 + 1)
        }
        "state" => at_least(profile.states, 0.95, "not all of its values are states, and those rows would be rejected"),
        "county_fips" => at_least(
            profile.counties,
            0.95,
            "not all of its values are numbers of counties, and those rows would be rejected",
        ),
        "lat" => at_least(profile.latitudes, 0.95, "its values are no degrees"),
        "lon" => at_least(profile.longitudes, 0.95, "its values are no degrees"),
        "narrative" => {
            if profile.is_text() {
                // Of several the longest tells most.
                return Fit::For(12 + i32::try_from(profile.mean_length() / 50).unwrap_or(8).min(8));
            }
            let other = [profile.dates, profile.clocks, profile.yes_or_no].into_iter().any(|n| share(n) >= 0.6);
            if other || profile.whole_share() >= 0.5 {
                return not("its values are no text");
            }
            match profile.mean_length() >= 15 {
                true => Fit::For(4),
                false => Fit::For(-6),
            }
        }
        "language" => at_least(profile.languages, 0.5, "its values are not English or Spanish"),
        "contact" => Fit::For(1),
        _ => match axis_of(field) {
            Some(axis) => fit_codes(axis, profile),
            None if profile.nested > 0 => Fit::For(5),
            None if profile.count_share() >= 0.7 => Fit::For(10),
            None => {
                Fit::Not(format!("only {:.0} % of its values are numbers of something", profile.count_share() * 100.0))
            }
        },
    }
}

fn fit_codes(axis: Field, profile: &Profile) -> Fit {
    if profile.is_text() {
        return Fit::Not("its values are running text, not codes".into());
    }
    let yes_or_no = profile.share(profile.yes_or_no) >= 0.7;
    if axis == Field::Review && yes_or_no {
        return Fit::For(8);
    }
    if yes_or_no {
        return Fit::Not("its values are yes or no".into());
    }
    if profile.share(profile.dates) >= 0.5 || profile.whole_share() >= 0.5 {
        return Fit::Not("its values are dates or numbers, not codes".into());
    }
    let (words, _) = words_of(profile, axis);
    let share = known_share(profile, axis);
    if words.are_over() || (share < 0.2 && words.len() > 40) {
        return Fit::Not(format!("it has too many different values to be codes ({})", profile.different()));
    }
    let read_out = || {
        words
            .iter()
            .take(40)
            .any(|(word, _)| words::read_out(word).is_some_and(|codes| words::only_code(&codes, axis).is_some()))
    };
    match share {
        share if share >= 0.5 => Fit::For(12),
        share if share > 0.0 => Fit::For(5),
        _ if read_out() => Fit::For(2),
        _ => Fit::Not("none of its values is a word for a code that we know".into()),
    }
}
