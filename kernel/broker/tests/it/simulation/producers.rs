use std::time::Duration;

use portique_clock::Clock;
use portique_jobs::{
    Dependency, Jobs, MissedTicks, NewJob, OnDeadChild, Overlap, Payload, Schedule, Unique,
    UniqueMode,
};
use portique_journal::Journal;

use super::answers::Stopped;
use super::names::{LABELS, QUEUES, kind, label, queue, schedule_name};
use super::world::World;

impl World {
    pub(super) fn payload(text: &str) -> Payload {
        Payload::json(text.to_owned())
    }

    pub(super) fn new_job(&mut self, place: usize) -> (NewJob, String) {
        let name = QUEUES[self.choose(4)];
        let text = self.ledger.next_text();
        let mut job = NewJob::new(queue(name), kind(), Self::payload(&text));
        let options = &mut job.options;
        let pick = |world: &mut Self| Some(label(LABELS[world.choose(3)]));
        match name {
            "keyed" => options.key = pick(self),
            "fair" => options.group = pick(self),
            _ => {}
        }
        match self.below(20) {
            0 => options.priority = [-3, 5][self.choose(2)],
            1 => options.run_at = Some(self.clock.now().plus(self.seconds(20))),
            2 => options.deadline = Some(self.clock.now().plus(self.seconds(60))),
            3 => {
                let modes = [
                    UniqueMode::UntilFinished,
                    UniqueMode::UntilClaimed,
                    UniqueMode::Replace,
                    UniqueMode::For(Duration::from_secs(30)),
                ];
                let mode = modes[self.choose(4)];
                let key = LABELS[self.choose(3)].to_owned();
                options.unique = Some(Unique { key, mode });
            }
            4 => options.after = self.some_known().map(Dependency::Job).into_iter().collect(),
            5 if place > 0 => options.after = vec![Dependency::InBatch(place - 1)],
            _ => {}
        }
        let on_dead = [OnDeadChild::Wait, OnDeadChild::Ignore, OnDeadChild::Die];
        options.on_dead_child = on_dead[self.choose(3)];
        (job, text)
    }

    pub(super) async fn enqueue(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        if self.below(8) == 0 {
            return self.enqueue_keyed(jobs, journal).await;
        }
        let count = 1 + self.choose(4);
        let (batch, texts): (Vec<_>, Vec<_>) = (0..count).map(|at| self.new_job(at)).unzip();
        self.ledger.ask(&texts, []);
        let answer = self.patient(journal, jobs.enqueue(batch)).await;
        if let Some(answer) = self.answered(answer)? {
            self.ledger.enqueued(texts, &answer);
        }
        Ok(())
    }

    /// One of a few requests, again and again; sometimes with another content.
    async fn enqueue_keyed(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let key = format!("key {}", self.below(5));
        let is_other = self.below(4) == 0;
        let text = if is_other {
            "\"another\"".to_owned()
        } else {
            format!("\"the job of {key}\"")
        };
        let mut job = NewJob::new(queue("plain"), kind(), Self::payload(&text));
        job.options.idempotency_key = Some(key.clone());
        let answer = self.patient(journal, jobs.enqueue(vec![job])).await;
        if let Some(answer) = self.answered(answer)? {
            self.ledger.enqueued(vec![text], &answer);
            if !is_other {
                self.ledger.keyed(&key, answer[0]);
            }
        }
        Ok(())
    }

    pub(super) async fn schedule(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let job = NewJob::new(queue("few"), kind(), Self::payload("\"tick\""));
        let schedule = Schedule {
            name: schedule_name("often"),
            cron: "*/3 * * * * *".into(),
            zone: "Europe/Paris".into(),
            job,
            missed: [MissedTicks::Skip, MissedTicks::Last, MissedTicks::All][self.choose(3)],
            overlap: [Overlap::Queue, Overlap::Skip, Overlap::Replace][self.choose(3)],
            is_paused: self.below(2) == 0,
        };
        let answer = self.patient(journal, jobs.define_schedule(schedule)).await;
        self.answered(answer).map(drop)
    }
}
