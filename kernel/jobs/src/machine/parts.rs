//! What the machine is put together from: each part is one idea with its own limits, knows nothing of
//! the others, and takes time and randomness by parameter.

mod backlog;
mod backoff;
mod codec;
mod cron;
mod fair_share;
mod finished;
mod histogram;
mod key_index;
mod moving_rate;
mod rate_limit;

pub(crate) use backlog::Backlog;
pub(crate) use backoff::backoff;
pub(crate) use codec::Malformed;
pub(crate) use cron::Cron;
pub(crate) use fair_share::FairShare;
pub(crate) use finished::{Ending, Finished, FinishedJob, FinishedLimits};
pub(crate) use histogram::DurationHistogram;
pub(crate) use key_index::{KeyHash, KeyIndex, KeyUse};
pub(crate) use moving_rate::MovingRate;
pub(crate) use rate_limit::RateLimit;
