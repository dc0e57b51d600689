//! PromQL, and series as it writes them.

use std::sync::Arc;

use portique_monitor::PromQl;
use portique_promql::syntax::{Expr, Options, parse};
use portique_promql::{Config, Engine};
use portique_series::Labels;

pub(crate) fn promql() -> PromQl {
    PromQl::new(Arc::new(Engine::new(Config::default())))
}

/// A series as the language writes it.
pub(crate) fn labels(text: &str) -> Labels {
    match parse(text, &Options::default()) {
        Ok(Expr::Vector(selector)) => {
            let pairs = selector.matchers.iter().map(|m| (m.name(), m.value()));
            Labels::from_pairs(pairs)
        }
        other => panic!("{text} is no series: {other:?}"),
    }
}
