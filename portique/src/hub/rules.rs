//! Rules, alerts, who is told of them, and what is read from files.

use std::sync::Arc;

use futures_util::FutureExt;
use portique_monitor::Actions;

use super::engines::{Engines, seeded};
use super::systems::Systems;
use crate::config::Config;
use crate::error::Error;
use crate::monitor::keeper::KeeperPorts;
use crate::monitor::{Arrivals, HUB_RULES, Monitor, MonitorWorker, Parts, RuleList};
use crate::notify::{self, Notifier, NotifierWorker};
use crate::prometheus;
use crate::reload::{ReloadPart, Reloader};
use crate::scrape::{self, Scraping};

/// What rules are joined to.
pub(super) struct Joined<'a> {
    /// What systems can do.
    pub(super) actions: Actions,
    /// Who tells people of alerts.
    pub(super) notifier: Notifier,
    /// What a `prometheus.yml` says, rule files among it.
    pub(super) scraping: &'a Scraping,
}

/// Rules and alerts, on what the hub has.
pub(super) async fn open(
    engines: &Engines,
    config: &Config,
    arrivals: Arc<Arrivals>,
    url: String,
    joined: Joined<'_>,
) -> Result<(Monitor, MonitorWorker), Error> {
    let rules = config.rules.clone();
    let (notifier, scraping) = (joined.notifier, joined.scraping.clone());
    let mut shipped = Systems::rules();
    if rules.hub {
        shipped.extend(HUB_RULES);
    }
    let parts = Parts {
        keeper: keeper(engines)?,
        telemetry: engines.telemetry.clone(),
        arrivals,
        actions: joined.actions,
        lists: Box::new(move || {
            let list = RuleList::new(rules.files.clone(), rules.folder.clone());
            Ok(vec![list, listed(&scraping.loaded())])
        }),
        shipped,
        reserved: &Systems::METRICS,
        url: format!("{url}{}", prometheus::PREFIX),
        tell: Box::new(move |alerts| notifier.tell(alerts)),
    };
    let opened = Monitor::open(parts).await;
    opened.map_err(|error| engines.poison().unwrap_or(error))
}

/// The rule files that a `prometheus.yml` names.
fn listed(loaded: &scrape::Loaded) -> RuleList {
    let patterns = loaded.file.rule_files.iter();
    let global = &loaded.file.global;
    RuleList {
        patterns: patterns.map(|listed| listed.pattern.clone()).collect(),
        folder: loaded.folder.clone(),
        interval: global.evaluation_interval,
        query_offset: global.rule_query_offset,
        external_labels: global.external_labels.clone(),
    }
}

/// Who tells people of alerts, with what was told before.
pub(super) async fn notifier(
    engines: &Engines,
    config: &Config,
    actions: Actions,
    url: String,
) -> Result<NotifierWorker, Error> {
    let opened = NotifierWorker::open(notify::Parts {
        keeper: keeper(engines)?,
        jobs: engines.broker.jobs(),
        random: seeded()?,
        actions,
        config: config.notifications.clone(),
        url,
    });
    let opened = opened.await;
    opened.map_err(|error| engines.poison().unwrap_or(error))
}

/// Everything that was read from files.
pub(super) fn reloader(
    monitor: &Monitor,
    joined: Joined<'_>,
    certificate: Option<ReloadPart>,
) -> Reloader {
    let (notifier, scraping) = (joined.notifier, joined.scraping.clone());
    let scrapes: ReloadPart = Box::new(move || {
        let scraping = scraping.clone();
        async move {
            let reloaded = scraping.reload().await;
            reloaded.map_err(|error| vec![portique_fault::chain(&error)])
        }
        .boxed()
    });
    let monitor = monitor.clone();
    let rules: ReloadPart = Box::new(move || {
        let monitor = monitor.clone();
        async move { monitor.reload().await.map(drop) }.boxed()
    });
    let notifications: ReloadPart = Box::new(move || {
        let notifier = notifier.clone();
        async move {
            let reloaded = notifier.reload().await;
            reloaded.map_err(|problems| problems.iter().map(ToString::to_string).collect())
        }
        .boxed()
    });
    // It names rule files too.
    let mut parts = vec![scrapes, rules, notifications];
    parts.extend(certificate);
    Reloader::new(parts)
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
