//! The query language: what is read is written and read again as the same, and evaluating it ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_promql::syntax::{self, parse};
use portique_promql::{Config, Engine, Options, TimeRange};
use portique_series::{Error, Labels, Samples, Selected, Selection, Source};

/// Two series that everything selects.
struct Few([Labels; 2]);

impl Source for Few {
    fn select(&self, _: &Selection) -> Result<Box<dyn Selected>, Error> {
        Ok(Box::new(Self(self.0.clone())))
    }
}

impl Selected for Few {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.0[index]
    }

    fn read(
        &self,
        index: usize,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        into.clear();
        for at in [1_000, 61_000, 121_000, 181_000] {
            if (from_ms..=to_ms).contains(&at) {
                into.push_float(at, at as f64 / (index as f64 + 1.0));
            }
        }
        Ok(())
    }
}

fuzz_target!(|text: &str| {
    let options = syntax::Options::all();
    let Ok(expr) = parse(text, &options) else {
        return;
    };
    let written = expr.to_string();
    let again = parse(&written, &options).expect("what is written can be read");
    assert_eq!(again.to_string(), written, "{text}");
    let config = Config {
        syntax: options,
        samples_max: 10_000,
        ..Config::default()
    };
    let few = Few(["a", "b"].map(|job| Labels::from_pairs([("__name__", "up"), ("job", job)])));
    let range = TimeRange {
        from_ms: 60_000,
        to_ms: 180_000,
        step_ms: 60_000,
    };
    let _ = Engine::new(config).range(&few, text, range, &Options::default());
});
