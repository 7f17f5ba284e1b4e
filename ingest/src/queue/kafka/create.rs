//! Making the topic, set as the promises need it.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use super::KafkaTopic;
use crate::queue::QueueError;

/// The largest record that the topic takes: above the largest request of the HTTP intake, sealed.
const LARGEST_RECORD: &str = "8388608";

impl KafkaTopic {
    /// Makes the topic: nothing is compacted, no replica that lags may lead, and with three replicas or more an append waits
    /// for all but one of them. What is coded leaves it after `keep`. Not for async code.
    pub fn create(&self, partitions: i32, replication: i32, keep: Duration) -> Result<(), QueueError> {
        let in_sync = (replication - 1).max(1).to_string();
        let keep = keep.as_millis().to_string();
        let topic = NewTopic::new(self.name(), partitions, TopicReplication::Fixed(replication))
            .set("cleanup.policy", "delete")
            .set("retention.ms", &keep)
            .set("retention.bytes", "-1")
            .set("min.insync.replicas", &in_sync)
            .set("unclean.leader.election.enable", "false")
            .set("max.message.bytes", LARGEST_RECORD);
        let admin: AdminClient<DefaultClientContext> = self.config().create().map_err(|e| self.failed(&e))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| QueueError::Unusable(error.to_string().into()))?;
        let options = AdminOptions::new().operation_timeout(Some(super::ANSWER_WITHIN));
        let made = runtime.block_on(admin.create_topics([&topic], &options)).map_err(|e| self.failed(&e))?;
        match made.into_iter().next() {
            Some(Err((_, code))) => {
                Err(QueueError::Unusable(format!("topic {} was not made: {code}", self.name()).into()))
            }
            _ => Ok(()),
        }
    }
}
