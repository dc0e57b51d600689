use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use portique_client::{Fingerprint, Trust};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Place, Version, client, shown};
use crate::hub_process::{complaint, run};

/// What is not so by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes `NAME.pem` and `NAME.key` into a folder; by what the certificate is known.
fn write(folder: &Path, name: &str, last_year: i32) -> Fingerprint {
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.not_before = date_time_ymd(2000, 1, 1);
    parameters.not_after = date_time_ymd(last_year, 1, 1);
    let pair = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&pair).unwrap();
    fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    let key = folder.join(format!("{name}.key"));
    fs::write(&key, pair.serialize_pem()).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    Fingerprint::of(certificate.der())
}

/// The flags that name a certificate and a key in a folder.
fn flags(folder: &Path, certificate: &str, key: &str) -> Vec<String> {
    let file = |name: &str| shown(&folder.join(name));
    let [certificate, key] = [file(certificate), file(key)];
    vec![
        "--tls-certificate".into(),
        certificate,
        "--tls-key".into(),
        key,
    ]
}

#[test]
fn a_certificate_that_cannot_be_shown_refuses_the_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "old", 2001);
    write(path, "good", 2100);
    write(path, "other", 2100);
    write(path, "open", 2100);
    fs::set_permissions(path.join("open.key"), Permissions::from_mode(0o640)).unwrap();
    fs::write(path.join("none"), "nothing in PEM").unwrap();
    fs::set_permissions(path.join("none"), Permissions::from_mode(0o600)).unwrap();
    for (certificate, key, said) in [
        ("old.pem", "old.key", "was good until"),
        ("good.pem", "other.key", "is not the key of the certificate"),
        ("open.pem", "open.key", "chmod 600"),
        ("none", "good.key", "holds no certificate"),
        ("good.pem", "none", "holds no private key"),
        ("good.pem", "missing", "cannot be read"),
    ] {
        let data = shown(&path.join("data"));
        let mut args = vec!["up", "--listen", "127.0.0.1:0", "--data", &data];
        let flags = flags(path, certificate, key);
        args.extend(flags.iter().map(String::as_str));
        let output = run(&args);
        assert_eq!(output.status.code(), Some(2), "{certificate} {key}");
        let complaint = complaint(&output);
        assert!(complaint.contains(said), "{certificate} {key}: {complaint}");
    }
}

#[test]
fn a_hub_keeps_the_certificate_that_it_made() {
    let place = Place::self_signed();
    let first = place.fingerprint();
    let key = place.data().join("tls.key.pem");
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads the key");
    let Place { folder, hub } = place;
    assert!(hub.stop(Signal::TERM).success());
    let data = shown(&folder.path().join("data"));
    let output = run(&["tls", "fingerprint", "--data", &data]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        first.to_string()
    );
    let hub = crate::hub_process::HubProcess::start_with(&["--data", &data, "--tls-self-signed"]);
    let again = Place { folder, hub };
    assert_eq!(again.fingerprint(), first);
}

#[tokio::test]
async fn a_certificate_is_renewed_while_the_hub_runs() {
    let place = Place::with(|folder| {
        write(folder, "hub", 2100);
        flags(folder, "hub.pem", "hub.key")
    });
    let first = place.fingerprint();
    let folder = place.folder.path();
    // What is wrong with the files leaves all as it was.
    fs::write(folder.join("hub.pem"), "half a certificate").unwrap();
    let (status, said) = asked_to_reload(&place).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(said.contains("hub.pem"), "{said}");
    assert_eq!(place.fingerprint(), first, "nothing else is told");
    assert!(
        place
            .visit(&["--fingerprint", &first.to_string()])
            .status
            .success()
    );
    let second = write(folder, "hub", 2101);
    reload(&place);
    let end = Instant::now() + PATIENCE;
    let mut looks = interval(Duration::from_millis(20));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while place.fingerprint() != second {
        assert!(Instant::now() < end, "the new certificate is not told");
        looks.tick().await;
    }
    let visit =
        |fingerprint: Fingerprint| place.visit(&["--fingerprint", &fingerprint.to_string()]);
    assert!(visit(second).status.success());
    assert!(
        !visit(first).status.success(),
        "the old one is shown no more"
    );
}

/// Asks over HTTP, which answers when it was tried, with what is wrong.
async fn asked_to_reload(place: &Place) -> (StatusCode, String) {
    let token = fs::read_to_string(place.data().join("commander.token")).unwrap();
    let request = Request::post(format!("{}/prometheus/-/reload", place.hub.http))
        .header("authorization", format!("Bearer {}", token.trim()))
        .body(Body::empty())
        .unwrap();
    let client = client(&Trust::Pinned(place.fingerprint()), Version::One);
    let answer = client.request(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = to_bytes(Body::new(body), 1 << 20).await.unwrap();
    (parts.status, String::from_utf8(body.to_vec()).unwrap())
}

fn reload(place: &Place) {
    let pid = Pid::from_raw(place.hub.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
}
