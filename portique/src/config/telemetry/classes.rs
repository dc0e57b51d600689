//! Classes of retention, and downsampled tiers.

use std::time::Duration;

use portique_promql::syntax::parse_selector;

use super::super::limit::Limit;
use super::super::problem::Problem;
use super::super::raw::RawTable;
use super::{OUT_OF_ORDER_MAX_S, RETAIN_AGE_MAX_S, RETAIN_AGE_MIN_S};

/// More than anybody keeps in mind, and than the store has room for.
const CLASSES_MAX: usize = 64;
/// Longer lists of selectors are a file of rules, not a class.
const SELECTORS_MAX: usize = 64;
/// Each tier is a copy of its own.
const TIERS_MAX: usize = 4;
/// Tiers are written a week at a time, so their intervals divide it.
const WEEK_S: f64 = 604_800.0;

const CLASS_AGE_S: Limit = Limit::of(
    "telemetry.classes.retain_age_s",
    "seconds",
    RETAIN_AGE_MIN_S,
    RETAIN_AGE_MAX_S,
);
/// A mebibyte, which holds a class of a few series, to one pebibyte.
const CLASS_BYTES: Limit = Limit::of(
    "telemetry.classes.retain_bytes",
    "bytes",
    1_048_576.0,
    1_125_899_906_842_624.0,
);
const CLASS_WINDOW_S: Limit = Limit::of(
    "telemetry.classes.out_of_order_window_s",
    "seconds",
    0.0,
    OUT_OF_ORDER_MAX_S,
);
/// From a minute, below which a tier is larger than what it stands for, to a day.
const TIER_RESOLUTION_S: Limit = Limit::of("tiers.resolution_s", "seconds", 60.0, 86_400.0);
const TIER_AGE_S: Limit = Limit::of(
    "tiers.retain_age_s",
    "seconds",
    RETAIN_AGE_MIN_S,
    RETAIN_AGE_MAX_S,
);

/// Series that are kept for a time of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassConfig {
    /// What people call it, and its folder: of `a-z`, `0-9` and `-`, at most 64; not `default`.
    pub name: String,
    /// Which series, as PromQL's selectors: those that one of them accepts; 1 to 64.
    pub selectors: Vec<String>,
    /// Age of samples that are kept; without limit by default, range 60 s to ten years.
    pub retain_age: Option<Duration>,
    /// Bytes of its samples; without limit by default, range 1 MiB to 1 PiB.
    pub retain_bytes: Option<u64>,
    /// How far a sample may lie before the newest of its series; as for all by default, range 0 s
    /// to 31 days.
    pub out_of_order_window: Option<Duration>,
    /// Downsampled tiers; none by default, at most 4.
    pub tiers: Vec<TierConfig>,
}

/// A downsampled tier that outlives the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierConfig {
    /// Length of its intervals, which divides a week; range 1 min to a day.
    pub resolution: Duration,
    /// How long it is kept; without limit by default, range 60 s to ten years.
    pub retain_age: Option<Duration>,
}

pub(super) fn resolve(tables: &[RawTable], problems: &mut Vec<Problem>) -> Vec<ClassConfig> {
    let mut classes: Vec<ClassConfig> = Vec::new();
    for table in tables {
        let Some(class) = class(table, problems) else {
            continue;
        };
        if classes.iter().any(|other| other.name == class.name) {
            let message = format!("two classes of telemetry are called {:?}", class.name);
            problems.push(Problem::at(&table.place, message, "rename one".into()));
        } else {
            classes.push(class);
        }
    }
    if let Some(table) = tables.get(CLASSES_MAX) {
        let message = format!("{} classes of telemetry", tables.len());
        let remedy = format!("write at most {CLASSES_MAX}");
        problems.push(Problem::at(&table.place, message, remedy));
    }
    classes
}

fn class(table: &RawTable, problems: &mut Vec<Problem>) -> Option<ClassConfig> {
    let seconds = Duration::from_secs_f64;
    let retain_age = CLASS_AGE_S.resolve(table.number("retain_age_s"), problems);
    let retain_bytes = CLASS_BYTES.resolve(table.number("retain_bytes"), problems);
    let window = CLASS_WINDOW_S.resolve(table.number("out_of_order_window_s"), problems);
    let tiers = resolve_tiers(table.tables("tiers"), problems);
    let selectors = selectors(table, problems);
    let name = name(table, problems);
    Some(ClassConfig {
        name: name?,
        selectors,
        retain_age: retain_age.map(seconds),
        retain_bytes: retain_bytes.map(|bytes| bytes as u64),
        out_of_order_window: window.map(seconds),
        tiers,
    })
}

fn name(table: &RawTable, problems: &mut Vec<Problem>) -> Option<String> {
    let Some(name) = table.texts("name").first() else {
        let message = "a class of telemetry has no name".to_owned();
        let remedy = "write name = \"...\" into its table".to_owned();
        problems.push(Problem::at(&table.place, message, remedy));
        return None;
    };
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_good = (1..=64).contains(&name.value.len()) && name.value.chars().all(is_plain);
    if is_good && name.value != "default" {
        return Some(name.value.clone());
    }
    problems.push(Problem::at(
        &name.place,
        format!("{:?} is no name of a class of telemetry", name.value),
        "write 1 to 64 of a-z, 0-9 and -, and not `default`".into(),
    ));
    None
}

fn selectors(table: &RawTable, problems: &mut Vec<Problem>) -> Vec<String> {
    let written = table.texts("selectors");
    if written.is_empty() || written.len() > SELECTORS_MAX {
        problems.push(Problem::at(
            &table.place,
            format!("a class of telemetry has {} selectors", written.len()),
            format!("write 1 to {SELECTORS_MAX}, such as selectors = ['{{job=\"meters\"}}']"),
        ));
    }
    for selector in written {
        let problem = match parse_selector(&selector.value) {
            Ok(matchers) if matchers.iter().all(|matcher| matcher.matches_empty()) => {
                "it accepts every series: say what they are like".to_owned()
            }
            Ok(_) => continue,
            Err(error) => error.to_string(),
        };
        let message = format!("{:?} is no selector of a class", selector.value);
        problems.push(Problem::at(&selector.place, message, problem));
    }
    written
        .iter()
        .map(|selector| selector.value.clone())
        .collect()
}

/// Tiers by ascending resolution.
pub(super) fn resolve_tiers(tables: &[RawTable], problems: &mut Vec<Problem>) -> Vec<TierConfig> {
    let mut tiers: Vec<TierConfig> = Vec::new();
    for table in tables {
        let retain_age = TIER_AGE_S.resolve(table.number("retain_age_s"), problems);
        let Some(written) = table.number("resolution_s") else {
            let message = "a tier of telemetry has no resolution_s".to_owned();
            problems.push(Problem::at(
                &table.place,
                message,
                "write 300 or 3600".into(),
            ));
            continue;
        };
        let Some(resolution_s) = TIER_RESOLUTION_S.resolve(Some(written), problems) else {
            continue;
        };
        let resolution = Duration::from_secs_f64(resolution_s);
        let is_double = tiers.iter().any(|tier| tier.resolution == resolution);
        if WEEK_S % resolution_s != 0.0 || is_double || tiers.len() >= TIERS_MAX {
            problems.push(Problem::at(
                &written.place,
                format!("resolution_s = {resolution_s} cannot be a tier here"),
                format!(
                    "write whole seconds that a week is a multiple of, such as 300 or 3600, each once, at most {TIERS_MAX}"
                ),
            ));
            continue;
        }
        tiers.push(TierConfig {
            resolution,
            retain_age: retain_age.map(Duration::from_secs_f64),
        });
    }
    tiers.sort_by_key(|tier| tier.resolution);
    tiers
}
