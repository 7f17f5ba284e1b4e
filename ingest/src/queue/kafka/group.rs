//! The consumer group: which of the topic's partitions this process works on.
//!
//! What always holds: the group only shares partitions out. Its consumer fetches nothing and commits nothing: what is read
//! and from where is for [`super::KafkaLog`] and the store's positions. A partition is given up only after whoever works
//! on it was told and has ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;

use super::{ANSWER_WITHIN, KafkaTopic, passes, trouble};
use crate::queue::QueueError;

/// Whoever works on partitions. Called by the thread that keeps the membership.
pub trait Shares: Send + Sync {
    /// These are this process's from now on.
    fn gained(&self, partitions: &[i32]);

    /// These go to another. Returns when nobody here works on them any more.
    fn lost(&self, partitions: &[i32]);
}

struct Member(Arc<dyn Shares>);

impl ClientContext for Member {
    fn error(&self, error: KafkaError, reason: &str) {
        trouble(&error, reason);
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            self.0.lost(&partitions(list));
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            if let Err(error) = consumer.pause(list) {
                tracing::warn!(%error, "the group's own consumer could not be paused");
            }
            self.0.gained(&partitions(list));
        }
    }
}

fn group_of(topic: &KafkaTopic) -> String {
    format!("testigo.{}", topic.name())
}

impl KafkaTopic {
    /// How many workers are in the topic's group just now.
    pub fn workers(&self) -> Result<usize, QueueError> {
        let client: BaseConsumer = self.config().create().map_err(|e| self.failed(&e))?;
        let found =
            client.client().fetch_group_list(Some(&group_of(self)), ANSWER_WITHIN).map_err(|e| self.failed(&e))?;
        Ok(found.groups().iter().map(|group| group.members().len()).sum())
    }
}

/// Membership of the group of a topic's workers. Dropping it leaves the group.
pub struct KafkaGroup {
    topic: KafkaTopic,
    consumer: BaseConsumer<Member>,
}

impl fmt::Debug for KafkaGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KafkaGroup({})", self.topic.name())
    }
}

impl KafkaGroup {
    /// Asks to be let in. Partitions come while [`KafkaGroup::keep`] is called.
    pub fn join(topic: &KafkaTopic, shares: Arc<dyn Shares>) -> Result<Self, QueueError> {
        let mut config = topic.config();
        config
            .set("group.id", group_of(topic))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // Nothing of this consumer's is ever read; this only keeps it from asking for what is gone.
            .set("auto.offset.reset", "latest")
            .set("queued.max.messages.kbytes", "1024")
            .set("partition.assignment.strategy", "roundrobin")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500");
        let consumer: BaseConsumer<Member> =
            config.create_with_context(Member(shares)).map_err(|e| topic.failed(&e))?;
        topic.look_up(consumer.client())?;
        consumer.subscribe(&[topic.name()]).map_err(|e| topic.failed(&e))?;
        Ok(Self { topic: topic.clone(), consumer })
    }

    /// Keeps the membership for so long; partitions are gained and lost meanwhile.
    pub fn keep(&self, time: Duration) -> Result<(), QueueError> {
        match self.consumer.poll(time) {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(code) if passes(code) => Ok(()),
                _ => Err(self.topic.failed(&error)),
            },
        }
    }
}
