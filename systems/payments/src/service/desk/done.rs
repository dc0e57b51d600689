use std::collections::{HashSet, VecDeque};

use portique_jobs::Lease;

use crate::Error;
use crate::service::inputs::PostWork;

/// Leases that are remembered: whoever sends his work once more, as he heard no answer, does so within moments.
const LEASES_MAX: usize = 100_000;

/// Leases whose work is done. The queue takes it well when the same lease ends a job twice; the ledger must not, as it
/// would count the work twice.
#[derive(Debug, Default)]
pub(super) struct Done {
    leases: HashSet<Lease>,
    order: VecDeque<Lease>,
}

impl Done {
    /// Notes that the work of a lease is done.
    pub(super) fn push(&mut self, lease: Lease) {
        if self.leases.insert(lease) {
            self.order.push_back(lease);
        }
        if self.order.len() > LEASES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.leases.remove(&oldest);
        }
    }

    /// Tells those whose work is done or among the others already, and keeps the others.
    pub(super) fn leave_out(&self, works: Vec<PostWork>) -> Vec<PostWork> {
        let mut seen = HashSet::new();
        let mut others = Vec::with_capacity(works.len());
        for work in works {
            let lease = work.lease;
            match self.leases.contains(&lease) || !seen.insert(lease) {
                true => drop(work.reply.send(Err(Error::StaleLease { job: lease.id.0 }))),
                false => others.push(work),
            }
        }
        others
    }
}
