//! What can be seen of queue and store, and of whether they go together.

use chrono::TimeDelta;
use ingest::installation::{Installation, is_postgres};
use ingest::queue::kafka::TopicFacts;
use ingest::queue::{Log as _, QueueError};
use ingest::store::Store as _;
use ingest::store::postgres::{RoleFacts, ServerFacts, facts};

use super::{Findings, State};
use crate::Context;
use crate::commands::engines;

/// How far this machine's clock and the server's may lie apart.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(10);
/// What is kept for less may be gone before somebody has seen that no worker runs.
const KEPT_AT_LEAST_DAYS: i64 = 7;

/// The queue's servers.
pub fn queue(context: &Context, found: &mut Findings) {
    match context.config().queue.place().topic() {
        Err(error) => found.add("queue", State::Wrong, error.to_string()),
        Ok(None) => found.add("queue", State::Ok, "SQLite, in the data directory"),
        Ok(Some(topic)) => match topic.describe() {
            Err(error) => found.add("queue", State::Wrong, error.to_string()),
            Ok(facts) => of_topic(topic.name(), &facts, found),
        },
    }
}

fn of_topic(name: &str, facts: &TopicFacts, found: &mut Findings) {
    let TopicFacts { brokers, partitions, replication, in_sync, .. } = *facts;
    found.add("queue", State::Ok, format!("Kafka answers: {brokers} brokers, topic {name}"));
    match partitions {
        1 => found.add("partitions", State::Warn, "1: only one worker at a time has something to do"),
        n => found.add("partitions", State::Ok, format!("{n}: as many workers can share the work")),
    }
    match replication {
        1 => found.add(
            "replication",
            State::Wrong,
            "1: \"acknowledged\" means the page cache of one broker, not a disk. When that machine loses power, what was \
             acknowledged can be lost. For trials only; a topic of three replicas does not have this",
        ),
        2 => found.add("replication", State::Warn, "2: with one broker away, nothing is held twice; three is usual"),
        n => found.add("replication", State::Ok, format!("{n}: each report lies on {n} brokers")),
    }
    match (facts.min_in_sync, replication) {
        (None, _) => found.add("min_in_sync", State::Unknown, "the brokers do not tell min.insync.replicas"),
        (Some(least), 1) => {
            found.add("min_in_sync", State::Warn, format!("min.insync.replicas is {least}: with one replica it says nothing"));
        }
        (Some(least), _) if least < 2 => found.add(
            "min_in_sync",
            State::Wrong,
            format!(
                "min.insync.replicas is {least}: acks=all then means one broker's page cache whenever the others are away. \
                 Set it to 2"
            ),
        ),
        (Some(least), n) if usize::try_from(least).is_ok_and(|least| least >= n) => found.add(
            "min_in_sync",
            State::Warn,
            format!("min.insync.replicas is {least} of {n}: when one broker is away, nothing is accepted"),
        ),
        (Some(least), _) => {
            found.add("min_in_sync", State::Ok, format!("{least}: an acknowledged report lies on {least} brokers or more"));
        }
    }
    if in_sync < replication {
        let says =
            format!("{} of {replication} replicas of a partition are behind or away just now", replication - in_sync);
        found.add("in_sync", State::Warn, says);
    }
    let days = facts.keep_ms.map(|ms| ms / (24 * 60 * 60 * 1000));
    match (facts.keep_ms, days, facts.keep_bytes) {
        (_, _, Some(bytes)) if bytes >= 0 => found.add(
            "retention",
            State::Wrong,
            format!("retention.bytes is {bytes}: when more waits, Kafka drops what no worker has coded. Set it to -1"),
        ),
        (Some(ms), _, _) if ms < 0 => {
            found.add("retention", State::Warn, "for ever: what is coded never leaves the topic; it stays sealed");
        }
        (_, Some(days), _) if days < KEPT_AT_LEAST_DAYS => found.add(
            "retention",
            State::Wrong,
            format!("{days} days: what no worker has coded by then is lost; {KEPT_AT_LEAST_DAYS} is the least"),
        ),
        (_, Some(days), _) => {
            found.add("retention", State::Ok, format!("{days} days: what no worker has coded by then is lost"));
        }
        _ => found.add("retention", State::Unknown, "the brokers do not tell retention.ms"),
    }
    match facts.cleanup.as_deref() {
        Some("delete") => {}
        Some(other) => found.add(
            "cleanup",
            State::Wrong,
            format!("cleanup.policy is {other}: compaction takes reports out. Set it to delete"),
        ),
        None => found.add("cleanup", State::Unknown, "the brokers do not tell cleanup.policy"),
    }
    if facts.unclean_election == Some(true) {
        let says = "unclean.leader.election.enable is true: a broker that lags may lead, and then acknowledged reports are gone";
        found.add("unclean_election", State::Wrong, says);
    }
}

/// The store's server, or its file.
pub fn store(context: &Context, installation: &Installation, found: &mut Findings) {
    let url = &context.config().store.url;
    if !is_postgres(url) && !installation.file(url).exists() {
        found.add("store", State::Ok, "SQLite, in the data directory; it is made by the first command that needs it");
        return;
    }
    // Opening it tells also whether its form is one that this program knows.
    match engines::store(context, installation) {
        Err(failure) => found.add("store", State::Wrong, failure.to_string()),
        Ok(_) if !is_postgres(url) => found.add("store", State::Ok, "SQLite, of a form that this program writes"),
        Ok(_) => match facts(url) {
            Err(error) => found.add("store", State::Wrong, error.to_string()),
            Ok(facts) => of_server(context, &facts, found),
        },
    }
}

fn of_server(context: &Context, facts: &ServerFacts, found: &mut Findings) {
    found.add(
        "store",
        State::Ok,
        format!("{} answers; its tables are of a form that this program writes", facts.version),
    );
    let apart = (context.clock.now() - facts.now).abs();
    if apart > CLOCKS_APART {
        let says = format!("this machine's clock and that of PostgreSQL lie {} s apart", apart.num_seconds());
        found.add("store_clock", State::Wrong, says);
    } else {
        found.add("store_clock", State::Ok, "this machine and PostgreSQL agree on the time");
    }
    match (facts.fsync, facts.full_page_writes) {
        (true, true) => found.add("store_fsync", State::Ok, "PostgreSQL waits for its disk"),
        (false, _) => {
            let says = "fsync is off in PostgreSQL: a power cut can lose or destroy all of the store. Set fsync = on";
            found.add("store_fsync", State::Wrong, says);
        }
        (_, false) => {
            let says = "full_page_writes is off in PostgreSQL: after a power cut pages may be half written. Set it on";
            found.add("store_fsync", State::Wrong, says);
        }
    }
    if !facts.checksums {
        let says =
            "PostgreSQL keeps no checksums of its pages, so a disk that rots is not noticed (pg_checksums --enable)";
        found.add("store_checksums", State::Warn, says);
    }
    match (facts.encrypted, facts.local) {
        (true, _) => found.add("store_connection", State::Ok, "encrypted"),
        (_, true) => found.add("store_connection", State::Ok, "not encrypted, and does not leave this machine"),
        _ => found.add(
            "store_connection",
            State::Wrong,
            "not encrypted, and the server is elsewhere: coded rows and the password pass over the network in the clear. Add \
             sslmode=require to store.url",
        ),
    }
    let role = &facts.role;
    if facts.superuser {
        let says = format!(
            "{role} is a superuser of PostgreSQL: who has this machine has every database there. Use a role of `testigo store roles`"
        );
        found.add("store_role", State::Warn, says);
    } else if facts.owner {
        let says = format!(
            "{role} owns the tables, so it can change and drop them. Use a role of `testigo store roles` for daily work"
        );
        found.add("store_role", State::Warn, says);
    } else {
        found.add("store_role", State::Ok, format!("{role} owns nothing"));
    }
    for role in &facts.roles {
        let (state, says) = of_role(role);
        found.add("role_rights", state, says);
    }
}

fn of_role(role: &RoleFacts) -> (State, String) {
    let name = &role.name;
    if name == "PUBLIC" {
        return (
            State::Wrong,
            "everybody who can log in may do something with the tables: REVOKE ALL ... FROM PUBLIC".to_owned(),
        );
    }
    let mut wrong = Vec::new();
    if role.rewrites {
        wrong.push("may change or delete what is append only");
    }
    if name.ends_with("_intake") && (role.reads_coded || role.reads_sealed) {
        wrong.push("takes reports in and can read them");
    }
    if name.ends_with("_analyst") && (role.reads_narratives || role.reads_sealed || role.reads_tokens) {
        wrong.push("can read narratives, sealed originals or tokens' hashes");
    }
    if !wrong.is_empty() {
        return (State::Wrong, format!("{name} {}: run `testigo store roles --apply`", wrong.join(", and ")));
    }
    let may = [
        (role.adds_coded, "adds rows"),
        (role.reads_coded, "reads coded rows"),
        (role.reads_narratives, "reads narratives"),
        (role.reads_sealed, "reads what is sealed"),
    ];
    let may: Vec<&str> = may.iter().filter(|(can, _)| *can).map(|(_, what)| *what).collect();
    (State::Ok, format!("{name} {}", if may.is_empty() { "reads no report".to_owned() } else { may.join(", ") }))
}

/// Whether the queue holds what the store still needs.
pub fn pair(context: &Context, installation: &Installation, found: &mut Findings) {
    let url = &context.config().store.url;
    let queue = &context.config().queue;
    let there = is_postgres(url) || installation.file(url).exists();
    if !there || (!queue.is_kafka() && !installation.file(&queue.url).exists()) {
        return;
    }
    let look = || -> Result<u64, crate::outcome::Failure> {
        let (mut log, mut store) = (engines::log(context, installation)?, engines::store(context, installation)?);
        let queue_id = std::sync::Arc::clone(log.queue_id());
        let mut waiting = 0;
        for partition in log.partitions()? {
            if let Some((offset, fingerprint)) = store.fingerprint(&queue_id, partition)? {
                log.expect(schemas::envelope::Position { partition, offset }, fingerprint);
            }
            let position = store.position(&queue_id, partition)?;
            let end = log.end(partition)?;
            if position.offset > end {
                return Err(QueueError::Ahead { wanted: position.offset, end }.into());
            }
            waiting += u64::try_from(end - position.offset).unwrap_or(0);
            if position.offset < end {
                log.read(position, ingest::queue::Limits { envelopes: 1, bytes: 1 })?;
            }
        }
        Ok(waiting)
    };
    match look() {
        Ok(waiting) => found.add("queue_and_store", State::Ok, format!("they go together; {waiting} submissions wait")),
        Err(failure) => found.add("queue_and_store", State::Wrong, failure.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> TopicFacts {
        TopicFacts {
            brokers: 3,
            partitions: 12,
            replication: 3,
            in_sync: 3,
            min_in_sync: Some(2),
            keep_ms: Some(30 * 24 * 60 * 60 * 1000),
            keep_bytes: Some(-1),
            cleanup: Some("delete".into()),
            unclean_election: Some(false),
            largest: Some(8 << 20),
        }
    }

    fn states(facts: &TopicFacts) -> Vec<(&'static str, State)> {
        let mut found = Findings::default();
        of_topic("reports", facts, &mut found);
        found.0.into_iter().map(|check| (check.name, check.state)).filter(|(_, state)| *state != State::Ok).collect()
    }

    #[test]
    fn a_topic_is_told_by_what_it_promises() {
        assert_eq!(states(&facts()), []);
        let one = TopicFacts { replication: 1, in_sync: 1, min_in_sync: Some(1), ..facts() };
        assert_eq!(states(&one), [("replication", State::Wrong), ("min_in_sync", State::Warn)]);
        let lazy = TopicFacts { min_in_sync: Some(1), ..facts() };
        assert_eq!(states(&lazy), [("min_in_sync", State::Wrong)]);
        let behind = TopicFacts { in_sync: 2, partitions: 1, ..facts() };
        assert_eq!(states(&behind), [("partitions", State::Warn), ("in_sync", State::Warn)]);
        for (facts, name, state) in [
            (TopicFacts { min_in_sync: Some(3), ..facts() }, "min_in_sync", State::Warn),
            (TopicFacts { keep_bytes: Some(1 << 30), ..facts() }, "retention", State::Wrong),
            (TopicFacts { keep_ms: Some(3_600_000), ..facts() }, "retention", State::Wrong),
            (TopicFacts { keep_ms: Some(-1), ..facts() }, "retention", State::Warn),
            (TopicFacts { keep_ms: None, ..facts() }, "retention", State::Unknown),
            (TopicFacts { cleanup: Some("compact".into()), ..facts() }, "cleanup", State::Wrong),
            (TopicFacts { unclean_election: Some(true), ..facts() }, "unclean_election", State::Wrong),
        ] {
            assert_eq!(states(&facts), [(name, state)]);
        }
    }

    #[test]
    fn a_role_is_told_by_what_it_may() {
        let role = |name: &str| RoleFacts {
            name: name.to_owned(),
            reads_coded: false,
            reads_narratives: false,
            reads_sealed: false,
            reads_tokens: false,
            adds_coded: false,
            rewrites: false,
        };
        for (role, state) in [
            (role("t_intake"), State::Ok),
            (RoleFacts { reads_coded: true, ..role("t_intake") }, State::Wrong),
            (RoleFacts { reads_coded: true, ..role("t_analyst") }, State::Ok),
            (RoleFacts { reads_coded: true, reads_narratives: true, ..role("t_analyst") }, State::Wrong),
            (RoleFacts { adds_coded: true, rewrites: true, ..role("t_worker") }, State::Wrong),
            (role("PUBLIC"), State::Wrong),
        ] {
            assert_eq!(of_role(&role).0, state, "{role:?}");
        }
    }
}
