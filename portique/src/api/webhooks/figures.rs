//! What became of webhooks' pushes, for the metrics page.

use futures_util::FutureExt;

use super::pusher::Pusher;
use crate::http::{Ask, LabelledFigure, Labels, Samples};

impl Pusher {
    /// Asks for the pushes of every webhook, by what became of them.
    pub(crate) fn ask(&self) -> Ask {
        let (store, outcomes) = (self.store.clone(), self.means.outcomes.clone());
        Box::new(move || {
            let (store, outcomes) = (store.clone(), outcomes.clone());
            async move {
                let webhooks = store.all().await.unwrap_or_default();
                let names = webhooks.iter().map(|webhook| webhook.name.as_str());
                vec![figure(names.flat_map(|name| {
                    outcomes.of(name).by_word().map(|(w, n)| of(name, w, n))
                }))]
            }
            .boxed()
        })
    }
}

fn figure(pushes: impl Iterator<Item = (Labels, u64)>) -> LabelledFigure {
    LabelledFigure {
        name: "webhook_pushes",
        help: "Events pushed to a receiver, by what became of them; a retry is pushed again",
        samples: Samples::Counters(pushes.collect()),
    }
}

fn of(webhook: &str, outcome: &str, count: u64) -> (Labels, u64) {
    let labels = vec![
        ("webhook", webhook.to_owned()),
        ("outcome", outcome.to_owned()),
    ];
    (labels, count)
}
