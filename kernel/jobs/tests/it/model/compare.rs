//! What both tell of jobs and queues.

use portique_jobs::{JobFilter, JobState, QueueName};

use super::Pair;
use crate::naive::State;

impl Pair {
    pub(super) fn compare(&self) {
        let now = self.shell.now;
        for (id, job) in &self.naive.jobs {
            let found = self.shell.machine.job(*id, now);
            let Some(expected) = self.naive.known(*id, now.wall) else {
                assert_eq!(found, None, "{id} should be forgotten: {job:?}");
                continue;
            };
            let Some(found) = found else {
                panic!("{id} is lost: {expected:?}");
            };
            let view = found.view;
            assert_eq!(
                view.state.word(),
                expected.word(now.wall),
                "{id}: {expected:?}"
            );
            assert_eq!(view.queue, expected.queue);
            let waits = matches!(expected.state, State::Held { .. } | State::Blocked);
            assert_eq!(view.waits.is_some(), waits, "{id}: {expected:?}");
            if expected.is_finished() {
                continue;
            }
            assert_eq!(
                (view.attempts, view.failures, view.losses),
                (expected.attempts, expected.failures, expected.losses),
                "{id}: {expected:?}"
            );
            assert_eq!(view.group, expected.options.group);
            assert_eq!(view.key, expected.options.key);
            if let (
                JobState::Active { left, token, .. },
                State::Active {
                    ends, token: held, ..
                },
            ) = (&view.state, &expected.state)
            {
                assert_eq!(
                    (*left, token.0),
                    (ends.saturating_sub(now.monotonic), *held)
                );
            }
        }
        for name in self.naive.queues.keys() {
            self.compare_queue(name);
        }
    }

    pub(super) fn compare_queue(&self, name: &QueueName) {
        let now = self.shell.now;
        let expected = &self.naive.queues[name];
        let found = self.shell.machine.queue_state(name, now).unwrap();
        assert_eq!(found.options, expected.options);
        assert_eq!(
            (found.is_paused, found.is_draining),
            (expected.is_paused, expected.is_draining)
        );
        assert!(
            found
                .paused_groups
                .iter()
                .all(|group| expected.paused_groups.contains(group))
        );
        assert_eq!(found.paused_groups.len(), expected.paused_groups.len());
        let count = |word| self.naive.count(name, |job| job.word(now.wall) == word);
        let counts = found.counts;
        let of_states = [
            (counts.waiting, "waiting"),
            (counts.prioritized, "prioritized"),
            (counts.delayed, "delayed"),
            (counts.failed, "failed"),
            (counts.blocked, "blocked"),
            (counts.active, "active"),
            (counts.dead, "dead"),
        ];
        for (found, word) in of_states {
            assert_eq!(found, count(word), "{word} jobs of {name}");
            self.compare_list(name, word);
        }
        let due = counts.waiting + counts.prioritized;
        assert_eq!(
            found.waits.values().sum::<u64>(),
            due,
            "every due job has a reason: {:?}",
            found.waits
        );
        let totals = &found.totals;
        let expected = &expected.totals;
        assert_eq!(
            [
                totals.enqueued,
                totals.completed,
                totals.failures,
                totals.losses,
                totals.dead,
                totals.cancelled
            ],
            [
                expected.enqueued,
                expected.completed,
                expected.failures,
                expected.losses,
                expected.dead,
                expected.cancelled
            ]
        );
        let durations = totals.durations.last().map_or(0, |(_, count)| *count);
        assert_eq!(durations, expected.completed);
    }

    pub(super) fn compare_list(&self, name: &QueueName, word: &str) {
        let now = self.shell.now;
        let mut filter = JobFilter {
            queue: name.clone(),
            state: Some(word.into()),
            after: None,
            limit: 3,
        };
        let mut listed = Vec::new();
        loop {
            let page = self.shell.machine.list(&filter, now).unwrap();
            listed.extend(page.jobs.iter().map(|job| job.view.id));
            let Some(next) = page.next else {
                break;
            };
            filter.after = Some(next);
        }
        let jobs = self.naive.jobs.iter();
        let expected = jobs.filter(|(_, job)| job.queue == *name && job.word(now.wall) == word);
        let expected: Vec<_> = expected.map(|(id, _)| *id).collect();
        assert_eq!(listed, expected, "{word} jobs of {name}");
    }
}
