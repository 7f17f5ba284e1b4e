//! `testigo queue`: what an operator does with the topic of a deployment on Kafka.

use std::time::Duration;

use crate::Context;
use crate::cli::QueueCommand;
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};

pub fn run(context: &Context, command: &QueueCommand) -> Result {
    let QueueCommand::Create { partitions, replication, keep } = *command;
    let Some(topic) = context.config().queue.place().topic()? else {
        return Err(Failure::usage("queue.url names no topic: kafka://HOST:PORT[,HOST:PORT]/TOPIC"));
    };
    topic.create(partitions, replication, Duration::from_secs(u64::from(keep) * 24 * 60 * 60))?;
    if replication < 3 {
        tell(format_args!(
            "with replication {replication}, an acknowledged report lies in the page cache of {}: when that machine \
             loses power it can be lost. For trials only",
            if replication == 1 { "one broker" } else { "two brokers, of which one may be away" }
        ));
    }
    if context.json {
        print_json(&serde_json::json!({
            "topic": topic.name(),
            "partitions": partitions,
            "replication": replication,
            "keep_days": keep,
        }))?;
    } else {
        say(format_args!("topic {} is made: {partitions} partitions, replication {replication}", topic.name()))?;
    }
    Ok(Outcome::Done)
}
