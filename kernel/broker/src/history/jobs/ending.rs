use super::super::audit::Totals;
use super::super::findings::Findings;
use super::super::job_facts::{Failed, Ids, Leases, Lost, Rewritten};
use super::{DIE, Job, Jobs, State};

/// What ends an attempt or a job, and what begins one anew.
impl Jobs {
    /// Ends an attempt: the job must be in a worker's hands under this token.
    fn end_attempt(
        &mut self,
        id: u64,
        token: u64,
        did: &'static str,
        findings: &mut Findings,
    ) -> bool {
        let job = match self.find(id, 0) {
            Ok(job) => job,
            Err(was) => {
                findings.report(did, format!("job {id} under {token}: it is {was}"));
                return false;
            }
        };
        let problem = match &job.state {
            State::Unknown => None,
            State::Active { token: held, .. } if *held == token => None,
            State::Active { token: held, .. } => Some(format!("it is held under {held}")),
            other => Some(format!("it is {}", other.word())),
        };
        let is_held = problem.is_none();
        if let Some(problem) = problem {
            findings.report(did, format!("job {id} under {token}: {problem}"));
        }
        self.put_down(id);
        is_held
    }

    pub(super) fn complete(&mut self, fact: &Leases, totals: &mut Totals, findings: &mut Findings) {
        for (id, token) in fact.ids.iter().zip(&fact.tokens) {
            totals.completed += 1;
            self.end_attempt(*id, *token, "completed_not_held", findings);
            self.forget(*id);
            if !self.completed.insert(*id) {
                findings.report("completed_twice", format!("job {id} under {token}"));
            }
        }
    }

    pub(super) fn fail(&mut self, fact: Failed, totals: &mut Totals, findings: &mut Findings) {
        totals.failures += 1;
        self.end_attempt(fact.id, fact.token, "failed_not_held", findings);
        if fact.due.is_none() {
            self.bury(fact.id);
        }
    }

    pub(super) fn release(&mut self, fact: &Leases, findings: &mut Findings) {
        for (id, token) in fact.ids.iter().zip(&fact.tokens) {
            self.end_attempt(*id, *token, "released_not_held", findings);
        }
    }

    pub(super) fn lose(&mut self, fact: &Lost, totals: &mut Totals, findings: &mut Findings) {
        for (index, (id, token)) in fact.ids.iter().zip(&fact.tokens).enumerate() {
            totals.losses += 1;
            self.end_attempt(*id, *token, "lost_not_held", findings);
            if let Some(job) = self.jobs.get_mut(id) {
                job.losses += 1;
            }
            if fact.dead.get(index) == Some(&true) {
                self.bury(*id);
            }
        }
    }

    /// The job is dead, and so are those that die with it.
    pub(super) fn bury(&mut self, id: u64) {
        self.leave_line(id);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.state = State::Dead;
        }
        self.give_up(id, false);
    }

    /// Of the jobs that die with this one, those that wait for it do. All but those that ignore it die with
    /// one that is `gone`, cancelled or dropped: nobody can complete it any more.
    fn give_up(&mut self, id: u64, gone: bool) {
        let mut given_up = vec![(id, gone)];
        while let Some((child, gone)) = given_up.pop() {
            self.given_up.insert(child);
            for parent in self.dependants.remove(&child).unwrap_or_default() {
                let job = self.jobs.get_mut(&parent);
                let waits =
                    |job: &&mut Job| job.state == State::Waiting && job.open.contains(&child);
                let Some(job) = job.filter(waits) else {
                    continue;
                };
                if gone || job.on_dead_child == DIE {
                    job.state = State::Dead;
                    self.leave_line(parent);
                    given_up.push((parent, false));
                } else {
                    self.dependants.entry(child).or_default().push(parent);
                }
            }
        }
    }

    pub(super) fn cancel(&mut self, fact: &Ids, totals: &mut Totals, findings: &mut Findings) {
        for id in &fact.ids {
            totals.cancelled += 1;
            if let Err(was) = self.find(*id, 0) {
                findings.report("cancelled_after_its_end", format!("job {id} is {was}"));
            }
            self.put_down(*id);
            self.forget(*id);
            self.cancelled.insert(*id);
            self.give_up(*id, true);
        }
    }

    pub(super) fn retry(&mut self, fact: &Ids, findings: &mut Findings) {
        for id in &fact.ids {
            let was = match self.find(*id, 0) {
                Ok(job) => job.state.word(),
                Err(was) => was,
            };
            match was {
                "dead" => self.revive(*id),
                "waiting" | "unknown" => {}
                _ => findings.report("retried_not_waiting", format!("job {id} is {was}")),
            }
        }
    }

    /// A dead job begins anew, in spite of children that will never be completed.
    fn revive(&mut self, id: u64) {
        let Some(mut job) = self.jobs.remove(&id) else {
            return;
        };
        job.losses = 0;
        job.state = State::Waiting;
        let is_left = |child: &u64| {
            let child = self.jobs.get(child);
            child.is_some_and(|child| child.state != State::Dead)
        };
        job.open.retain(is_left);
        self.jobs.insert(id, job);
        self.depend(id);
    }

    pub(super) fn drop_dead(&mut self, fact: &Ids, totals: &mut Totals, findings: &mut Findings) {
        for id in &fact.ids {
            totals.dropped += 1;
            let was = match self.find(*id, 0) {
                Ok(job) => job.state.word(),
                Err(was) => was,
            };
            if was != "dead" && was != "unknown" {
                findings.report("dropped_not_dead", format!("job {id} is {was}"));
            }
            self.put_down(*id);
            self.forget(*id);
            self.dropped.insert(*id);
            self.give_up(*id, true);
        }
    }

    pub(super) fn expire(&mut self, fact: &Ids, findings: &mut Findings) {
        for id in &fact.ids {
            if let Err(was) = self.find(*id, 0) {
                findings.report("expired_after_its_end", format!("job {id} is {was}"));
            }
            self.put_down(*id);
            self.bury(*id);
        }
    }

    pub(super) fn carry(&mut self, fact: &Rewritten, findings: &mut Findings) {
        if let Err(was) = self.find(fact.id, fact.job.queue) {
            let what = format!("job {} is {was}", fact.id);
            findings.report("carried_after_its_end", what);
        }
    }

    /// A dead job gets another payload; one that waits is another one from now on, in its place.
    pub(super) fn edit(&mut self, fact: &Rewritten, findings: &mut Findings) {
        let id = fact.id;
        let was = match self.find(id, fact.job.queue) {
            Ok(job) => job.state.word(),
            Err(was) => was,
        };
        if was == "waiting" {
            self.leave_line(id);
            let new = self.new_job(id, &fact.job, findings);
            self.leave_line_of(id, new.turn.as_ref());
            if let Some(job) = self.jobs.get_mut(&id) {
                job.group = new.group;
                job.key = new.key;
                job.open = new.open;
                job.on_dead_child = new.on_dead_child;
            }
            self.depend(id);
        } else if was != "dead" && was != "unknown" {
            findings.report("edited_not_waiting", format!("job {id} is {was}"));
        }
    }
}
