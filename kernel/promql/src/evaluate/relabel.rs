//! `label_replace` and `label_join`: the same values under other labels.

use portique_series::{Labels, METRIC_NAME};
use regex_automata::meta::Regex;
use regex_automata::util::interpolate;

use crate::column::SeriesColumn;
use crate::error::Error;
use crate::steps::Steps;
use crate::syntax::{Call, Function, quote};

use super::call::text;
use super::{Evaluation, Merger, Sink};

/// A pattern's compiled form may take this much, as in matchers.
const PATTERN_BYTES_MAX: usize = 4 << 20;
/// A label that is made may take this much: far more than a store takes, far less than what labels
/// are packed in holds.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// All labels that one call makes, over all series.
const VALUES_BYTES_MAX: usize = 128 << 20;

impl Evaluation<'_> {
    /// Hands the series on under their new labels.
    pub(super) fn relabel(
        &self,
        call: &Call,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let texts: Vec<String> = call.args[1..].iter().map(text).collect::<Result<_, _>>()?;
        let change = match call.function {
            Function::LabelReplace => Change::replace(&texts)?,
            _ => Change::join(&texts)?,
        };
        let mut held = self.vector(&call.args[0], steps)?;
        let mut made_bytes = 0;
        for series in &mut held {
            made_bytes += change.apply(series)?;
            if made_bytes > VALUES_BYTES_MAX {
                let what = call.function.signature().name;
                return Err(Error::execution(format!(
                    "{what}() makes labels of more than {VALUES_BYTES_MAX} bytes together: select fewer series"
                )));
            }
        }
        let mut merger = Merger::new(steps.count);
        held.into_iter().try_for_each(|series| merger.add(series))?;
        self.drain(merger.into_series(), sink)
    }
}

/// Which label gets which value.
enum Change<'a> {
    Replace {
        target: &'a str,
        replacement: &'a str,
        source: &'a str,
        pattern: Regex,
    },
    Join {
        target: &'a str,
        separator: &'a str,
        sources: &'a [String],
    },
}

impl<'a> Change<'a> {
    fn replace(texts: &'a [String]) -> Result<Self, Error> {
        let [target, replacement, source, pattern] = texts else {
            return Err(Error::execution("label_replace takes four strings"));
        };
        let compiled = compile(pattern).ok_or_else(|| {
            let pattern = quote(pattern.as_bytes());
            Error::execution(format!(
                "invalid regular expression in label_replace(): {pattern}"
            ))
        })?;
        check_name(target, "destination", "label_replace")?;
        Ok(Self::Replace {
            target,
            replacement,
            source,
            pattern: compiled,
        })
    }

    fn join(texts: &'a [String]) -> Result<Self, Error> {
        let [target, separator, sources @ ..] = texts else {
            return Err(Error::execution("label_join takes at least two strings"));
        };
        for source in sources {
            check_name(source, "source", "label_join")?;
        }
        check_name(target, "destination", "label_join")?;
        Ok(Self::Join {
            target,
            separator,
            sources,
        })
    }

    /// Sets the label, and says how many bytes that takes.
    fn apply(&self, series: &mut SeriesColumn) -> Result<usize, Error> {
        self.check_size(&series.labels)?;
        let Some((target, value)) = self.value(&series.labels) else {
            return Ok(0);
        };
        let bytes = value.len();
        let mut builder = series.labels.to_builder();
        builder.set(target, value);
        series.labels = builder.build();
        if target == METRIC_NAME {
            // A name that was given on purpose stays.
            series.drop_name = false;
        }
        Ok(bytes)
    }

    /// Refuses a value that may be too large before it is made.
    fn check_size(&self, labels: &Labels) -> Result<(), Error> {
        let bytes_of = |source: &str| labels.get(source).unwrap_or("").len();
        let (function, bytes) = match self {
            Self::Replace {
                replacement,
                source,
                ..
            } => {
                let groups = replacement.matches('$').count();
                let groups_bytes = groups.saturating_mul(bytes_of(source));
                (
                    "label_replace",
                    replacement.len().saturating_add(groups_bytes),
                )
            }
            Self::Join {
                separator, sources, ..
            } => {
                let sources = sources.iter();
                let each = sources.map(|source| bytes_of(source) + separator.len());
                ("label_join", each.sum())
            }
        };
        match bytes > VALUE_BYTES_MAX {
            true => Err(Error::execution(format!(
                "{function}() makes a label of up to {bytes} bytes, at most {VALUE_BYTES_MAX} are allowed"
            ))),
            false => Ok(()),
        }
    }

    fn value(&self, labels: &Labels) -> Option<(&'a str, String)> {
        match self {
            Self::Replace {
                target,
                replacement,
                source,
                pattern,
            } => {
                let from = labels.get(source).unwrap_or("");
                let mut found = pattern.create_captures();
                pattern.captures(from, &mut found);
                if !found.is_match() {
                    return None;
                }
                let mut value = String::new();
                interpolate::string(
                    replacement,
                    |group, into| {
                        if let Some(span) = found.get_group(group) {
                            into.push_str(&from[span.start..span.end]);
                        }
                    },
                    |name| {
                        pattern
                            .group_info()
                            .to_index(regex_automata::PatternID::ZERO, name)
                    },
                    &mut value,
                );
                Some((target, value))
            }
            Self::Join {
                target,
                separator,
                sources,
            } => {
                let values = sources
                    .iter()
                    .map(|source| labels.get(source).unwrap_or(""));
                Some((target, values.collect::<Vec<_>>().join(separator)))
            }
        }
    }
}

fn compile(pattern: &str) -> Option<Regex> {
    // Alone first: `a)(b` must not become valid by what is put around it.
    regex_automata::util::syntax::parse(pattern).ok()?;
    Regex::builder()
        .configure(Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX)))
        .build(&format!("^(?s:{pattern})$"))
        .ok()
}

fn check_name(name: &str, role: &str, function: &str) -> Result<(), Error> {
    match name.is_empty() || name.contains('\u{FFFD}') {
        false => Ok(()),
        true => Err(Error::execution(format!(
            "invalid {role} label name in {function}(): {name}"
        ))),
    }
}
