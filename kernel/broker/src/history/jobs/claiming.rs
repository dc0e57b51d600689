use super::super::audit::Totals;
use super::super::findings::Findings;
use super::super::job_facts::Claimed;
use super::{IGNORE, Jobs, State};

/// Bits of a token that count within one epoch.
const TOKEN_COUNT_BITS: u32 = 40;

/// What brings a job into a worker's hands, and out of them.
impl Jobs {
    pub(super) fn claim(&mut self, fact: &Claimed, totals: &mut Totals, findings: &mut Findings) {
        for (id, token) in fact.ids.iter().copied().zip(fact.token..) {
            totals.claimed += 1;
            self.check_token(id, token, findings);
            self.check_children(id, findings);
            let job = match self.find(id, fact.queue) {
                Ok(job) => job,
                Err(was) => {
                    findings.report("claimed_not_waiting", format!("job {id} is {was}"));
                    continue;
                }
            };
            if !matches!(job.state, State::Waiting | State::Unknown) {
                let what = format!("job {id} is {}", job.state.word());
                findings.report("claimed_not_waiting", what);
            }
            if token <= job.last_token {
                let what = format!("job {id}: {token} after {}", job.last_token);
                findings.report("token_does_not_rise", what);
            }
            job.last_token = token;
            let turn = job.turn.take();
            self.put_down(id);
            self.pick_up(id, token, fact, findings);
            if let Some(turn) = turn {
                self.queue(fact.queue).leave_line(id, &turn, findings);
            }
        }
        self.check_limits(fact, findings);
    }

    fn check_token(&mut self, id: u64, token: u64, findings: &mut Findings) {
        if token <= self.last_token {
            let what = format!("job {id}: {token} after {}", self.last_token);
            findings.report("claim_token_does_not_rise", what);
        }
        if self.epoch != 0 && token >> TOKEN_COUNT_BITS != self.epoch {
            let what = format!("job {id}: {token} is not of epoch {}", self.epoch);
            findings.report("claim_token_of_another_start", what);
        }
        self.last_token = self.last_token.max(token);
    }

    fn check_children(&self, id: u64, findings: &mut Findings) {
        let Some(job) = self.jobs.get(&id).filter(|job| job.state == State::Waiting) else {
            return;
        };
        for child in &job.open {
            let is_ignored = job.on_dead_child == IGNORE && self.may_be_given_up(*child);
            if !self.completed.contains(*child) && !is_ignored && *child >= self.first {
                let what = format!("job {id} waits for {child}");
                findings.report("claimed_before_its_children", what);
            }
        }
    }

    /// A job whose child went before the first record may have died with it, which no record says.
    fn may_be_given_up(&self, id: u64) -> bool {
        let is_unknown = || {
            self.jobs
                .get(&id)
                .is_some_and(|job| job.state == State::Unknown)
        };
        self.given_up.contains(id) || is_unknown()
    }

    /// Takes a waiting job into a worker's hands.
    fn pick_up(&mut self, id: u64, token: u64, fact: &Claimed, findings: &mut Findings) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        let worker = fact.worker.clone();
        job.state = State::Active { token, worker };
        let hands = self.workers.entry(fact.worker.clone()).or_default();
        let is_suspect = job.losses > 0;
        if hands.suspects > 0 || (is_suspect && hands.jobs > 0) {
            let what = format!("job {id} for {}, which holds {}", fact.worker, hands.jobs);
            findings.report("suspect_not_alone", what);
        }
        hands.jobs += 1;
        hands.suspects += u32::from(is_suspect);
        let (group, key) = (job.group.clone(), job.key.clone());
        let queue = self.queue(fact.queue);
        queue.start(group.as_deref(), key.as_deref());
        queue.check_pause(id, group.as_deref(), findings);
    }

    /// Takes a job out of its worker's hands, if it is in some.
    pub(super) fn put_down(&mut self, id: u64) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        let State::Active { worker, .. } = std::mem::replace(&mut job.state, State::Waiting) else {
            return;
        };
        if let Some(hands) = self.workers.get_mut(&worker) {
            hands.jobs = hands.jobs.saturating_sub(1);
            hands.suspects = hands.suspects.saturating_sub(u32::from(job.losses > 0));
            if hands.jobs == 0 {
                self.workers.remove(&worker);
            }
        }
        let (number, group, key) = (job.queue, job.group.clone(), job.key.clone());
        self.queue(number).stop(group.as_deref(), key.as_deref());
    }

    fn check_limits(&mut self, fact: &Claimed, findings: &mut Findings) {
        for id in &fact.ids {
            if let Some(job) = self.jobs.get(id)
                && let Some(queue) = self.queues.get(&fact.queue)
            {
                queue.check_limits(*id, job.group.as_deref(), job.key.as_deref(), findings);
            }
        }
    }
}
