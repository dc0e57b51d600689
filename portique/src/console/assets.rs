use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

/// A file of the console.
struct Asset {
    /// Its path below `/console/`.
    name: &'static str,
    bytes: &'static [u8],
    /// The same, compressed, where that is worth it.
    gzip: Option<&'static [u8]>,
}

/// What the build found in `web/dist`; nothing when the console was not built.
const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/console_assets.rs"));
/// Where the console begins.
const HOME: &str = "/console/";
/// What every path below it shows that is no file.
const INDEX: &str = "index.html";
/// Files whose name says their content, so that they may be kept for ever.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Nothing but the hub's own files and answers: no inline script or style, no other site, no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' \
                      data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
pub(super) const SECURE: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];
/// What a binary without the console says.
const NOT_BUILT: &str = include_str!("not_built.html");

/// Pages and files; the root leads there.
pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .route("/", get(async || Redirect::temporary(HOME)))
        .route("/console", get(async || Redirect::temporary(HOME)))
        .route(HOME, get(async |headers: HeaderMap| page(&headers)))
        .route("/console/{*path}", get(below))
}

async fn below(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match find(&path) {
        Some(asset) => file(asset, &headers),
        // A file of an earlier build is gone; a page in its place would be run as a script.
        None if path.starts_with(HASHED) => StatusCode::NOT_FOUND.into_response(),
        None => page(&headers),
    }
}

fn page(headers: &HeaderMap) -> Response {
    console(headers).unwrap_or_else(|| answer(INDEX, NOT_BUILT.as_bytes(), false))
}

/// The console's page, which is the same for every address of it; none in a binary without the console.
pub(super) fn console(headers: &HeaderMap) -> Option<Response> {
    find(INDEX).map(|asset| file(asset, headers))
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

fn file(asset: &Asset, headers: &HeaderMap) -> Response {
    match asset.gzip.filter(|_| takes_gzip(headers)) {
        Some(gzip) => answer(asset.name, gzip, true),
        None => answer(asset.name, asset.bytes, false),
    }
}

fn answer(name: &str, bytes: &'static [u8], is_gzip: bool) -> Response {
    let keep = match name.starts_with(HASHED) {
        true => FOR_EVER,
        false => "no-cache",
    };
    let headers = [
        (header::CONTENT_TYPE, media_type(name)),
        (header::CACHE_CONTROL, keep),
        (header::VARY, "accept-encoding"),
    ];
    let mut response = (headers, AppendHeaders(SECURE), bytes).into_response();
    if is_gzip {
        let gzip = header::HeaderValue::from_static("gzip");
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, gzip);
    }
    response
}

/// Whether a visitor takes gzip: named, and not with weight zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim() == "gzip" && !is_refused
    })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
