//! What a topic is like, for who checks a deployment.

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;

use super::{ANSWER_WITHIN, KafkaTopic};
use crate::queue::QueueError;

/// A topic's form, as the brokers tell it. A setting that they do not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFacts {
    pub brokers: usize,
    pub partitions: usize,
    /// On how many brokers the partition lies that lies on the fewest.
    pub replication: usize,
    /// How many of them have all of it just now, for the partition where that is fewest.
    pub in_sync: usize,
    pub min_in_sync: Option<i64>,
    pub keep_ms: Option<i64>,
    pub keep_bytes: Option<i64>,
    pub cleanup: Option<String>,
    pub unclean_election: Option<bool>,
    pub largest: Option<i64>,
}

impl KafkaTopic {
    /// Asks the brokers. Not for async code.
    pub fn describe(&self) -> Result<TopicFacts, QueueError> {
        let admin: AdminClient<DefaultClientContext> = self.config().create().map_err(|e| self.failed(&e))?;
        let found = admin.inner().fetch_metadata(Some(self.name()), ANSWER_WITHIN).map_err(|e| self.failed(&e))?;
        let topic = found.topics().first().filter(|topic| !topic.partitions().is_empty());
        let partitions = topic.ok_or_else(|| self.missing())?.partitions();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| QueueError::Unusable(error.to_string().into()))?;
        let options = AdminOptions::new().request_timeout(Some(ANSWER_WITHIN));
        let asked = [ResourceSpecifier::Topic(self.name())];
        let told = runtime.block_on(admin.describe_configs(&asked, &options)).map_err(|e| self.failed(&e))?;
        let settings = told.into_iter().next().and_then(Result::ok);
        let setting = |name: &str| settings.as_ref()?.get(name)?.value.clone();
        let number = |name: &str| setting(name)?.parse::<i64>().ok();
        Ok(TopicFacts {
            brokers: found.brokers().len(),
            partitions: partitions.len(),
            replication: partitions.iter().map(|p| p.replicas().len()).min().unwrap_or(0),
            in_sync: partitions.iter().map(|p| p.isr().len()).min().unwrap_or(0),
            min_in_sync: number("min.insync.replicas"),
            keep_ms: number("retention.ms"),
            keep_bytes: number("retention.bytes"),
            cleanup: setting("cleanup.policy"),
            unclean_election: setting("unclean.leader.election.enable").map(|value| value == "true"),
            largest: number("max.message.bytes"),
        })
    }
}
