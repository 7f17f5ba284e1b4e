//! The cube of small keys: one pass over the snapshot, from which every measure comes.
//!
//! What always holds: a cube is the sum of the cubes of its parts ([`Cube::add`]), so segments are read one batch after
//! another and memory stays that of one batch and of the keys. All values are whole numbers: neither the order of segments
//! nor the number of threads changes a bit of it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::marker::PhantomData;
use std::ops::{AddAssign, SubAssign};

use polars::prelude::*;
use schemas::clock::Instant;
use schemas::report::{Standing, StateCode};
use schemas::source::SourceName;
use schemas::taxonomy::{
    Agency, Authority, CodeAxis, CodeSet, CourtRole, CourtStage, CourtType, EventKind, PlaceRelation, Setting, Tactic,
};
use schemas::time::Month;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::AnalyticsError;
use crate::dataset::{Batch, Snapshot};
use crate::groups::{Frame, unreadable};
use crate::keys::{Key, Place};

/// How often a key occurs.
pub(crate) type Tally<K> = BTreeMap<K, i64>;
type State = Key<StateCode>;

/// Everything that is counted. "Event" stands for reports whose standing is `event`: of one of the six kinds, dated, neither
/// withdrawn, duplicate nor found to be no enforcement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cube {
    /// All reports.
    #[serde(deserialize_with = "in_order")]
    pub reports: BTreeMap<ReportKey, ReportSums>,
    /// Events by place.
    #[serde(deserialize_with = "in_order")]
    pub counties: BTreeMap<(Month, Place), PlaceSums>,
    /// Events by tactic; one with several tactics counts in each.
    #[serde(deserialize_with = "in_order")]
    pub tactics: Tally<(Month, State, Key<Tactic>)>,
    /// Events with both tactics; the first stands before the second in the taxonomy.
    #[serde(deserialize_with = "in_order")]
    pub tactic_pairs: Tally<(Month, State, Tactic, Tactic)>,
    /// Events of the kind `detainer_or_transfer`.
    #[serde(deserialize_with = "in_order")]
    pub detainers: Tally<(Month, State, DetainerKind)>,
    #[serde(deserialize_with = "in_order")]
    pub settings: Tally<(Month, State, Key<Setting>)>,
    #[serde(deserialize_with = "in_order")]
    pub agencies: Tally<(Month, State, Basis, Key<Agency>)>,
    /// Events at courthouses.
    #[serde(deserialize_with = "in_order")]
    pub courthouse: Tally<(Month, Place, Dimension, Key<CourtCode>)>,
    /// Reports of which the source says when it got them, and whose event is dated to the day.
    #[serde(deserialize_with = "in_order")]
    pub lags: Tally<LagKey>,
}

/// Reads a map whose keys were written in order: built at once, which is faster than key by key.
fn in_order<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    struct Pairs<K, V>(PhantomData<(K, V)>);
    impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Pairs<K, V> {
        type Value = Vec<(K, V)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("counts by their keys")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            // What the file says of its length is believed up to here.
            let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(0).min(1 << 16));
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    Ok(deserializer.deserialize_map(Pairs(PhantomData))?.into_iter().collect())
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ReportKey {
    /// UTC month in which the first version was received.
    pub received: Month,
    /// The month that the event counts in.
    pub month: Option<Month>,
    pub standing: Standing,
    pub kind: Key<EventKind>,
    pub state: State,
    pub source: SourceName,
}

impl ReportKey {
    /// The month and the kind in which a dated report counts. What was found to be no enforcement counts as that, whatever
    /// kind was told; what is withdrawn or a duplicate counts nowhere.
    pub(crate) fn counts_in(&self) -> Option<(Month, Key<EventKind>)> {
        let kind = match self.standing {
            Standing::Withdrawn | Standing::Duplicate | Standing::Undated => return None,
            Standing::NotEnforcement => Key::Is(EventKind::NotEnforcement),
            Standing::NonEvent | Standing::Event => self.kind,
        };
        Some((self.month?, kind))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportSums {
    pub reports: i64,
    /// Sum of what was told at least.
    pub arrested_min: i64,
    /// Sum of what was told at most; where the end is open, of what was told at least.
    pub arrested_max: i64,
    pub place_unknown: i64,
}

impl AddAssign for ReportSums {
    fn add_assign(&mut self, other: Self) {
        self.reports += other.reports;
        self.arrested_min += other.arrested_min;
        self.arrested_max += other.arrested_max;
        self.place_unknown += other.place_unknown;
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlaceSums {
    pub reports: i64,
    /// Of which the kind is `arrest`.
    pub arrests: i64,
}

impl SubAssign for ReportSums {
    fn sub_assign(&mut self, other: Self) {
        self.reports -= other.reports;
        self.arrested_min -= other.arrested_min;
        self.arrested_max -= other.arrested_max;
        self.place_unknown -= other.place_unknown;
    }
}

impl SubAssign for PlaceSums {
    fn sub_assign(&mut self, other: Self) {
        self.reports -= other.reports;
        self.arrests -= other.arrests;
    }
}

impl AddAssign for PlaceSums {
    fn add_assign(&mut self, other: Self) {
        self.reports += other.reports;
        self.arrests += other.arrests;
    }
}

/// What a detainer report tells of: the first that fits, so that each report counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum DetainerKind {
    DetainerHold,
    TransferAtRelease,
    Other,
}

/// Whose word an agency rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Basis {
    Claimed,
    Assessed,
}

/// By what a courthouse event is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Dimension {
    CourtType,
    CourtStage,
    CourtRole,
    PlaceRelation,
    AuthorityShown,
    StaffAssist,
}

impl Dimension {
    pub(crate) const ALL: [Self; 6] = [
        Self::CourtType,
        Self::CourtStage,
        Self::CourtRole,
        Self::PlaceRelation,
        Self::AuthorityShown,
        Self::StaffAssist,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CourtType => "court_type",
            Self::CourtStage => "court_stage",
            Self::CourtRole => "court_role",
            Self::PlaceRelation => "place_relation",
            Self::AuthorityShown => "authority_shown",
            Self::StaffAssist => "staff_assist",
        }
    }

    /// Whether one report may have several codes, so that they add up to no total.
    pub(crate) const fn is_several(self) -> bool {
        matches!(self, Self::AuthorityShown)
    }
}

/// A code of a courthouse dimension, ordered by its place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CourtCode {
    index: usize,
    code: &'static str,
}

impl CourtCode {
    /// Court staff helped.
    pub(crate) const YES: Self = Self { index: 0, code: "yes" };
}

impl Serialize for CourtCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.index, self.code).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CourtCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fn at<A: CodeAxis>(index: usize, text: &str) -> Option<CourtCode> {
            A::ALL.get(index).filter(|code| code.as_str() == text).map(|code| (*code).into())
        }
        let (index, text) = <(usize, String)>::deserialize(deserializer)?;
        let code = at::<CourtType>(index, &text)
            .or_else(|| at::<CourtStage>(index, &text))
            .or_else(|| at::<CourtRole>(index, &text))
            .or_else(|| at::<PlaceRelation>(index, &text))
            .or_else(|| at::<Authority>(index, &text));
        match code {
            Some(code) => Ok(code),
            None if (index, text.as_str()) == (Self::YES.index, Self::YES.code) => Ok(Self::YES),
            None => Err(serde::de::Error::custom("no code of a courthouse dimension")),
        }
    }
}

impl<A: CodeAxis> From<A> for CourtCode {
    fn from(code: A) -> Self {
        Self { index: code.index(), code: code.as_str() }
    }
}

impl std::fmt::Display for CourtCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code)
    }
}

impl<A: CodeAxis> From<Key<A>> for Key<CourtCode> {
    fn from(key: Key<A>) -> Self {
        match key {
            Key::All => Self::All,
            Key::Is(code) => Self::Is(code.into()),
            Key::Unknown => Self::Unknown,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LagKey {
    pub received: Month,
    /// The month of the event's day.
    pub month: Month,
    pub state: State,
    pub source: SourceName,
    /// From the end of the event's day until the source got the report, in tenths of a day, rounded half up. Negative
    /// where it got it on the same day.
    pub tenths: i32,
}

/// Adds to what a key has.
fn add<K: Ord, V: AddAssign + Default>(to: &mut BTreeMap<K, V>, key: K, value: V) {
    *to.entry(key).or_default() += value;
}

fn add_all<K: Ord, V: AddAssign + Default>(to: &mut BTreeMap<K, V>, from: BTreeMap<K, V>) {
    for (key, value) in from {
        add(to, key, value);
    }
}

/// Takes from what a key has; one that has nothing left is as if it had never been.
fn take_all<K: Ord, V: SubAssign + Default + PartialEq>(from: &mut BTreeMap<K, V>, what: BTreeMap<K, V>) {
    for (key, value) in what {
        if let Entry::Occupied(mut left) = from.entry(key) {
            *left.get_mut() -= value;
            if *left.get() == V::default() {
                left.remove();
            }
        }
    }
}

impl Cube {
    /// The cube of all rows that are current as of `as_of`.
    pub(crate) fn all(snapshot: &Snapshot, as_of: Instant) -> Result<Self, AnalyticsError> {
        let mut cube = Self::default();
        for batch in snapshot.batches() {
            cube.add(Self::of(&batch, as_of)?);
        }
        Ok(cube)
    }

    /// The cube of a batch.
    pub(crate) fn of(batch: &Batch<'_>, as_of: Instant) -> Result<Self, AnalyticsError> {
        Groups::collect(batch, as_of).map_err(AnalyticsError::parquet(batch.dir()))?.cube()
    }

    /// Takes another part's counts away: they are counted in this cube.
    pub(crate) fn take(&mut self, other: Self) {
        take_all(&mut self.reports, other.reports);
        take_all(&mut self.counties, other.counties);
        take_all(&mut self.tactics, other.tactics);
        take_all(&mut self.tactic_pairs, other.tactic_pairs);
        take_all(&mut self.detainers, other.detainers);
        take_all(&mut self.settings, other.settings);
        take_all(&mut self.agencies, other.agencies);
        take_all(&mut self.courthouse, other.courthouse);
        take_all(&mut self.lags, other.lags);
    }

    /// Adds another part's counts.
    pub(crate) fn add(&mut self, other: Self) {
        add_all(&mut self.reports, other.reports);
        add_all(&mut self.counties, other.counties);
        add_all(&mut self.tactics, other.tactics);
        add_all(&mut self.tactic_pairs, other.tactic_pairs);
        add_all(&mut self.detainers, other.detainers);
        add_all(&mut self.settings, other.settings);
        add_all(&mut self.agencies, other.agencies);
        add_all(&mut self.courthouse, other.courthouse);
        add_all(&mut self.lags, other.lags);
    }

    /// The part of the cube that is of one state.
    pub(crate) fn of_state(&self, state: StateCode) -> Self {
        let state = Key::Is(state);
        fn keep<K: Ord + Clone, V: Copy>(map: &BTreeMap<K, V>, here: impl Fn(&K) -> bool) -> BTreeMap<K, V> {
            map.iter().filter(|(key, _)| here(key)).map(|(key, value)| (key.clone(), *value)).collect()
        }
        Self {
            reports: keep(&self.reports, |key| key.state == state),
            counties: keep(&self.counties, |key| key.1.state == state),
            tactics: keep(&self.tactics, |key| key.1 == state),
            tactic_pairs: keep(&self.tactic_pairs, |key| key.1 == state),
            detainers: keep(&self.detainers, |key| key.1 == state),
            settings: keep(&self.settings, |key| key.1 == state),
            agencies: keep(&self.agencies, |key| key.1 == state),
            courthouse: keep(&self.courthouse, |key| key.1.state == state),
            lags: keep(&self.lags, |key| key.state == state),
        }
    }
}

/// The columns that a cube is made of.
pub(crate) const COLUMNS: &[&str] = &[
    "first_received_at",
    "source",
    "reported_at",
    "occurred_on",
    "zone",
    "occurred_precision",
    "county_fips",
    "state",
    "event_kind",
    "setting",
    "place_relation",
    "tactics",
    "agency_claimed",
    "agency_assessed",
    "authority_shown",
    "court_type",
    "court_stage",
    "court_role",
    "persons_arrested_min",
    "persons_arrested_max",
    "standing",
    "month",
];

/// What polars counts of one batch: a frame of groups for each part of the cube, made in one query.
struct Groups {
    reports: DataFrame,
    counties: DataFrame,
    tactics: DataFrame,
    settings: DataFrame,
    agencies: DataFrame,
    courthouse: DataFrame,
    /// One for each zone.
    lags: Vec<DataFrame>,
}

const REPORTS: &str = "reports";
const RECEIVED: &str = "received";
const OCCURRED: &str = "occurred";

/// The month of a date or of an instant in UTC, as [`crate::groups`] reads it back.
fn month_index(date: Expr) -> Expr {
    date.clone().dt().year() * lit(12) + date.dt().month().cast(DataType::Int32)
}

fn is(column: &str, code: &'static str) -> Expr {
    col(column).eq(lit(code))
}

impl Groups {
    fn collect(batch: &Batch<'_>, as_of: Instant) -> PolarsResult<Self> {
        let received = month_index(col("first_received_at")).alias(RECEIVED);
        let rows = batch.current(as_of, COLUMNS)?.with_columns([received]);
        let events = rows.clone().filter(is("standing", Standing::Event.as_str()));
        let count = || len().cast(DataType::Int64).alias(REPORTS);
        let group = |rows: &LazyFrame, keys: &[&str]| {
            rows.clone().group_by(keys.iter().map(|key| col(*key)).collect::<Vec<_>>())
        };

        let arrested_max = coalesce(&[col("persons_arrested_max"), col("persons_arrested_min")]);
        let mut queries = vec![
            group(&rows, &[RECEIVED, "month", "standing", "event_kind", "state", "source"]).agg([
                count(),
                col("persons_arrested_min").sum(),
                arrested_max.sum().alias("persons_arrested_max"),
                col("county_fips").null_count().cast(DataType::Int64).alias("place_unknown"),
            ]),
            group(&events, &["month", "state", "county_fips"]).agg([
                count(),
                is("event_kind", EventKind::Arrest.as_str()).sum().cast(DataType::Int64).alias("arrests"),
            ]),
            events
                .clone()
                .with_columns([is("event_kind", EventKind::DetainerOrTransfer.as_str()).alias("detainer")])
                .group_by([col("month"), col("state"), col("detainer"), col("tactics")])
                .agg([count()]),
            group(&events, &["month", "state", "setting"]).agg([count()]),
            group(&events, &["month", "state", "agency_claimed", "agency_assessed"]).agg([count()]),
            {
                let staff = col("tactics").list().contains(lit(Tactic::CourtStaffAssist.as_str()), false);
                let at_courts = events.filter(is("setting", Setting::Courthouse.as_str()));
                let at_courts = at_courts.with_columns([staff.fill_null(lit(false)).alias("staff_assist")]);
                let keys = [
                    "month",
                    "state",
                    "county_fips",
                    "court_type",
                    "court_stage",
                    "court_role",
                    "place_relation",
                    "authority_shown",
                    "staff_assist",
                ];
                group(&at_courts, &keys).agg([count()])
            },
        ];
        for zone in zones(batch, as_of)? {
            queries.push(lags(rows.clone(), zone)?);
        }
        let plans = queries.into_iter().map(|query| query.logical_plan).collect();
        let frames = LazyFrame::collect_all_with_engine(plans, Engine::Streaming, OptFlags::default())?;
        let mut frames = frames.into_iter();
        let mut next = || frames.next().ok_or_else(|| polars_err!(ComputeError: "fewer frames than queries"));
        Ok(Self {
            reports: next()?,
            counties: next()?,
            tactics: next()?,
            settings: next()?,
            agencies: next()?,
            courthouse: next()?,
            lags: frames.collect(),
        })
    }
}

/// The zones that stand in a batch. A column of instants has one zone in polars, so each zone is a query of its own.
fn zones(batch: &Batch<'_>, as_of: Instant) -> PolarsResult<Vec<TimeZone>> {
    let frame = batch
        .current(as_of, &["zone", "reported_at"])?
        .filter(col("reported_at").is_not_null().and(col("zone").is_not_null()))
        .group_by([col("zone")])
        .agg([len()])
        .collect_with_engine(Engine::Streaming)?
        .unwrap_single();
    let mut zones = Vec::new();
    for zone in frame.column("zone")?.str()?.iter().flatten() {
        zones.extend(TimeZone::opt_try_new(Some(zone))?);
    }
    Ok(zones)
}

/// The lags of the reports of one zone (cube.rs, [`LagKey::tenths`]).
fn lags(rows: LazyFrame, zone: TimeZone) -> PolarsResult<LazyFrame> {
    const DAY: i64 = 86_400_000_000;
    const TENTH: i64 = DAY / 10;
    let to_the_day = ["minute", "hour", "part_of_day", "day"].iter().map(|code| is("occurred_precision", code));
    let to_the_day = to_the_day.reduce(Expr::or).expect("there are precisions");
    let usable = col("zone")
        .eq(lit(zone.as_str().to_owned()))
        .and(col("reported_at").is_not_null())
        .and(col("occurred_on").is_not_null())
        .and(to_the_day);
    let reported = col("reported_at")
        .dt()
        .convert_time_zone(zone)
        .dt()
        .replace_time_zone(None, lit("raise"), NonExistent::Raise)
        .cast(DataType::Int64);
    let day_ends = (col("occurred_on").cast(DataType::Int32).cast(DataType::Int64) + lit(1_i64)) * lit(DAY);
    // Polars cuts towards zero; moved up by more days than any date is old, that is rounding down.
    const UP: i64 = 10_000_000;
    let tenths = (reported - day_ends + lit(TENTH / 2 + UP * TENTH)) / lit(TENTH) - lit(UP);
    let tenths = tenths.cast(DataType::Int32).alias("tenths");
    let occurred = month_index(col("occurred_on")).alias(OCCURRED);
    Ok(rows
        .filter(usable)
        .with_columns([tenths])
        .group_by([col(RECEIVED), occurred, col("state"), col("source"), col("tenths")])
        .agg([len().cast(DataType::Int64).alias(REPORTS)]))
}

impl Groups {
    /// The batch's cube.
    fn cube(&self) -> Result<Cube, AnalyticsError> {
        let mut cube = Cube::default();
        let groups = Frame(&self.reports);
        let (received, month, standing) = (groups.ints(RECEIVED)?, groups.months()?, groups.texts("standing")?);
        let (kind, state, source) = (groups.texts("event_kind")?, groups.texts("state")?, groups.texts("source")?);
        let (reports, place_unknown) = (groups.ints(REPORTS)?, groups.ints("place_unknown")?);
        let (min, max) = (groups.ints("persons_arrested_min")?, groups.ints("persons_arrested_max")?);
        for row in groups.rows() {
            let key = ReportKey {
                received: received.month(row)?,
                month: month.get(row),
                standing: standing.parse(row, Standing::from_code)?,
                kind: kind.code(row)?,
                state: state.known(row, StateCode::parse)?,
                source: source.parse(row, SourceName::parse)?,
            };
            let sums = ReportSums {
                reports: reports.get(row)?,
                arrested_min: min.get(row)?,
                arrested_max: max.get(row)?,
                place_unknown: place_unknown.get(row)?,
            };
            add(&mut cube.reports, key, sums);
        }

        let groups = Frame(&self.counties);
        let (month, place) = (groups.months()?, groups.places()?);
        let (reports, arrests) = (groups.ints(REPORTS)?, groups.ints("arrests")?);
        for row in groups.rows() {
            let sums = PlaceSums { reports: reports.get(row)?, arrests: arrests.get(row)? };
            add(&mut cube.counties, (month.of_event(row)?, place.get(row)?), sums);
        }

        let groups = Frame(&self.tactics);
        let (month, state, detainer) = (groups.months()?, groups.texts("state")?, groups.flags("detainer")?);
        let (tactics, reports) = (groups.lists("tactics")?, groups.ints(REPORTS)?);
        for row in groups.rows() {
            let (month, state) = (month.of_event(row)?, state.known(row, StateCode::parse)?);
            let (tactics, reports): (CodeSet<Tactic>, _) = (tactics.codes(row)?, reports.get(row)?);
            if tactics.is_empty() {
                add(&mut cube.tactics, (month, state, Key::Unknown), reports);
            }
            for tactic in tactics.iter() {
                add(&mut cube.tactics, (month, state, Key::Is(tactic)), reports);
                for other in tactics.iter().filter(|other| *other > tactic) {
                    add(&mut cube.tactic_pairs, (month, state, tactic, other), reports);
                }
            }
            if detainer.get(row) {
                add(&mut cube.detainers, (month, state, DetainerKind::of(tactics)), reports);
            }
        }

        let groups = Frame(&self.settings);
        let (month, state, setting) = (groups.months()?, groups.texts("state")?, groups.texts("setting")?);
        let reports = groups.ints(REPORTS)?;
        for row in groups.rows() {
            let key = (month.of_event(row)?, state.known(row, StateCode::parse)?, setting.code(row)?);
            add(&mut cube.settings, key, reports.get(row)?);
        }

        let groups = Frame(&self.agencies);
        let (month, state, reports) = (groups.months()?, groups.texts("state")?, groups.ints(REPORTS)?);
        let bases =
            [(Basis::Claimed, groups.texts("agency_claimed")?), (Basis::Assessed, groups.texts("agency_assessed")?)];
        for row in groups.rows() {
            for (basis, agency) in &bases {
                let key = (month.of_event(row)?, state.known(row, StateCode::parse)?, *basis, agency.code(row)?);
                add(&mut cube.agencies, key, reports.get(row)?);
            }
        }

        let groups = Frame(&self.courthouse);
        let (month, place, reports) = (groups.months()?, groups.places()?, groups.ints(REPORTS)?);
        let (court_type, stage) = (groups.texts("court_type")?, groups.texts("court_stage")?);
        let (role, relation) = (groups.texts("court_role")?, groups.texts("place_relation")?);
        let (authority, staff) = (groups.lists("authority_shown")?, groups.flags("staff_assist")?);
        for row in groups.rows() {
            let (month, place, reports) = (month.of_event(row)?, place.get(row)?, reports.get(row)?);
            let mut put = |dimension, code: Key<CourtCode>| {
                add(&mut cube.courthouse, (month, place, dimension, code), reports);
            };
            put(Dimension::CourtType, court_type.code::<CourtType>(row)?.into());
            put(Dimension::CourtStage, stage.code::<CourtStage>(row)?.into());
            put(Dimension::CourtRole, role.code::<CourtRole>(row)?.into());
            put(Dimension::PlaceRelation, relation.code::<PlaceRelation>(row)?.into());
            let shown: CodeSet<Authority> = authority.codes(row)?;
            if shown.is_empty() {
                put(Dimension::AuthorityShown, Key::Unknown);
            }
            for authority in shown.iter() {
                let known = (authority != Authority::Unknown).then_some(authority);
                put(Dimension::AuthorityShown, Key::from(known).into());
            }
            put(Dimension::StaffAssist, Key::from(staff.get(row).then_some(CourtCode::YES)));
        }

        for groups in &self.lags {
            let groups = Frame(groups);
            let (received, state, source) = (groups.ints(RECEIVED)?, groups.texts("state")?, groups.texts("source")?);
            let (occurred, tenths, reports) = (groups.ints(OCCURRED)?, groups.ints("tenths")?, groups.ints(REPORTS)?);
            for row in groups.rows() {
                let key = LagKey {
                    received: received.month(row)?,
                    month: occurred.month(row)?,
                    state: state.known(row, StateCode::parse)?,
                    source: source.parse(row, SourceName::parse)?,
                    tenths: i32::try_from(tenths.get(row)?).map_err(|_| unreadable("tenths"))?,
                };
                add(&mut cube.lags, key, reports.get(row)?);
            }
        }
        Ok(cube)
    }
}

impl DetainerKind {
    fn of(tactics: CodeSet<Tactic>) -> Self {
        if tactics.contains(Tactic::DetainerHold) {
            Self::DetainerHold
        } else if tactics.contains(Tactic::TransferAtRelease) {
            Self::TransferAtRelease
        } else {
            Self::Other
        }
    }
}
