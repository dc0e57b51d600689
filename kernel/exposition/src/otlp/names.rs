//! Names of Prometheus for those of OpenTelemetry.

/// Units with words of their own; others are used as they are.
const UNITS: [(&str, &str); 25] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];
/// Units after a slash.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// What decides about the suffixes of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    /// A total that only grows gets `_total`.
    Counter,
    /// A ratio, which is what a gauge in the unit 1 is, gets `_ratio`.
    Gauge,
    /// Everything else gets the unit only.
    Other,
}

/// The name of a metric, with its unit and the suffix of its kind.
pub(super) fn metric_name(name: &str, unit: &str, kind: NameKind) -> String {
    let mut words = words(name);
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let main = unit_word(main, &UNITS).filter(|word| !word.is_empty());
    if let Some(word) = main
        && !words.contains(&word)
    {
        words.push(word);
    }
    if let Some(word) = unit_word(per, &PER_UNITS).filter(|word| !word.is_empty())
        && !words.contains(&word)
    {
        words.extend(["per".to_owned(), word]);
    }
    let suffix = match kind {
        NameKind::Counter => Some("total"),
        NameKind::Gauge if unit.trim() == "1" => Some("ratio"),
        NameKind::Gauge | NameKind::Other => None,
    };
    if let Some(suffix) = suffix {
        words.retain(|word| word != suffix);
        words.push(suffix.to_owned());
    }
    let name = words.join("_");
    match name.starts_with(|char: char| char.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// The unit in words, for metadata.
pub(super) fn unit_words(unit: &str) -> String {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let main = unit_word(main, &UNITS).unwrap_or_default();
    match unit_word(per, &PER_UNITS).filter(|word| !word.is_empty()) {
        Some(per) => format!("{main}_per_{per}")
            .trim_start_matches('_')
            .to_owned(),
        None => main,
    }
}

/// The name of a label: characters that Prometheus does not know become `_`.
pub(super) fn label_name(key: &str) -> String {
    let plain = |char: char| {
        if char.is_ascii_alphanumeric() {
            char
        } else {
            '_'
        }
    };
    let name: String = key.chars().map(plain).collect();
    if name.starts_with(|char: char| char.is_ascii_digit()) {
        return format!("key_{name}");
    }
    match name.starts_with('_') && !name.starts_with("__") {
        true => format!("key{name}"),
        false => name,
    }
}

/// Annotations in braces, and the unit 1, have no word.
fn unit_word(unit: &str, known: &[(&str, &str)]) -> Option<String> {
    let unit = unit.trim();
    if unit.is_empty() || unit == "1" || unit.contains(['{', '}']) {
        return None;
    }
    let word = known.iter().find(|(short, _)| *short == unit);
    Some(match word {
        Some((_, word)) => (*word).to_owned(),
        None => words(unit).join("_"),
    })
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == ':'));
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names() {
        for (name, unit, kind, expected) in [
            (
                "http.server.duration",
                "s",
                NameKind::Other,
                "http_server_duration_seconds",
            ),
            (
                "http.server.duration.seconds",
                "s",
                NameKind::Other,
                "http_server_duration_seconds",
            ),
            (
                "system.network.io",
                "By",
                NameKind::Counter,
                "system_network_io_bytes_total",
            ),
            (
                "requests.total",
                "{request}",
                NameKind::Counter,
                "requests_total",
            ),
            ("total.requests", "1", NameKind::Counter, "requests_total"),
            ("cpu.load", "1", NameKind::Gauge, "cpu_load_ratio"),
            ("speed", "m/s", NameKind::Gauge, "speed_meters_per_second"),
            ("rate", "{packet}/s", NameKind::Gauge, "rate_per_second"),
            ("9lives", "", NameKind::Gauge, "_9lives"),
            ("a..b__c", "My-Unit", NameKind::Gauge, "a_b_c_My_Unit"),
        ] {
            assert_eq!(metric_name(name, unit, kind), expected);
        }
    }

    #[test]
    fn label_names_and_units() {
        let names = ["http.method", "9a", "_a", "__a", "é"].map(label_name);
        assert_eq!(names, ["http_method", "key_9a", "key_a", "__a", "key_"]);
        let units = ["s", "By/s", "{x}/s", "1", ""].map(unit_words);
        assert_eq!(units, ["seconds", "bytes_per_second", "per_second", "", ""]);
    }
}
