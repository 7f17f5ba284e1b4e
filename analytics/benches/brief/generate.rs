//! Generated rows: two years of reports from eight sources in twelve states, one row in a hundred a revision.
//!
//! What always holds: a row is a function of its number alone, so that no row is kept to be revised.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, TimeDelta};
use schemas::clock::{Instant, parse_rfc3339};
use schemas::counts::Count;
use schemas::dataset::{CodedRow, FunnelRow};
use schemas::geography::{County, counties_of};
use schemas::ids::ReportId;
use schemas::provenance::{Field, Origin, Provenance};
use schemas::report::{CodedReport, Codes, Counts, Fips, Place, StateCode};
use schemas::source::SourceName;
use schemas::taxonomy::{
    Agency, Authority, CodeAxis, CourtRole, CourtStage, CourtType, EventKind, PlaceRelation, Setting, Tactic,
};
use schemas::time::{Month, Occurred, Precision};

const STATES: [&str; 12] = ["CA", "NY", "TX", "WA", "IL", "NJ", "FL", "CO", "OR", "MA", "GA", "MN"];
/// One row in so many would revise an earlier report; every other one finds that it is revised already.
const REVISION: u64 = 50;
/// The rows are received from 2024-01-01 on, over so many seconds.
const SECONDS: u64 = 730 * 86_400;

/// A store's rows and what they superseded.
pub struct Changes {
    total: u64,
    counties: Vec<&'static [County]>,
    sources: Vec<SourceName>,
    begins: Instant,
    provenance: Provenance,
}

/// Mixes a number's bits (SplitMix64).
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Draws from a row's own numbers.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = mix(self.0);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n
    }

    /// Below n, small numbers more often.
    fn few(&mut self, n: usize) -> usize {
        self.below(n).min(self.below(n)).min(self.below(n))
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn code<A: CodeAxis>(&mut self) -> A {
        A::ALL[self.few(A::ALL.len())]
    }
}

impl Changes {
    pub fn new(total: u64) -> Self {
        let mut provenance = Provenance::default();
        for field in [Field::OccurredOn, Field::EventKind, Field::Agents] {
            provenance.set(field, Origin::given());
        }
        provenance.set(Field::CountyFips, Origin::inferred("place.city"));
        provenance.set(Field::Setting, Origin::inferred("setting.courthouse").at(14, 24));
        provenance.set(Field::Tactics, Origin::inferred("tactic.masked").at(31, 42));
        Self {
            total,
            counties: STATES.iter().map(|state| counties_of(state)).collect(),
            sources: (1..=8).filter_map(|n| SourceName::parse(&format!("source-{n}"))).collect(),
            begins: parse_rfc3339("2024-01-01T00:00:00Z").unwrap_or_default(),
            provenance,
        }
    }

    /// Whether the row of this number (1 and up) is a revision, and of which.
    fn revises(&self, n: u64) -> Option<u64> {
        // Numbers halfway between those of revisions are never revisions themselves.
        (n.is_multiple_of(REVISION)).then(|| (mix(n) % (n / REVISION)) * REVISION + REVISION / 2)
    }

    fn received(&self, n: u64) -> Instant {
        let seconds = i64::try_from(u128::from(n) * u128::from(SECONDS) / u128::from(self.total)).unwrap_or(0);
        self.begins + TimeDelta::seconds(seconds.min(SECONDS as i64 - 1))
    }

    pub fn rows(&self) -> impl Iterator<Item = CodedRow> {
        let mut last = BTreeMap::new();
        (1..=self.total).map(move |n| match self.revises(n) {
            // A report that was revised before is left alone, and a new one comes instead.
            Some(of) if last.insert(of, n).is_none() => self.row(n, of, 1),
            _ => self.row(n, n, 0),
        })
    }

    pub fn superseded(&self) -> impl Iterator<Item = (i64, Instant)> {
        let mut seen = std::collections::BTreeSet::new();
        (1..=self.total).filter_map(move |n| {
            let of = self.revises(n).filter(|of| seen.insert(*of))?;
            Some((i64::try_from(of).ok()?, self.received(n)))
        })
    }

    /// How many rows were received before the last month, and until when.
    pub fn all_but_a_month(&self) -> (usize, Instant) {
        let rows = self.total - self.total / 24;
        (usize::try_from(rows).unwrap_or(0), self.received(rows))
    }

    /// The first sum of these rows.
    pub fn funnel(&self) -> Vec<FunnelRow> {
        self.funnel_of(usize::try_from(self.total).unwrap_or(0))
    }

    /// The first sum of the first rows.
    pub fn funnel_of(&self, rows: usize) -> Vec<FunnelRow> {
        let mut counts: BTreeMap<(Month, SourceName), (u64, u64)> = BTreeMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for n in 1..=rows as u64 {
            let of = self.revises(n).filter(|of| seen.insert(*of));
            let month = Month::of(self.received(n).date_naive());
            let counts = counts.entry((month, self.source(of.unwrap_or(n)).clone())).or_default();
            *if of.is_some() { &mut counts.1 } else { &mut counts.0 } += 1;
        }
        let row = |((month, source), (coded, revisions))| FunnelRow {
            month,
            source,
            received: coded + revisions,
            coded,
            revisions,
            repeats: 0,
            rejected: 0,
            waiting: 0,
        };
        counts.into_iter().map(row).collect()
    }

    fn source(&self, report: u64) -> &SourceName {
        &self.sources[Draw(report).few(self.sources.len())]
    }

    fn row(&self, n: u64, report: u64, revision: u32) -> CodedRow {
        let mut draw = Draw(report);
        let source = self.sources[draw.few(self.sources.len())].clone();
        let first_received_at = self.received(report);
        let received_at = self.received(n);
        let state = draw.few(STATES.len());
        let county = &self.counties[state][draw.few(self.counties[state].len())];
        let placed = !draw.one_in(12);
        let day: NaiveDate = first_received_at.date_naive();
        let late = if draw.one_in(10) { draw.below(60) } else { draw.few(4) };
        let on = day.checked_sub_days(Days::new(late as u64)).filter(|_| !draw.one_in(25));
        let mut codes = Codes::default();
        // What the second version tells differs.
        draw.0 ^= u64::from(revision);
        codes.event_kind = (!draw.one_in(20)).then(|| draw.code::<EventKind>());
        codes.setting = (!draw.one_in(5)).then(|| draw.code::<Setting>());
        codes.agency_claimed = draw.one_in(3).then(|| draw.code::<Agency>());
        codes.agency_assessed = draw.one_in(2).then(|| draw.code::<Agency>());
        for _ in 0..draw.below(4) {
            codes.tactics.insert(Tactic::ALL[draw.few(Tactic::ALL.len())]);
        }
        if draw.one_in(4) {
            codes.authority_shown.insert(draw.code::<Authority>());
        }
        if codes.setting == Some(Setting::Courthouse) {
            codes.court_type = Some(draw.code::<CourtType>());
            codes.court_stage = Some(draw.code::<CourtStage>());
            codes.court_role = (!draw.one_in(3)).then(|| draw.code::<CourtRole>());
            codes.place_relation = (!draw.one_in(3)).then(|| draw.code::<PlaceRelation>());
        }
        let mut counts = Counts { agents: Some(Count::exactly(1 + draw.few(9) as u32)), ..Counts::default() };
        if codes.event_kind == Some(EventKind::Arrest) {
            counts.persons_arrested = Some(Count::exactly(1 + draw.few(4) as u32));
        }
        let mut id = [0; 16];
        id[..8].copy_from_slice(&mix(report).to_be_bytes());
        id[8..].copy_from_slice(&mix(!report).to_be_bytes());
        CodedRow {
            seq: i64::try_from(n).unwrap_or(i64::MAX),
            effective_at: received_at,
            first_received_at,
            withdrawn: false,
            report: CodedReport {
                report_id: Some(ReportId::from_bytes(id)),
                external_id: Some(format!("r-{report}")),
                source: Some(source),
                revision,
                received_at: Some(received_at),
                reported_at: Some(first_received_at),
                occurred: Occurred {
                    on,
                    time: None,
                    precision: if on.is_some() { Precision::Day } else { Precision::Unknown },
                },
                zone: Some(county.zone.into()),
                place: Place {
                    county_fips: placed.then(|| Fips::parse(county.fips)).flatten(),
                    county_vintage: placed.then(|| "2022".into()),
                    state: StateCode::parse(county.state),
                    method: placed.then(|| "city".into()),
                },
                codes,
                counts,
                incident_id: None,
                language: None,
                narrative: None,
                redactions: Vec::new(),
                provenance: self.provenance.clone(),
            },
        }
    }
}
