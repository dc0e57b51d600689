use axum::http::{HeaderMap, header};

/// The media type of Prometheus' own text.
pub(super) const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What whoever knows OpenMetrics asks for.
const OPEN: &str = "application/openmetrics-text";

/// Whether OpenMetrics is asked for: others, and people, get Prometheus' own text, as from a Prometheus.
pub(super) fn asks_for_open(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(header::ACCEPT).iter();
    let mut asked = asked.filter_map(|accept| accept.to_str().ok());
    asked.any(|accept| accept.to_ascii_lowercase().contains(OPEN))
}

/// The same page as Prometheus' own text: counters are called as their samples are, and what that text has no words
/// for is left out.
pub(super) fn plain(open: &str) -> String {
    let mut page = String::with_capacity(open.len());
    let mut lines = open.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if !line.starts_with('#') {
            page.push_str(without_exemplar(line));
            page.push('\n');
            continue;
        }
        let described = line.strip_prefix("# HELP ");
        let kind = match described {
            Some(_) => lines.peek().copied().unwrap_or("").strip_prefix("# TYPE "),
            None => line.strip_prefix("# TYPE "),
        };
        let kind = kind
            .and_then(|kind| kind.split_once(' '))
            .map_or("", |(_, kind)| kind);
        page.push_str(&comment(line, kind));
        page.push('\n');
    }
    page
}

/// A sample without the exemplar that may follow it; values of labels may hold anything.
fn without_exemplar(line: &str) -> &str {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'#' if !is_quoted => return line[..at].trim_end(),
            _ => {}
        }
    }
    line
}

fn comment(line: &str, kind: &str) -> String {
    let mut words = line.splitn(4, ' ');
    let mut word = || words.next().unwrap_or("");
    let (hash, keyword, name, rest) = (word(), word(), word(), word());
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        kind => ("", kind),
    };
    let rest = if keyword == "TYPE" { kind } else { rest };
    format!("{hash} {keyword} {name}{suffix} {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_called_as_their_samples_are() {
        let open = "# HELP a Things.\n# TYPE a counter\n# UNIT a bytes\na_total{x=\"1 # \\\"\"} 2 # {t=\"3\"} 1.0\n\
                    # TYPE b gauge\nb 1\n# HELP c What it is.\n# TYPE c info\nc_info{v=\"1\"} 1\n# EOF\n";
        let expected = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"1 # \\\"\"} 2\n\
                        # TYPE b gauge\nb 1\n# HELP c_info What it is.\n# TYPE c_info gauge\n\
                        c_info{v=\"1\"} 1\n";
        assert_eq!(plain(open), expected);
    }

    #[test]
    fn open_metrics_is_for_those_who_ask() {
        let asks = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            asks_for_open(&headers)
        };
        assert!(asks(
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        ));
        assert!(!asks("*/*"));
        assert!(!asks("text/plain;version=0.0.4"));
    }
}
