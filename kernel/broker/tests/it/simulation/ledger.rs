use std::collections::{BTreeMap, BTreeSet, HashMap};

use portique_broker::history::Acknowledged;
use portique_jobs::{Claimed, Enqueued, JobId, Lease, Settled};

/// What the clients know: everything they were answered, and what they asked without an answer.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    next: u64,
    pub(super) jobs: BTreeMap<JobId, Known>,
    /// Texts of jobs whose enqueuing was not answered.
    doubtful: BTreeSet<String>,
    /// The request that waits for its answer: texts of new jobs, and jobs to be changed.
    asked: (Vec<String>, Vec<JobId>),
    /// The job that each idempotency key was answered with.
    keys: HashMap<String, JobId>,
    pub(super) told: Acknowledged,
}

/// What a client knows about a job.
#[derive(Debug)]
pub(super) struct Known {
    /// What it was enqueued with; none when the engine made it, or it was edited.
    text: Option<String>,
    /// The highest token it was handed out under.
    token: u64,
    pub(super) fate: Fate,
    /// Something was asked about it and not answered.
    pub(super) is_doubtful: bool,
}

/// What a client was told became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    Completed { token: u64 },
    Cancelled,
    Dropped,
}

impl Known {
    fn new(text: Option<String>) -> Self {
        Self {
            text,
            token: 0,
            fate: Fate::Open,
            is_doubtful: false,
        }
    }
}

impl Ledger {
    /// A text no other job has.
    pub(super) fn next_text(&mut self) -> String {
        self.next += 1;
        format!("\"job {}\"", self.next)
    }

    pub(super) fn enqueued(&mut self, texts: Vec<String>, answer: &[Enqueued]) {
        assert_eq!(texts.len(), answer.len(), "one answer per job");
        for (text, job) in texts.into_iter().zip(answer) {
            if job.is_new {
                self.told.enqueued.push(job.id.0);
                let earlier = self.jobs.insert(job.id, Known::new(Some(text)));
                assert!(earlier.is_none(), "job {} is new and was there", job.id);
            } else {
                // A later job of a unique key may have put its payload in the earlier one's place.
                self.edited(job.id);
            }
        }
    }

    /// A request is made for jobs of these texts, and to change these jobs.
    pub(super) fn ask(&mut self, texts: &[String], ids: impl IntoIterator<Item = JobId>) {
        self.asked = (texts.to_vec(), ids.into_iter().collect());
    }

    /// The request was answered, or refused.
    pub(super) fn hear(&mut self) {
        self.asked = Default::default();
    }

    /// The life is over: what was asked and not answered may be done or not.
    pub(super) fn doubt_asked(&mut self) {
        let (texts, ids) = std::mem::take(&mut self.asked);
        self.doubtful.extend(texts);
        for id in ids {
            if let Some(known) = self.jobs.get_mut(&id) {
                known.is_doubtful = true;
            }
        }
    }

    /// The key was answered with this job.
    pub(super) fn keyed(&mut self, key: &str, job: Enqueued) {
        if let Some(earlier) = self.keys.insert(key.to_owned(), job.id) {
            assert_eq!(earlier, job.id, "key {key} names one job");
            assert!(!job.is_new, "key {key} was used before");
        }
    }

    pub(super) fn claimed(&mut self, claimed: &Claimed) {
        let text = String::from_utf8(claimed.payload.body.to_vec()).unwrap();
        let id = claimed.lease.id;
        let known = self.jobs.entry(id).or_insert_with(|| {
            let is_ours = text.starts_with("\"job ");
            assert!(
                !is_ours || self.doubtful.contains(&text),
                "{id} was never enqueued: {text}"
            );
            Known::new(Some(text.clone()))
        });
        // One that was not answered may have put its payload in the place of a unique one.
        let is_right = known.text.as_ref().is_none_or(|known| *known == text);
        assert!(
            is_right || self.doubtful.contains(&text),
            "{id}: {text} {known:?}"
        );
        assert_eq!(known.fate, Fate::Open, "{id} is handed out after its end");
        let token = claimed.lease.token.0;
        assert!(
            token > known.token,
            "{id}: token {token} after {}",
            known.token
        );
        known.token = token;
    }

    pub(super) fn completed(&mut self, lease: Lease, answer: &Settled) {
        let known = self.jobs.get_mut(&lease.id).expect("it was claimed");
        let token = lease.token.0;
        if let Fate::Completed { token: of } = known.fate {
            let expected = if of == token {
                Settled::Done
            } else {
                Settled::Stale
            };
            assert_eq!(
                *answer, expected,
                "{} was completed under {of}, now {token}",
                lease.id
            );
            return;
        }
        match answer {
            Settled::Done => {
                assert_eq!(
                    known.fate,
                    Fate::Open,
                    "{} is completed after its end",
                    lease.id
                );
                assert_eq!(
                    known.token, token,
                    "{} is completed under an old token",
                    lease.id
                );
                known.fate = Fate::Completed { token };
                self.told.completed.push((lease.id.0, token));
            }
            Settled::Stale | Settled::Unknown => {}
            other => panic!("{} is completed: {other:?}", lease.id),
        }
    }

    pub(super) fn cancelled(&mut self, id: JobId, answer: &Settled) {
        self.ended(id, answer, Fate::Cancelled);
    }

    pub(super) fn dropped(&mut self, id: JobId, answer: &Settled) {
        self.ended(id, answer, Fate::Dropped);
    }

    fn ended(&mut self, id: JobId, answer: &Settled, fate: Fate) {
        let Some(known) = self.jobs.get_mut(&id) else {
            return;
        };
        if *answer == Settled::Done {
            assert_eq!(known.fate, Fate::Open, "{id} ends as {fate:?}");
            known.fate = fate;
        }
    }

    /// The job has another payload from now on, or may have.
    pub(super) fn edited(&mut self, id: JobId) {
        if let Some(known) = self.jobs.get_mut(&id) {
            known.text = None;
        }
    }

    /// Holds what clients were told against the word of each job's state.
    pub(super) fn check(&self, states: &BTreeMap<JobId, &'static str>) {
        for (id, known) in &self.jobs {
            let state = states.get(id).copied();
            let is_right = match known.fate {
                Fate::Completed { .. } => state == Some("completed"),
                Fate::Cancelled => state == Some("cancelled"),
                Fate::Dropped => state.is_none(),
                Fate::Open if known.is_doubtful => true,
                Fate::Open => state.is_some_and(|word| word != "completed"),
            };
            assert!(is_right, "{id} is {state:?}, and {known:?}");
        }
    }
}
