use super::super::audit::Totals;
use super::super::findings::Findings;
use super::super::job_facts::{Failed, Ids, Leases, Lost, Rewritten};
use super::{Job, Jobs, State};

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
        let worker = String::new();
        let job = match self.find(id, 0, State::Active { token, worker }) {
            Ok(job) => job,
            Err(was) => {
                findings.report(did, format!("job {id} under {token}: it is {was}"));
                return false;
            }
        };
        let problem = match &job.state {
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

    fn bury(&mut self, id: u64) {
        self.given_up.insert(id);
        self.leave_line(id);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.state = State::Dead;
        }
    }

    pub(super) fn cancel(&mut self, fact: &Ids, totals: &mut Totals, findings: &mut Findings) {
        for id in &fact.ids {
            totals.cancelled += 1;
            if let Err(was) = self.find(*id, 0, State::Waiting) {
                findings.report("cancelled_after_its_end", format!("job {id} is {was}"));
            }
            self.put_down(*id);
            self.forget(*id);
            self.given_up.insert(*id);
            self.cancelled.insert(*id);
        }
    }

    pub(super) fn retry(&mut self, fact: &Ids, findings: &mut Findings) {
        for id in &fact.ids {
            let problem = match self.find(*id, 0, State::Dead) {
                Ok(Job {
                    state: State::Active { .. },
                    ..
                }) => Some("active"),
                Ok(job) => {
                    if job.state == State::Dead {
                        job.losses = 0;
                    }
                    job.state = State::Waiting;
                    None
                }
                Err(was) => Some(was),
            };
            if let Some(was) = problem {
                findings.report("retried_not_waiting", format!("job {id} is {was}"));
            }
        }
    }

    pub(super) fn drop_dead(&mut self, fact: &Ids, totals: &mut Totals, findings: &mut Findings) {
        for id in &fact.ids {
            totals.dropped += 1;
            let was = match self.find(*id, 0, State::Dead) {
                Ok(job) => job.state.word(),
                Err(was) => was,
            };
            if was != "dead" {
                findings.report("dropped_not_dead", format!("job {id} is {was}"));
            }
            self.put_down(*id);
            self.forget(*id);
            self.dropped.insert(*id);
        }
    }

    pub(super) fn expire(&mut self, fact: &Ids, findings: &mut Findings) {
        for id in &fact.ids {
            if let Err(was) = self.find(*id, 0, State::Waiting) {
                findings.report("expired_after_its_end", format!("job {id} is {was}"));
            }
            self.put_down(*id);
            self.bury(*id);
        }
    }

    pub(super) fn rewrite(&mut self, fact: &Rewritten, did: &'static str, findings: &mut Findings) {
        let queue = fact.job.queue;
        match self.find(fact.id, queue, State::Waiting) {
            Ok(job) => {
                let has_moved = did == "edited" && job.state == State::Waiting;
                job.group = fact.job.group.as_deref().map(Into::into);
                job.key = fact.job.key.as_deref().map(Into::into);
                if has_moved {
                    self.leave_line(fact.id);
                }
            }
            Err(was) => {
                let what = format!("job {} is {did} and {was}", fact.id);
                findings.report("rewritten_after_its_end", what);
            }
        }
    }
}
