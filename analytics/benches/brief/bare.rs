//! The yardstick: what an analyst would write in polars over the same segments, one query for each table, with no sum
//! checked, no lag worked out, no row put in order.

use std::path::Path;

use polars::prelude::*;

use crate::Result;

fn paths(dir: &Path) -> Result<Vec<PlRefPath>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        paths.push(PlRefPath::try_from_pathbuf(entry?.path())?);
    }
    paths.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    Ok(paths)
}

fn scan(dir: &Path) -> Result<LazyFrame> {
    Ok(LazyFrame::scan_parquet_files(paths(dir)?.into(), ScanArgsParquet::default())?)
}

pub fn run(dir: &Path) -> Result<()> {
    let rows = scan(&dir.join("segments"))?;
    let gone = scan(&dir.join("superseded"))?.select([col("seq")]);
    let rows = rows.join(gone, [col("seq")], [col("seq")], JoinArgs::new(JoinType::Anti));
    let events = rows.clone().filter(col("standing").eq(lit("event")));
    let by = |rows: &LazyFrame, keys: &[&str]| {
        rows.clone().group_by(keys.iter().map(|key| col(*key)).collect::<Vec<_>>()).agg([len().alias("reports")])
    };
    let received =
        || (col("first_received_at").dt().year() * lit(12) + col("first_received_at").dt().month()).alias("received");

    let reports_month = rows.clone().group_by([col("month"), col("standing"), col("event_kind")]).agg([
        len(),
        col("persons_arrested_min").sum(),
        coalesce(&[col("persons_arrested_max"), col("persons_arrested_min")]).sum(),
    ]);
    let county_month = events
        .clone()
        .group_by([col("month"), col("state"), col("county_fips")])
        .agg([len(), col("event_kind").eq(lit("arrest")).sum()]);
    let explode = ExplodeOptions { empty_as_null: true, keep_nulls: true };
    let tactic_month = by(
        &events.clone().select([col("month"), col("tactics")]).explode(cols(["tactics"]), explode),
        &["month", "tactics"],
    );
    let tactic_pairs = by(&events, &["month", "tactics"]);
    let setting_month = by(&events, &["month", "setting"]);
    let agency_month = by(&events, &["month", "agency_claimed", "agency_assessed"]);
    let courthouse = {
        let staff = col("tactics").list().contains(lit("court_staff_assist"), false).alias("staff");
        let rows = events.clone().filter(col("setting").eq(lit("courthouse"))).with_columns([staff]);
        let keys = ["month", "state", "county_fips", "court_type", "court_stage", "court_role", "place_relation"];
        by(&rows, &[&keys[..], &["authority_shown", "staff"]].concat())
    };
    let detainer_month = {
        let rows = events.filter(col("event_kind").eq(lit("detainer_or_transfer")));
        by(&rows, &["month", "state", "tactics"])
    };
    let funnel_month = by(&rows.clone().with_columns([received()]), &["received", "month", "standing"]);
    let completeness_month = rows.with_columns([received()]).group_by([col("received"), col("source")]).agg([
        len(),
        col("county_fips").null_count(),
        col("month").null_count(),
    ]);
    for query in [
        reports_month,
        county_month,
        tactic_month,
        tactic_pairs,
        setting_month,
        agency_month,
        courthouse,
        detainer_month,
        funnel_month,
        completeness_month,
    ] {
        query.collect_with_engine(Engine::Streaming)?;
    }
    Ok(())
}
