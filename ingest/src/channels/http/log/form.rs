//! What the forms ask, and how what was typed becomes a report in wire form.
//!
//! What always holds: a field of a form is a field of the wire form, under the same name; codes, their labels and their
//! definitions are the taxonomy's; what is left empty is left out, so that the worker infers it from the text or leaves it
//! unknown; what was typed is kept as it was typed, so that a form that is refused comes back whole.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemas::reject::{Reject, RejectCode};
use schemas::taxonomy::{self, AxisInfo, CodeInfo};
use schemas::wire::WireReport;
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One call, as it is told.
    Quick,
    /// One event at a court, in codes alone.
    Courthouse,
}

/// How a field is answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    /// In words.
    Words,
    /// By one code of the axis that the field names.
    Code(Offer),
    /// By any number of codes.
    Codes(Offer),
}

/// Which codes a form offers, in the order of the taxonomy.
#[derive(Debug, Clone, Copy)]
pub(super) enum Offer {
    All,
    /// All but `unknown`: for a form, what is not chosen is not known.
    Known,
    Only(&'static [&'static str]),
}

/// A field of a form.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) answer: Answer,
}

const fn words(name: &'static str) -> Field {
    Field { name, answer: Answer::Words }
}

const fn code(name: &'static str, offer: Offer) -> Field {
    Field { name, answer: Answer::Code(offer) }
}

const fn codes(name: &'static str, offer: Offer) -> Field {
    Field { name, answer: Answer::Codes(offer) }
}

const QUICK: &[Field] =
    &[words("narrative"), words("place"), words("occurred"), code("event_kind", Offer::Known), words("contact")];

const COURTHOUSE: &[Field] = &[
    code("event_kind", Offer::Only(COURT_KINDS)),
    words("occurred"),
    words("place"),
    code("setting", Offer::Only(&["courthouse", "immigration_court"])),
    code("place_relation", Offer::Known),
    code("court_type", Offer::All),
    code("court_stage", Offer::Known),
    code("court_role", Offer::All),
    code("case_level", Offer::Known),
    words("agents"),
    words("persons_arrested"),
    code("agency_claimed", Offer::Known),
    code("agency_assessed", Offer::Known),
    codes("authority_shown", Offer::All),
    codes("tactics", Offer::Only(COURT_TACTICS)),
    code("outcome", Offer::Known),
    words("narrative"),
];

/// What happens at courts.
const COURT_KINDS: &[&str] = &["arrest", "attempted_arrest", "sighting", "surveillance", "detainer_or_transfer"];

/// What a lawyer sees at a court: others are told in the note.
const COURT_TACTICS: &[&str] = &[
    "ruse_police",
    "refused_identification",
    "plainclothes",
    "masked",
    "unmarked_vehicle",
    "physical_surveillance",
    "local_police_assist",
    "court_staff_assist",
    "prosecutor_assist",
    "warrant_not_shown",
    "collateral_arrest",
    "companion_or_witness_arrest",
    "dismissal_then_arrest",
    "force_restraint",
    "force_weapon_drawn",
    "force_injury",
    "family_present",
    "children_present",
    "counsel_obstructed",
    "filming_obstructed",
];

impl Form {
    pub(super) const ALL: [Self; 2] = [Self::Quick, Self::Courthouse];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Courthouse => "courthouse",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Quick => "/log",
            Self::Courthouse => "/log/courthouse",
        }
    }

    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Self::Quick => QUICK,
            Self::Courthouse => COURTHOUSE,
        }
    }

    /// The form before anything is typed.
    pub(super) fn empty(self) -> Typed {
        let mut typed = Typed { form: self, answers: BTreeMap::new() };
        if self == Self::Courthouse {
            typed.answers.insert("setting", vec!["courthouse".into()]);
        }
        typed
    }

    /// The field to blame when the report as a whole says too little.
    const fn first(self) -> &'static str {
        match self {
            Self::Quick => "narrative",
            Self::Courthouse => "event_kind",
        }
    }
}

impl Field {
    /// The axis whose codes answer it.
    pub(super) fn axis(&self) -> Option<&'static AxisInfo> {
        match self.answer {
            Answer::Words => None,
            Answer::Code(_) | Answer::Codes(_) => taxonomy::axis(self.name),
        }
    }

    /// The codes that it offers on a day.
    pub(super) fn offered(&self, today: NaiveDate) -> impl Iterator<Item = &'static CodeInfo> {
        let (all, offer) = match self.answer {
            Answer::Words => (None, Offer::All),
            Answer::Code(offer) | Answer::Codes(offer) => (self.axis(), offer),
        };
        all.map_or(&[][..], |axis| axis.codes).iter().filter(move |info| {
            info.in_use(today)
                && match offer {
                    Offer::All => true,
                    Offer::Known => info.code != "unknown",
                    Offer::Only(list) => list.contains(&info.code),
                }
        })
    }
}

/// What was typed into a form. It is private text: it is not printed, and wiped when it is dropped.
pub(super) struct Typed {
    form: Form,
    answers: BTreeMap<&'static str, Vec<String>>,
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.answers.values_mut().flatten().for_each(Zeroize::zeroize);
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) field: &'static str,
    pub(super) code: RejectCode,
}

impl Typed {
    /// Takes what belongs to the form out of a body's pairs. Line ends become `\n`, as they were typed.
    pub(super) fn read(form: Form, pairs: &[(String, String)]) -> Self {
        let mut answers: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for field in form.fields() {
            let given =
                pairs.iter().filter(|(name, _)| name == field.name).map(|(_, value)| value.replace("\r\n", "\n"));
            let given = match field.answer {
                Answer::Codes(_) => given.take(64).collect(),
                Answer::Words | Answer::Code(_) => given.take(1).collect(),
            };
            answers.insert(field.name, given);
        }
        Self { form, answers }
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    /// What was typed into a field.
    pub(super) fn text(&self, field: &str) -> &str {
        self.answers.get(field).and_then(|given| given.first()).map_or("", String::as_str)
    }

    /// Whether a code was chosen.
    pub(super) fn chose(&self, field: &str, code: &str) -> bool {
        self.answers.get(field).is_some_and(|given| given.iter().any(|c| c == code))
    }

    /// The report in wire form but for its id, or all that is wrong with it, in the order of the form.
    pub(super) fn report(&self) -> Result<Map<String, Value>, Vec<Problem>> {
        let mut map = Map::new();
        let mut problems = Vec::new();
        for field in self.form.fields() {
            let Some(value) = self.value(field) else { continue };
            // Each field is checked by the same code as a report's, alone, so that all mistakes are told at once.
            let mut alone = Map::from_iter([("event_kind".into(), Value::from("unknown"))]);
            alone.insert(field.name.into(), value.clone());
            if let Err(reject) = WireReport::from_object(&alone) {
                problems.push(Problem { field: field.name, code: reject.code });
            }
            map.insert(field.name.into(), value);
        }
        if problems.is_empty()
            && let Err(reject) = WireReport::from_object(&map)
        {
            problems.push(self.problem(&reject));
        }
        if problems.is_empty() { Ok(map) } else { Err(problems) }
    }

    fn value(&self, field: &Field) -> Option<Value> {
        match field.answer {
            Answer::Codes(_) => {
                let chosen = self.answers.get(field.name).filter(|given| !given.is_empty())?;
                Some(chosen.iter().map(|code| Value::from(code.as_str())).collect())
            }
            Answer::Words | Answer::Code(_) => {
                let text = self.text(field.name);
                (!text.trim().is_empty()).then(|| Value::from(text))
            }
        }
    }

    /// A reject of the whole, on the field of the form that it is about.
    pub(super) fn problem(&self, reject: &Reject) -> Problem {
        let named = self.form.fields().iter().find(|field| reject.field.as_deref() == Some(field.name));
        Problem { field: named.map_or(self.form.first(), |field| field.name), code: reject.code }
    }

    /// Puts a space in place of each character that no report may hold: it cannot be seen, so the person who typed or
    /// pasted it could not take it out.
    pub(super) fn without_controls(mut self) -> Self {
        for text in self.answers.values_mut().flatten() {
            *text = text
                .chars()
                .map(|c| if c.is_control() && !matches!(c, '\t' | '\n' | '\r') { ' ' } else { c })
                .collect();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(form: Form, pairs: &[(&str, &str)]) -> Typed {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Typed::read(form, &pairs)
    }

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 20).expect("a day")
    }

    #[test]
    fn every_field_is_one_of_the_wire_form_and_every_offer_is_a_code() {
        for form in Form::ALL {
            for field in form.fields() {
                assert!(schemas::wire::is_field(field.name), "{}", field.name);
                let (Answer::Code(offer) | Answer::Codes(offer)) = field.answer else { continue };
                let axis = field.axis().expect("an axis");
                assert_eq!(axis.multiple, matches!(field.answer, Answer::Codes(_)), "{}", field.name);
                if let Offer::Only(list) = offer {
                    assert!(list.iter().all(|code| axis.code(code).is_some()), "{}", field.name);
                    assert_eq!(field.offered(day()).count(), list.len());
                }
            }
        }
        let authority = COURTHOUSE.iter().find(|field| field.name == "authority_shown").expect("asked");
        assert!(authority.offered(day()).all(|info| info.code != "i_247_other"), "a form out of use is not offered");
    }

    #[test]
    fn what_is_empty_is_left_out_and_what_is_no_field_of_the_form_is_not_taken() {
        let typed = typed(
            Form::Quick,
            &[("narrative", "a\r\nb"), ("place", " "), ("event_kind", ""), ("review", "confirmed"), ("narrative", "c")],
        );
        let map = typed.report().expect("a report");
        assert_eq!(Value::Object(map), serde_json::json!({"narrative": "a\nb"}));
    }

    #[test]
    fn all_mistakes_are_told_at_once_in_the_order_of_the_form() {
        let long = "a".repeat(501);
        let pairs = [("narrative", "a\0"), ("place", long.as_str()), ("event_kind", "riot")];
        let problems = typed(Form::Quick, &pairs).report().expect_err("refused");
        let told: Vec<_> = problems.iter().map(|p| (p.field, p.code)).collect();
        assert_eq!(
            told,
            [
                ("narrative", RejectCode::ControlCharacter),
                ("place", RejectCode::TooLong),
                ("event_kind", RejectCode::BadCode)
            ]
        );
        assert!(typed(Form::Quick, &pairs[..1]).without_controls().report().is_ok());
        for form in Form::ALL {
            let problems = form.empty().report().expect_err("nothing reported");
            assert_eq!(problems, [Problem { field: form.first(), code: RejectCode::NothingReported }]);
        }
    }

    #[test]
    fn codes_of_a_court_come_out_as_they_were_chosen() {
        let pairs = [
            ("event_kind", "arrest"),
            ("setting", "immigration_court"),
            ("tactics", "plainclothes"),
            ("tactics", "masked"),
            ("agents", "5 to 6"),
            ("contact", "555-0101"),
        ];
        let map = typed(Form::Courthouse, &pairs).report().expect("a report");
        let expected = serde_json::json!({
            "event_kind": "arrest", "setting": "immigration_court", "tactics": ["plainclothes", "masked"],
            "agents": "5 to 6"
        });
        assert_eq!(Value::Object(map), expected, "this form has no contact");
    }
}
