//! The configuration as it is written: keys that are known, each with its place.

mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::key::{self, Keep};
use super::problem::{Place, Problem};
use crate::data_folder::file_error;
use crate::error::Error;
pub(crate) use table::RawTable;

/// A configuration fits in a few hundred lines; a larger file is something else.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// The file as written: every key is optional and unchecked but for its kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RawConfig {
    /// Where each key stands.
    pub(crate) places: BTreeMap<String, Place>,
    pub(crate) listen: Option<Written<String>>,
    pub(crate) grpc_listen: Option<Written<String>>,
    pub(crate) connections_max: Option<Written<f64>>,
    pub(crate) data: Option<Written<String>>,
    pub(crate) allow_remote_without_tls: Option<Written<bool>>,
    pub(crate) stop_grace_s: Option<Written<f64>>,
    pub(crate) replay_bytes_per_s: Option<Written<f64>>,
    pub(crate) retain_age_s: Option<Written<f64>>,
    pub(crate) retain_bytes: Option<Written<f64>>,
    pub(crate) open_reads: Option<Written<bool>>,
    pub(crate) oidc: Vec<RawTable>,
    pub(crate) telemetry: RawTelemetry,
    pub(crate) tls: RawTls,
    pub(crate) rule_files: Option<Written<Vec<String>>>,
    pub(crate) hub_rules: Option<Written<bool>>,
    pub(crate) notifications: RawNotifications,
    pub(crate) payment_workers: Option<Written<String>>,
    pub(crate) pools: Vec<RawTable>,
    pub(crate) prometheus_listen: Option<Written<String>>,
    pub(crate) log_format: Option<Written<String>>,
    pub(crate) log_filter: Option<Written<String>>,
}

/// The table `tls`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RawTls {
    pub(crate) certificate: Option<Written<String>>,
    pub(crate) key: Option<Written<String>>,
    pub(crate) self_signed: Option<Written<bool>>,
    pub(crate) names: Option<Written<Vec<String>>>,
}

/// The tables `telemetry` and `query`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RawTelemetry {
    pub(crate) retain_age_s: Option<Written<f64>>,
    pub(crate) retain_bytes: Option<Written<f64>>,
    pub(crate) series_max: Option<Written<f64>>,
    pub(crate) series_per_metric_max: Option<Written<f64>>,
    pub(crate) series_per_job_max: Option<Written<f64>>,
    pub(crate) labels_max: Option<Written<f64>>,
    pub(crate) label_bytes_max: Option<Written<f64>>,
    pub(crate) tiers: Vec<RawTable>,
    pub(crate) classes: Vec<RawTable>,
    pub(crate) out_of_order_window_s: Option<Written<f64>>,
    pub(crate) open_writes: Option<Written<bool>>,
    pub(crate) graphite_listen: Option<Written<String>>,
    pub(crate) prometheus_file: Option<Written<String>>,
    pub(crate) own_figures_every_s: Option<Written<f64>>,
    pub(crate) experimental: Option<Written<bool>>,
    pub(crate) query_timeout_s: Option<Written<f64>>,
    pub(crate) query_samples_max: Option<Written<f64>>,
}

/// The table `notifications`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RawNotifications {
    pub(crate) file: Option<Written<String>>,
    pub(crate) defaults: Option<Written<String>>,
    pub(crate) external_url: Option<Written<String>>,
}

impl RawConfig {
    /// Reads a file; what is wrong in it is added to `problems`.
    pub(super) fn read(path: &Path, problems: &mut Vec<Problem>) -> Result<Self, Error> {
        let size = fs::metadata(path)
            .map_err(|source| file_error("read", path, source))?
            .len();
        if size > FILE_BYTES_MAX {
            problems.push(Problem::new(
                format!("{} has {size} bytes", path.display()),
                format!("a configuration has at most {FILE_BYTES_MAX}"),
            ));
            return Ok(Self::default());
        }
        let text = fs::read_to_string(path).map_err(|source| file_error("read", path, source))?;
        Ok(Self::parse(path, &text, problems))
    }

    /// Reads a file's text; what is wrong in it is added to `problems`, in the order of its lines.
    pub(super) fn parse(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Self {
        let mut reader = Reader {
            path,
            text,
            raw: Self::default(),
            problems: Vec::new(),
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            reader.refuse(
                offset,
                error.message().to_owned(),
                "write valid TOML".into(),
            );
        }
        reader.table("", table.get_ref());
        reader
            .problems
            .sort_by_key(|problem| problem.place.as_ref().map(|place| place.line));
        problems.append(&mut reader.problems);
        reader.raw
    }
}

/// Walks a parsed file, keeping what is known and refusing the rest.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    raw: RawConfig,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let offset = name.span().start;
            match (key::find(&key), value.get_ref()) {
                (Some(keep), value) => self.value(&key, keep, value, offset),
                (None, DeValue::Table(inner)) if key::is_table(&key) => {
                    self.table(&format!("{key}."), inner);
                }
                (None, _) => {
                    self.refuse(offset, format!("unknown key {key:?}"), key::remedy(&key));
                }
            }
        }
    }

    fn value(&mut self, key: &str, keep: Keep, value: &DeValue<'_>, offset: usize) {
        let place = self.place(offset);
        self.raw.places.insert(key.to_owned(), place.clone());
        match (keep, value) {
            (Keep::Text(keep), DeValue::String(text)) => {
                keep(
                    &mut self.raw,
                    Written {
                        value: text.to_string(),
                        place,
                    },
                );
            }
            (Keep::Boolean(keep), DeValue::Boolean(value)) => {
                keep(
                    &mut self.raw,
                    Written {
                        value: *value,
                        place,
                    },
                );
            }
            (Keep::Number(keep), DeValue::Integer(_) | DeValue::Float(_)) => match number(value) {
                Some(value) => keep(&mut self.raw, Written { value, place }),
                None => self.refuse_kind(key, "unreadable number", "a decimal number", offset),
            },
            (Keep::Texts(keep), DeValue::Array(items)) => {
                let texts = items.iter().map(|item| match item.get_ref() {
                    DeValue::String(text) => Some(text.to_string()),
                    _ => None,
                });
                match texts.collect() {
                    Some(value) => keep(&mut self.raw, Written { value, place }),
                    None => self.refuse_kind(key, "list of other things", keep_texts(), offset),
                }
            }
            (Keep::Tables(keys, keep), DeValue::Array(items)) => {
                let tables = self.tables(key, keys, items);
                keep(&mut self.raw, tables);
            }
            (keep, value) => self.refuse_kind(key, value.type_str(), keep.expected(), offset),
        }
    }

    fn refuse_kind(&mut self, key: &str, found: &str, expected: &str, offset: usize) {
        let message = format!("{key} is of the wrong kind ({found})");
        self.refuse(offset, message, format!("write {expected}"));
    }

    fn refuse(&mut self, offset: usize, message: String, remedy: String) {
        let place = self.place(offset);
        self.problems.push(Problem::at(&place, message, remedy));
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        Place {
            path: self.path.to_path_buf(),
            line: before.matches('\n').count() + 1,
        }
    }
}

/// What to write where a list of texts is expected.
fn keep_texts() -> &'static str {
    Keep::Texts(|_, _| {}).expected()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) => number.as_str().parse().ok(),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}
