use crate::notify::{HTTP_KEYS, HttpConfig, read_http};
use crate::yaml::{Fields, Node, Reader};

/// What Prometheus has beside them.
const UNSUPPORTED: [(&str, &str); 5] = [
    (
        "oauth2",
        "have a token written to a file and name it in authorization.credentials_file",
    ),
    ("proxy_url", "targets are reached directly"),
    ("no_proxy", "targets are reached directly"),
    ("proxy_from_environment", "targets are reached directly"),
    ("proxy_connect_header", "targets are reached directly"),
];
/// Headers that are written by whoever asks, beside those that nobody may set.
const RESERVED: [&str; 5] = [
    "accept",
    "accept-encoding",
    "content-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
];

/// The keys of a mapping that says how an address is asked, with others.
pub(super) fn keys(own: &[&'static str]) -> Vec<&'static str> {
    let all = own.iter().chain(&HTTP_KEYS);
    all.copied().collect()
}

/// What such a mapping cannot have, with others.
pub(super) fn unsupported(
    own: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    own.iter().chain(&UNSUPPORTED).copied().collect()
}

/// Reads how an address is asked out of the fields of `node`.
pub(super) fn read(reader: &mut Reader, node: &Node, fields: &Fields<'_>) -> HttpConfig {
    let http = read_http(reader, node, fields, &HttpConfig::default());
    for (key, name, _) in reader.entries(fields.get("http_headers"), "http_headers") {
        check_header(reader, key, &name);
    }
    http
}

/// Whether a header of this name may be written in a file.
pub(super) fn check_header(reader: &mut Reader, node: &Node, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) {
        let message = format!("the header {name} is not set here: it has keys of its own or none");
        reader.problem(node, message);
        return false;
    }
    true
}
