//! What a narrative says, and what may be kept of it.
//!
//! What always holds: a code that the source gave itself stands, whatever the text says; each inferred code names its rule
//! and the stretch that gave it; what is kept is redacted, and looked at once more by other eyes; a text in which those
//! still find something private is not stored at all.

use std::borrow::Cow;
use std::cell::RefCell;

use schemas::Language;
use schemas::provenance::{Field, Origin, Provenance};
use schemas::redaction::Redaction;
use schemas::reject::{Reject, RejectCode};
use schemas::report::{Codes, Counts};
use schemas::taxonomy::{CodeAxis, Setting};

use super::text::{Inferred, Reading, RuleId, TextRules};
use crate::redact::{self, Redactor, Span};

thread_local! {
    static READING: RefCell<Reading> = RefCell::default();
    static SPANS: RefCell<Vec<Span>> = const { RefCell::new(Vec::new()) };
}

/// Byte offsets as counts of Unicode scalar values.
pub(super) fn scalars(text: &str, bytes: usize) -> u32 {
    let before = &text.as_bytes()[..bytes.min(text.len())];
    // Every scalar value has one byte that continues none.
    let count = before.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Codes what the text says on the axes and counts that the report leaves open.
pub(super) fn read(text: &str, language: Option<Language>, codes: &mut Codes, counts: &mut Counts, p: &mut Provenance) {
    let rules = TextRules::builtin();
    READING.with_borrow_mut(|reading| {
        rules.read(text, language, reading);
        let origin = |rule: RuleId, span: (usize, usize)| {
            Origin::inferred(rules.name(rule)).at(scalars(text, span.0), scalars(text, span.1))
        };
        fn single<A: CodeAxis>(
            slot: &mut Option<A>,
            found: Option<Inferred<A>>,
            field: Field,
            p: &mut Provenance,
            origin: &impl Fn(RuleId, (usize, usize)) -> Origin,
        ) {
            if let (None, Some(found)) = (&slot, found) {
                *slot = Some(found.value);
                p.set(field, origin(found.rule, found.span));
            }
        }
        single(&mut codes.event_kind, reading.event_kind, Field::EventKind, p, &origin);
        single(&mut codes.setting, reading.setting, Field::Setting, p, &origin);
        // "In the lobby", "the tenant", "his hearing is on Friday" speak of a court only where something happened at one.
        let at_court = matches!(codes.setting, None | Some(Setting::Courthouse | Setting::ImmigrationCourt));
        if at_court {
            single(&mut codes.place_relation, reading.place_relation, Field::PlaceRelation, p, &origin);
            single(&mut codes.court_type, reading.court_type, Field::CourtType, p, &origin);
            single(&mut codes.court_stage, reading.court_stage, Field::CourtStage, p, &origin);
            single(&mut codes.court_role, reading.court_role, Field::CourtRole, p, &origin);
            single(&mut codes.case_level, reading.case_level, Field::CaseLevel, p, &origin);
        }
        single(&mut codes.agency_claimed, reading.agency_claimed, Field::AgencyClaimed, p, &origin);
        single(&mut codes.agency_assessed, reading.agency_assessed, Field::AgencyAssessed, p, &origin);
        single(&mut codes.partner_model, reading.partner_model, Field::PartnerModel, p, &origin);
        single(&mut codes.outcome, reading.outcome, Field::Outcome, p, &origin);
        single(&mut codes.priority_claimed, reading.priority_claimed, Field::PriorityClaimed, p, &origin);

        fn several<A: CodeAxis>(
            set: &mut schemas::taxonomy::CodeSet<A>,
            found: &[Inferred<A>],
            field: Field,
            p: &mut Provenance,
            origin: &impl Fn(RuleId, (usize, usize)) -> Origin,
        ) {
            if !set.is_empty() || found.is_empty() {
                return;
            }
            let mut names = Vec::with_capacity(found.len());
            let mut spans = Vec::with_capacity(found.len());
            for one in found {
                set.insert(one.value);
                let of_one = origin(one.rule, one.span);
                names.extend(of_one.rule);
                spans.extend(of_one.spans);
            }
            p.set(field, Origin { spans, ..Origin::inferred(names.join(";")) });
        }
        several(&mut codes.tactics, &reading.tactics, Field::Tactics, p, &origin);
        several(&mut codes.authority_shown, &reading.authority_shown, Field::AuthorityShown, p, &origin);
        several(&mut codes.vulnerable_parties, &reading.vulnerable_parties, Field::VulnerableParties, p, &origin);

        let found = [
            (Field::Agents, reading.agents),
            (Field::Vehicles, reading.vehicles),
            (Field::PersonsTargeted, reading.persons_targeted),
            (Field::PersonsArrested, reading.persons_arrested),
            (Field::PersonsCollateral, reading.persons_collateral),
        ];
        for (field, found) in found {
            if let (None, Some(found)) = (counts.get(field), found) {
                counts.set(field, Some(found.value));
                p.set(field, origin(found.rule, found.span));
            }
        }
    });
}

/// Takes private text out. What a second, independent look still finds private makes it a reject.
pub(super) fn redact(text: &str) -> Result<(String, Vec<Redaction>), Reject> {
    SPANS.with_borrow_mut(|spans| {
        spans.clear();
        Redactor::builtin().find(text, spans);
        let kept = redact::apply(text, spans);
        if redact::second_look(&kept).is_some() {
            return Err(Reject::new(RejectCode::PrivateTextLeft).field("narrative"));
        }
        let offsets = redact::scalar_offsets(text, spans);
        let removed = spans.iter().zip(offsets).map(|(span, (start, end))| Redaction {
            field: Cow::Borrowed("narrative"),
            start,
            end,
            class: span.class,
            rule: Cow::Borrowed(span.rule),
        });
        Ok((kept, removed.collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(text: &str) -> Codes {
        let mut codes = Codes::default();
        read(text, None, &mut codes, &mut Counts::default(), &mut Provenance::default());
        codes
    }

    #[test]
    fn court_fields_are_coded_only_where_it_happened_at_a_court() {
        let court = coded("ICE took my client in the hallway of criminal court after arraignment");
        assert_eq!(court.setting, Some(Setting::Courthouse));
        assert!(court.place_relation.is_some() && court.court_type.is_some() && court.court_role.is_some());
        let elsewhere = coded("ICE took the tenant in the lobby of her apartment building");
        assert_eq!(elsewhere.setting, Some(Setting::Home));
        assert!(elsewhere.place_relation.is_none() && elsewhere.court_role.is_none());
    }
}
