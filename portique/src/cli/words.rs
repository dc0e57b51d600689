//! How figures are written for people.

use serde_json::Value;

/// Time from T-0, such as `T-00:01:05` or `T+01:02:03`; nothing before a count exists.
pub(crate) fn t_clock(t_s: Option<f64>) -> String {
    let Some(t_s) = t_s else {
        return "T--:--:--".into();
    };
    // Whole seconds, rounded down as a clock does: half a second before T-0 is still T-00:00:01.
    let seconds = t_s.floor();
    let sign = if seconds < 0.0 { '-' } else { '+' };
    let seconds = seconds.abs() as u64;
    format!(
        "T{sign}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The text under a key, or a dash.
pub(super) fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The time under a key (RFC 3339, UTC) to the second, or a dash.
pub(super) fn wall(value: &Value, key: &str) -> String {
    let whole = text(value, key);
    match whole.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => whole,
    }
}

/// The number under a key with so many decimals, or a dash.
pub(super) fn number(value: &Value, key: &str, decimals: usize) -> String {
    match value.get(key).and_then(Value::as_f64) {
        Some(number) => format!("{number:.decimals$}"),
        None => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_written_to_the_second() {
        let line =
            serde_json::json!({ "at": "2026-11-21T09:58:03.71Z", "whole": "2026-11-21T09:58:03Z" });
        assert_eq!(wall(&line, "at"), "2026-11-21T09:58:03Z");
        assert_eq!(wall(&line, "whole"), "2026-11-21T09:58:03Z");
        assert_eq!(wall(&line, "missing"), "-");
    }

    #[test]
    fn the_clock_is_written_as_a_countdown_is() {
        assert_eq!(t_clock(None), "T--:--:--");
        assert_eq!(t_clock(Some(-60.0)), "T-00:01:00");
        assert_eq!(t_clock(Some(-0.5)), "T-00:00:01");
        assert_eq!(t_clock(Some(0.0)), "T+00:00:00");
        assert_eq!(t_clock(Some(3_725.9)), "T+01:02:05");
    }
}
