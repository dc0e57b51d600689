//! All of the machine in parts, and back.

mod body;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portique_clock::Timestamp;
use prost::Message;

use self::body::{
    EntriesBody, EntryBody, HeaderBody, MovedBody, Part, PieceBody, QueueBody, ScheduledBody,
    StateCode,
};
use super::entry::{Entry, HeldKey, Hold, Lease, More, State};
use super::fact::{BindingBody, Defined, FactError, ScheduleBody};
use super::parts::{DurationHistogram, KeyHash, Malformed};
use super::queue::Queue;
use super::schedules::Scheduled;
use super::{Machine, Now};
use crate::{JobId, Label, OnDeadChild};

/// Most bytes of a part.
const PART_BYTES_MAX: usize = 256 * 1024;
/// Room in a part for what is around its content.
const PART_OVERHEAD_BYTES: usize = 64;

impl Machine {
    /// Everything that is durable, in parts of at most 256 KiB each, or of one schedule or queue that
    /// is larger by itself; a record of the journal has room for any of them. Takes time by the number of jobs that
    /// are not plain waiting ones.
    pub fn checkpoint(&self) -> Vec<Bytes> {
        let mut parts = Parts::default();
        parts.push(Part::Header(HeaderBody {
            epoch: self.epoch,
            claims: self.claims,
            next_queue: self.next_queue,
        }));
        for queue in self.queues.values() {
            parts.push(Part::Queue(write_queue(queue)));
            let bytes_max = PART_BYTES_MAX - PART_OVERHEAD_BYTES;
            let number = queue.number;
            let piece = |bytes: Vec<u8>| PieceBody {
                queue: number,
                bytes: bytes.into(),
            };
            let backlog = queue.backlog.encode(bytes_max).into_iter();
            parts.extend(backlog.map(|bytes| Part::Backlog(piece(bytes))));
            let finished = queue.finished.encode(bytes_max).into_iter();
            parts.extend(finished.map(|bytes| Part::Finished(piece(bytes))));
            let unique = queue.unique.encode(bytes_max).into_iter();
            parts.extend(unique.map(|bytes| Part::Unique(piece(bytes))));
        }
        let keys = self.keys.encode(PART_BYTES_MAX - PART_OVERHEAD_BYTES);
        parts.extend(keys.into_iter().map(|bytes| {
            Part::Keys(PieceBody {
                queue: 0,
                bytes: bytes.into(),
            })
        }));
        self.write_entries(&mut parts);
        self.write_moved(&mut parts);
        for scheduled in self.schedules.values() {
            parts.push(Part::Schedule(write_schedule(scheduled)));
        }
        for binding in self.bindings.values() {
            parts.push(Part::Binding(BindingBody::new(binding)));
        }
        parts.0
    }

    /// The machine that [`checkpoint`](Self::checkpoint) described, its leases with their full time from
    /// `now`.
    ///
    /// # Errors
    /// [`FactError`] when a part is not what was written.
    pub fn restore(parts: &[Bytes], now: Now) -> Result<Self, FactError> {
        let mut machine = Self::new();
        for part in parts {
            machine.absorb(Part::parse(part)?, now)?;
        }
        machine.check_places()?;
        machine.plan_all();
        Ok(machine)
    }

    fn absorb(&mut self, part: Part, now: Now) -> Result<(), FactError> {
        match part {
            Part::Header(header) => {
                self.epoch = header.epoch;
                self.claims = header.claims;
                self.next_queue = header.next_queue;
            }
            Part::Queue(body) => self.read_queue(body, now)?,
            Part::Backlog(piece) => {
                let queue = self.queue_of(piece.queue)?;
                queue.backlog.absorb(&piece.bytes).map_err(malformed)?;
                queue.refresh(super::entry::NO_GROUP);
            }
            Part::Finished(piece) => {
                let queue = self.queue_of(piece.queue)?;
                queue.finished.absorb(&piece.bytes).map_err(malformed)?;
            }
            Part::Unique(piece) => {
                let queue = self.queue_of(piece.queue)?;
                queue.unique.absorb(&piece.bytes).map_err(malformed)?;
            }
            Part::Keys(piece) => self.keys.absorb(&piece.bytes).map_err(malformed)?,
            Part::Entries(body) => {
                for entry in &body.entries {
                    self.read_entry(entry, &body.names, now)?;
                }
            }
            Part::Moved(moved) => self
                .moved
                .extend(moved.ids.into_iter().zip(moved.locations)),
            Part::Schedule(body) => self.read_schedule(&body)?,
            Part::Binding(body) => {
                let binding = body.read().map_err(|_| broken("bindings"))?;
                self.bindings.insert(binding.name.clone(), binding);
            }
        }
        Ok(())
    }

    /// A job is in one place, or a queue would count it where it is not: one walk over all ids, ascending,
    /// that are held by entries and by backlogs.
    fn check_places(&self) -> Result<(), FactError> {
        let entries = self.entries.keys().map(|id| (*id, *id));
        let mut holders: Vec<Box<dyn Iterator<Item = (u64, u64)> + '_>> = vec![Box::new(entries)];
        for queue in self.queues.values() {
            holders.push(Box::new(queue.backlog.ranges()));
        }
        let mut heads = BinaryHeap::new();
        for (holder, ranges) in holders.iter_mut().enumerate() {
            heads.extend(ranges.next().map(|range| Reverse((range, holder))));
        }
        let mut free_from = 0;
        while let Some(Reverse(((first, last), holder))) = heads.pop() {
            if first < free_from {
                return Err(broken("jobs"));
            }
            free_from = last.saturating_add(1);
            heads.extend(holders[holder].next().map(|range| Reverse((range, holder))));
        }
        Ok(())
    }

    fn queue_of(&mut self, number: u32) -> Result<&mut Queue, FactError> {
        self.queues.get_mut(&number).ok_or(broken("queues"))
    }

    fn read_queue(&mut self, body: QueueBody, now: Now) -> Result<(), FactError> {
        body.defined.check().map_err(|_| broken("queues"))?;
        let (number, name) = (body.defined.queue, body.defined.name());
        let mut queue = Queue::new(number, name.clone(), body.defined.options(), now);
        queue.is_paused = body.is_paused;
        queue.is_draining = body.is_draining;
        for group in &body.paused_groups {
            Label::new(group.as_str()).map_err(|_| broken("queues"))?;
            let group = queue.group_number(Some(group));
            queue.lane_mut(group).is_paused = true;
        }
        let happened = &mut queue.happened;
        happened.enqueued = body.enqueued;
        happened.completed = body.completed;
        happened.failures = body.failures;
        happened.losses = body.losses;
        happened.dead = body.dead;
        happened.cancelled = body.cancelled;
        happened.durations = DurationHistogram::decode(&body.durations).map_err(malformed)?;
        self.names.insert(name, number);
        self.queues.insert(number, queue);
        Ok(())
    }

    fn write_entries(&self, parts: &mut Parts) {
        let mut open = EntriesBody::default();
        let mut names = body::Names::default();
        let mut bytes = 0;
        for (id, entry) in &self.entries {
            let body = self.write_entry(*id, entry, &mut names);
            bytes += body.encoded_len() + PART_OVERHEAD_BYTES;
            open.entries.push(body);
            if bytes + names.bytes() > PART_BYTES_MAX - body::ENTRY_BYTES_MAX {
                open.names = std::mem::take(&mut names).finish();
                parts.push(Part::Entries(std::mem::take(&mut open)));
                bytes = 0;
            }
        }
        if !open.entries.is_empty() {
            open.names = names.finish();
            parts.push(Part::Entries(open));
        }
    }

    fn write_entry(&self, id: u64, entry: &Entry, names: &mut body::Names) -> EntryBody {
        let queue = &self.queues[&entry.queue];
        let group = queue.lane(entry.group).label.as_ref();
        let key = queue.keys.find(entry.key).map(|key| &key.label);
        let mut body = EntryBody {
            id,
            queue: entry.queue,
            group: names.index(group.map(|label| label.as_str())),
            key: names.index(key.map(|label| label.as_str())),
            attempts: entry.attempts,
            failures: entry.failures,
            losses: entry.losses.into(),
            redrives: entry.redrives.into(),
            priority: entry.priority.into(),
            due: entry.due.as_nanos(),
            line: (entry.line != entry.due).then(|| entry.line.as_nanos()),
            enqueued: entry.enqueued.as_nanos(),
            moved_to: if entry.location == id {
                0
            } else {
                entry.location
            },
            ..EntryBody::default()
        };
        let code = match entry.state {
            State::Delayed => StateCode::Delayed,
            State::Failed => StateCode::Failed,
            State::Blocked => StateCode::Blocked,
            State::Ready | State::Suspect | State::Overdue | State::Picked => StateCode::Due,
            State::Active(lease) => {
                let worker = self.workers.name(lease.worker);
                body.worker = names.index(Some(worker.as_str()));
                body.token = lease.token;
                body.lease_ms = lease.time_ms;
                body.since = lease.since.as_nanos();
                StateCode::Active
            }
            State::Dead { at } => {
                body.since = at.as_nanos();
                StateCode::Dead
            }
        };
        body.state = code as u32;
        if let Some(more) = &entry.more {
            write_more(more, &mut body);
        }
        body
    }

    fn read_entry(
        &mut self,
        body: &EntryBody,
        names: &[String],
        now: Now,
    ) -> Result<(), FactError> {
        let name = |index: u32| match index.checked_sub(1) {
            None => Ok(None),
            Some(index) => match names.get(index as usize) {
                Some(name) if Label::new(name.as_str()).is_ok() => Ok(Some(name.as_str())),
                _ => Err(broken("jobs")),
            },
        };
        let queue = self.queues.get_mut(&body.queue).ok_or(broken("jobs"))?;
        if self.entries.contains_key(&body.id) {
            return Err(broken("jobs"));
        }
        let mut entry = Entry::plain(body.queue, body.id, Timestamp::from_nanos(body.enqueued));
        entry.group = queue.group_number(name(body.group)?);
        entry.key = queue.key_number(name(body.key)?);
        entry.attempts = body.attempts;
        entry.failures = body.failures;
        entry.losses = u16::try_from(body.losses).unwrap_or(u16::MAX);
        entry.redrives = u16::try_from(body.redrives).unwrap_or(u16::MAX);
        entry.priority = i16::try_from(body.priority).map_err(|_| broken("jobs"))?;
        entry.put_at(Timestamp::from_nanos(body.due));
        if let Some(line) = body.line {
            entry.line = Timestamp::from_nanos(line);
        }
        if entry.is_due_at_once() {
            queue.last_in_line = queue.last_in_line.max(entry.line);
        }
        if body.moved_to != 0 {
            entry.location = body.moved_to;
        }
        entry.more = read_more(body)?;
        entry.state = match StateCode::try_from(body.state).map_err(|()| broken("jobs"))? {
            StateCode::Delayed => State::Delayed,
            StateCode::Failed => State::Failed,
            StateCode::Blocked => State::Blocked,
            StateCode::Due if entry.is_suspect() => State::Suspect,
            StateCode::Due => State::Ready,
            StateCode::Dead => State::Dead {
                at: Timestamp::from_nanos(body.since),
            },
            StateCode::Active => {
                let worker = name(body.worker)?.ok_or(broken("jobs"))?;
                let time = Duration::from_millis(body.lease_ms.into());
                let until = now.monotonic.saturating_add(time);
                self.leases.insert((until, body.id));
                let worker = self.workers.number(worker).ok_or(broken("jobs"))?;
                self.workers.take(worker, entry.is_suspect());
                State::Active(Lease {
                    token: body.token,
                    since: Timestamp::from_nanos(body.since),
                    until,
                    time_ms: body.lease_ms,
                    worker,
                })
            }
        };
        queue.adopt(&entry);
        queue.enter(body.id, &entry);
        self.index_entry(body.id, &entry);
        self.entries.insert(body.id, entry);
        Ok(())
    }

    /// Notes what is looked up outside of the queue.
    fn index_entry(&mut self, id: u64, entry: &Entry) {
        let Some(more) = &entry.more else {
            return;
        };
        if let Some(deadline) = more.deadline.filter(|_| !entry.is_dead()) {
            self.deadlines.insert((deadline, id));
        }
        for child in &more.open {
            self.parents.entry(*child).or_default().push(id);
        }
        self.reason_bytes += more.last_error.as_ref().map_or(0, |reason| reason.len());
    }

    fn write_moved(&self, parts: &mut Parts) {
        let moved: Vec<(u64, u64)> = self.moved.iter().map(|(id, to)| (*id, *to)).collect();
        for some in moved.chunks(PART_BYTES_MAX / body::MOVED_BYTES_MAX) {
            let (ids, locations) = some.iter().copied().unzip();
            parts.push(Part::Moved(MovedBody { ids, locations }));
        }
    }

    fn read_schedule(&mut self, body: &ScheduledBody) -> Result<(), FactError> {
        let schedule = body.schedule.read().map_err(|_| broken("schedules"))?;
        let seen_to = Timestamp::from_nanos(body.seen_to);
        let Some(mut scheduled) = Scheduled::new(schedule, seen_to) else {
            return Err(broken("schedules"));
        };
        let last_job = Some(body.last_job).filter(|id| *id != 0).map(JobId);
        let last = body.last_tick.map(Timestamp::from_nanos);
        scheduled.last = last.map(|tick| (tick, last_job));
        scheduled.newest = Some(body.newest_job).filter(|id| *id != 0);
        let name = scheduled.schedule.name.clone();
        self.schedules.insert(name, scheduled);
        Ok(())
    }
}

/// Parts as they are written.
#[derive(Default)]
struct Parts(Vec<Bytes>);

impl Parts {
    fn push(&mut self, part: Part) {
        self.0.push(part.write());
    }

    fn extend(&mut self, parts: impl Iterator<Item = Part>) {
        self.0.extend(parts.map(|part| part.write()));
    }
}

fn write_queue(queue: &Queue) -> QueueBody {
    let happened = &queue.happened;
    let paused = queue.lanes.iter().filter(|(_, lane)| lane.is_paused);
    let paused = paused.filter_map(|(_, lane)| Some(lane.label.as_ref()?.to_string()));
    QueueBody {
        defined: Defined::new(queue.number, &queue.name, &queue.options),
        is_paused: queue.is_paused,
        is_draining: queue.is_draining,
        paused_groups: paused.collect(),
        enqueued: happened.enqueued,
        completed: happened.completed,
        failures: happened.failures,
        losses: happened.losses,
        dead: happened.dead,
        cancelled: happened.cancelled,
        durations: happened.durations.encode().into(),
    }
}

fn write_more(more: &More, body: &mut EntryBody) {
    body.deadline = more.deadline.map(Timestamp::as_nanos);
    if let Some(held) = more.unique {
        body.unique = held.hash.to_words().to_vec();
        body.hold = match held.hold {
            Hold::Finish => 0,
            Hold::Claim => 1,
            Hold::Time => 2,
        };
    }
    body.result_ttl_nanos = more.result_ttl.map(super::fact::nanos);
    body.open = more.open.clone();
    body.on_dead_child = match more.on_dead_child {
        _ if more.open.is_empty() => 0,
        OnDeadChild::Wait => 0,
        OnDeadChild::Ignore => 1,
        OnDeadChild::Die => 2,
    };
    body.last_error = more.last_error.as_deref().map(str::to_owned);
}

fn read_more(body: &EntryBody) -> Result<Option<Box<More>>, FactError> {
    let unique = match body.unique.as_slice() {
        [] => None,
        &[low, high] => Some(HeldKey {
            hash: KeyHash::from_words([low, high]),
            hold: match body.hold {
                0 => Hold::Finish,
                1 => Hold::Claim,
                _ => Hold::Time,
            },
        }),
        _ => return Err(broken("jobs")),
    };
    let more = More {
        deadline: body.deadline.map(Timestamp::from_nanos),
        unique,
        result_ttl: body.result_ttl_nanos.map(Duration::from_nanos),
        open: body.open.clone(),
        on_dead_child: match body.on_dead_child {
            1 => OnDeadChild::Ignore,
            2 => OnDeadChild::Die,
            _ => OnDeadChild::Wait,
        },
        last_error: body.last_error.as_deref().map(Arc::from),
        progress: None,
    };
    Ok((!more.is_empty()).then(|| Box::new(more)))
}

fn write_schedule(scheduled: &Scheduled) -> ScheduledBody {
    ScheduledBody {
        schedule: ScheduleBody::new(scheduled.schedule.clone(), scheduled.seen_to),
        seen_to: scheduled.seen_to.as_nanos(),
        last_tick: scheduled.last.map(|(tick, _)| tick.as_nanos()),
        last_job: scheduled
            .last
            .and_then(|(_, job)| job)
            .map_or(0, |job| job.0),
        newest_job: scheduled.newest.unwrap_or(0),
    }
}

fn broken(what: &'static str) -> FactError {
    FactError::Checkpoint { what }
}

fn malformed(error: Malformed) -> FactError {
    broken(error.what)
}
