//! Rules and alerts, and what is read from files.

use std::sync::Arc;

use futures_util::FutureExt;
use portique_monitor::Actions;

use super::engines::{Engines, seeded};
use crate::config::Config;
use crate::error::Error;
use crate::monitor::keeper::KeeperPorts;
use crate::monitor::{Arrivals, Monitor, MonitorWorker, Parts, RuleList};
use crate::prometheus;
use crate::reload::Reloader;

/// Rules and alerts, on what the hub has.
pub(super) async fn open(
    engines: &Engines,
    config: &Config,
    arrivals: Arc<Arrivals>,
    url: String,
) -> Result<(Monitor, MonitorWorker), Error> {
    let rules = config.rules.clone();
    let parts = Parts {
        keeper: keeper(engines)?,
        telemetry: engines.telemetry.clone(),
        arrivals,
        actions: Actions::default(),
        lists: Box::new(move || {
            let list = RuleList::new(rules.files.clone(), rules.folder.clone());
            Ok(vec![list])
        }),
        shipped: Vec::new(),
        url: format!("{url}{}", prometheus::PREFIX),
        tell: Box::new(|_| {}),
    };
    let opened = Monitor::open(parts).await;
    opened.map_err(|error| engines.poison().unwrap_or(error))
}

/// Everything that was read from files.
pub(super) fn reloader(monitor: &Monitor) -> Reloader {
    let monitor = monitor.clone();
    Reloader::new(vec![Box::new(move || {
        let monitor = monitor.clone();
        async move { monitor.reload().await.map(drop) }.boxed()
    })])
}

/// What the facts of rules and notifications are kept in.
///
/// # Errors
/// [`Error::Runtime`] when the machine has no random numbers.
pub(super) fn keeper(engines: &Engines) -> Result<KeeperPorts, Error> {
    Ok(KeeperPorts {
        bus: engines.broker.bus(),
        transact: engines.broker.transact(),
        records: engines.records.clone(),
        clock: engines.clock.clone(),
        random: seeded()?,
    })
}
