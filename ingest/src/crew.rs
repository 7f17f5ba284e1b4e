//! Several workers on one topic: one lane a partition in each process, partitions shared out by the consumer group.
//!
//! What always holds: this thread keeps the membership whatever the store does, so a slow store makes lanes wait and costs
//! no partition; a partition is given up only after its lane has stored what it had in hand; a lane that comes too late
//! all the same is fenced by the store's position.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::queue::kafka::{KafkaGroup, KafkaTopic, Shares};
use crate::queue::{Log, QueueError};
use crate::store::{Endings, Store};
use crate::worker::{Coder, Until, WorkError, Worker};

/// How long the membership is kept between looks at the lanes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a lane that ended rests before it is opened anew.
const REST: Duration = Duration::from_millis(500);
/// How long giving up a partition waits for its lane. Far below the 5 minutes after which the group would throw us out.
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

#[derive(Default)]
struct State {
    ours: BTreeSet<i32>,
    /// The lanes that work, and the flags that stop them.
    lanes: BTreeMap<i32, Arc<AtomicBool>>,
}

#[derive(Default)]
struct Assigned {
    state: Mutex<State>,
    ended: Condvar,
}

impl Assigned {
    fn lock(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn lane_ended(&self, partition: i32) {
        self.lock().lanes.remove(&partition);
        self.ended.notify_all();
    }
}

impl Shares for Assigned {
    fn gained(&self, partitions: &[i32]) {
        tracing::info!(?partitions, "working on partitions");
        self.lock().ours.extend(partitions);
    }

    fn lost(&self, partitions: &[i32]) {
        let mut state = self.lock();
        for partition in partitions {
            state.ours.remove(partition);
            if let Some(stop) = state.lanes.get(partition) {
                stop.store(true, Ordering::SeqCst);
            }
        }
        let busy = |state: &mut State| partitions.iter().any(|partition| state.lanes.contains_key(partition));
        let (_state, waited) =
            self.ended.wait_timeout_while(state, DRAINED_WITHIN, busy).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            tracing::warn!(?partitions, "given up before what was in hand was stored; another worker will store it");
        } else {
            tracing::debug!(?partitions, "gave up partitions");
        }
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take<T: Default>(of: &Mutex<T>) -> T {
    std::mem::take(&mut *locked(of))
}

/// Tells what lanes stored since it was told last.
fn tell_on(tally: &Mutex<Endings>, total: &mut Endings, progress: &mut dyn FnMut(Endings)) {
    let more = take(tally);
    if more != Endings::default() {
        *total += more;
        progress(more);
    }
}

/// Works on the topic as a member of its group, until told to stop or until `enough` says so. `open` makes a worker with
/// connections of its own; `until` says how patient it is with a server that is away.
pub fn run<L: Log, S: Store, C: Coder, E: From<WorkError> + From<QueueError> + Send>(
    topic: &KafkaTopic,
    open: &(dyn Fn() -> Result<Worker<L, S, C>, E> + Sync),
    stop: &AtomicBool,
    until: Until,
    enough: &mut dyn FnMut() -> Result<bool, E>,
    progress: &mut dyn FnMut(Endings),
) -> Result<Endings, E> {
    let assigned = Arc::new(Assigned::default());
    // What lanes stored since it was last told on, and how lanes ended: no more than there are of them.
    let tally = Mutex::new(Endings::default());
    let ends = Mutex::new(Vec::<(i32, Result<(), E>)>::new());
    let (tally, ends) = (&tally, &ends);
    let mut total = Endings::default();
    let mut rests: BTreeMap<i32, Instant> = BTreeMap::new();
    thread::scope(|scope| {
        let group = KafkaGroup::join(topic, Arc::clone(&assigned) as Arc<dyn Shares>)?;
        let mut work = || -> Result<(), E> {
            loop {
                group.keep(LOOK_EVERY)?;
                tell_on(tally, &mut total, progress);
                for (partition, ended) in take(ends) {
                    ended?;
                    rests.insert(partition, Instant::now() + REST);
                }
                if stop.load(Ordering::SeqCst) || enough()? {
                    return Ok(());
                }
                let mut state = assigned.lock();
                let free: Vec<i32> = state.ours.iter().filter(|p| !state.lanes.contains_key(p)).copied().collect();
                for partition in free {
                    if rests.get(&partition).is_some_and(|rest| *rest > Instant::now()) {
                        continue;
                    }
                    let lane_stop = Arc::new(AtomicBool::new(false));
                    state.lanes.insert(partition, Arc::clone(&lane_stop));
                    let assigned = Arc::clone(&assigned);
                    let lane = move || {
                        let mut progress = |more| *locked(tally) += more;
                        let worked = open().and_then(|mut worker| {
                            Ok(worker.run_partition(partition, &lane_stop, until, &mut progress)?)
                        });
                        locked(ends).push((partition, worked));
                        assigned.lane_ended(partition);
                    };
                    let started = thread::Builder::new().name(format!("lane-{partition}")).spawn_scoped(scope, lane);
                    if let Err(error) = started {
                        state.lanes.remove(&partition);
                        return Err(WorkError::Thread(error.to_string()).into());
                    }
                }
            }
        };
        let worked = work();
        // All lanes finish what they have in hand; then the group is left.
        let lanes: Vec<i32> = assigned.lock().lanes.keys().copied().collect();
        assigned.lost(&lanes);
        tell_on(tally, &mut total, progress);
        worked?;
        // An error of a lane that ended only now counts too.
        take(ends).into_iter().try_for_each(|(_, ended)| ended)?;
        Ok(total)
    })
}
