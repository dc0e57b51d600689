use std::fmt::Write;

/// What an engine claims beyond what every engine must do.
///
/// Every engine must: hand jobs out first in, first out, at least once; fence lost leases; try failed
/// jobs again with backoff until they are dead; pause, drain, cancel, list; read, retry and drop its dead.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Jobs with a higher priority go first.
    pub priorities: bool,
    /// Waiting jobs gain priority, at the queue's own pace; else an ageing other than the default is
    /// refused.
    pub ageing: bool,
    /// Jobs that run at a later time, releases with a delay.
    pub delays: bool,
    /// Jobs that are dead at a time, completed or not.
    pub deadlines: bool,
    /// Fair shares of groups, which can be paused by themselves.
    pub groups: bool,
    /// Groups with a larger share.
    pub weights: bool,
    /// Most active jobs of a queue.
    pub concurrency: bool,
    /// Most active jobs of a group.
    pub group_concurrency: bool,
    /// Most active jobs of a key.
    pub key_concurrency: bool,
    /// Starts of a queue per time.
    pub rate: bool,
    /// Starts of a group per time.
    pub group_rate: bool,
    /// Starts of a key per time.
    pub key_rate: bool,
    /// A retry policy of a job's own.
    pub job_retry: bool,
    /// A limit to how many jobs a queue holds.
    pub jobs_max: bool,
    /// The same request gives the same job.
    pub idempotency: bool,
    /// One job of a key until it is finished.
    pub unique_until_finished: bool,
    /// One waiting job of a key.
    pub unique_until_claimed: bool,
    /// The later job of a key takes the place of the earlier.
    pub unique_replace: bool,
    /// One job of a key per time.
    pub unique_for: bool,
    /// Jobs made by the clock.
    pub schedules: bool,
    /// Events become jobs in the frame that publishes them.
    pub bindings: bool,
    /// Jobs that wait for others.
    pub dependencies: bool,
    /// What came of a job is remembered.
    pub results: bool,
    /// Active jobs say how far they are.
    pub progress: bool,
    /// Dead jobs are given another payload.
    pub dead_edit: bool,
    /// A job whose lease was lost is given out alone.
    pub suspects: bool,
    /// Jobs that wait say why.
    pub wait_reasons: bool,
    /// Events and jobs are changed together or not at all.
    pub transactions: bool,
    /// Everything acknowledged is there after a restart; else nothing is.
    pub durable: bool,
    /// Most jobs of one batch.
    pub batch_jobs_max: usize,
}

impl Capabilities {
    /// All of it, with so many jobs in a batch.
    pub const fn all(batch_jobs_max: usize) -> Self {
        Self {
            priorities: true,
            ageing: true,
            delays: true,
            deadlines: true,
            groups: true,
            weights: true,
            concurrency: true,
            group_concurrency: true,
            key_concurrency: true,
            rate: true,
            group_rate: true,
            key_rate: true,
            job_retry: true,
            jobs_max: true,
            idempotency: true,
            unique_until_finished: true,
            unique_until_claimed: true,
            unique_replace: true,
            unique_for: true,
            schedules: true,
            bindings: true,
            dependencies: true,
            results: true,
            progress: true,
            dead_edit: true,
            suspects: true,
            wait_reasons: true,
            transactions: true,
            durable: true,
            batch_jobs_max,
        }
    }

    fn rows(&self) -> [(&'static str, bool); 29] {
        [
            ("priorities", self.priorities),
            ("ageing", self.ageing),
            ("delays", self.delays),
            ("deadlines", self.deadlines),
            ("fair groups", self.groups),
            ("weights of groups", self.weights),
            ("concurrency of a queue", self.concurrency),
            ("concurrency of a group", self.group_concurrency),
            ("concurrency of a key", self.key_concurrency),
            ("rate of a queue", self.rate),
            ("rate of a group", self.group_rate),
            ("rate of a key", self.key_rate),
            ("retry policy per job", self.job_retry),
            ("limit of jobs in a queue", self.jobs_max),
            ("idempotency keys", self.idempotency),
            ("unique until finished", self.unique_until_finished),
            ("unique until claimed", self.unique_until_claimed),
            ("unique, the later replaces", self.unique_replace),
            ("unique for a time", self.unique_for),
            ("schedules", self.schedules),
            ("events become jobs", self.bindings),
            ("jobs that wait for jobs", self.dependencies),
            ("results", self.results),
            ("progress", self.progress),
            ("dead jobs edited", self.dead_edit),
            ("suspects run alone", self.suspects),
            ("reasons for waiting", self.wait_reasons),
            ("transactions with events", self.transactions),
            ("durable", self.durable),
        ]
    }
}

/// The engines side by side, as a Markdown table for the documentation.
pub fn markdown(engines: &[(&str, Capabilities)]) -> String {
    let mut table = String::from("| |");
    let mut rule = String::from("\n|---|");
    for (name, _) in engines {
        // Writing into a string does not fail.
        let _ = write!(table, " {name} |");
        rule.push_str("---|");
    }
    table.push_str(&rule);
    let columns: Vec<_> = engines.iter().map(|(_, claims)| claims.rows()).collect();
    let labels = Capabilities::all(0).rows();
    for (row, (label, _)) in labels.iter().enumerate() {
        let _ = write!(table, "\n| {label} |");
        for column in &columns {
            let (_, is_claimed) = column[row];
            table.push_str(if is_claimed { " yes |" } else { " no |" });
        }
    }
    table.push_str("\n| most jobs of a batch |");
    for (_, claims) in engines {
        let _ = write!(table, " {} |", claims.batch_jobs_max);
    }
    table.push('\n');
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_stand_side_by_side() {
        let all = Capabilities::all(500);
        let less = Capabilities {
            weights: false,
            ..all
        };
        let table = markdown(&[("embedded", all), ("other", less)]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "| | embedded | other |");
        assert_eq!(lines[1], "|---|---|---|");
        assert!(
            lines.contains(&"| weights of groups | yes | no |"),
            "{table}"
        );
        assert_eq!(lines.last(), Some(&"| most jobs of a batch | 500 | 500 |"));
    }
}
