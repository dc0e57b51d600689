use super::Place;
use crate::hub_process::{complaint, run};

#[test]
fn the_command_line_believes_whoever_it_is_told_to() {
    let place = Place::self_signed();
    let pin = place.fingerprint().to_string();
    let certificate = super::shown(&place.data().join("tls.certificate.pem"));
    for told in [["--fingerprint", &pin], ["--ca", &certificate]] {
        let output = place.visit(&told);
        assert!(output.status.success(), "{told:?}: {}", complaint(&output));
    }
    // On the hub's own machine nothing has to be said.
    let data = super::shown(&place.data());
    let output = run(&["queues", "list", "--data", &data]);
    assert!(output.status.success(), "{}", complaint(&output));
    let output = run(&["tls", "fingerprint", "--data", &data]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), pin);
    let output = run(&["tls", "fingerprint", &certificate]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), pin);
}

#[test]
fn the_command_line_believes_nobody_else() {
    let place = Place::self_signed();
    let pin = place.fingerprint().to_string();
    let wrong = format!(
        "{}{}",
        if pin.starts_with("00") { "01" } else { "00" },
        &pin[2..]
    );
    let output = place.visit(&["--fingerprint", &wrong]);
    assert_eq!(output.status.code(), Some(4), "{}", complaint(&output));
    let said = complaint(&output);
    assert!(said.contains(&pin) && said.contains(&wrong), "{said}");
    let output = place.visit(&[]);
    assert!(!output.status.success());
    let said = complaint(&output);
    assert!(said.contains("is not believed to be the hub"), "{said}");
    assert!(
        said.contains("--fingerprint") && said.contains("--ca"),
        "{said}"
    );
    let output = place.visit(&["--fingerprint", "abc"]);
    assert!(complaint(&output).contains("64 hexadecimal digits"));
}

#[test]
fn who_forgets_that_a_hub_encrypts_is_told() {
    let place = Place::self_signed();
    let plain = place.hub.http.replace("https://", "http://");
    let output = run(&["queues", "list", "--hub", &plain, "--data", "/no/such"]);
    assert!(!output.status.success());
    let said = complaint(&output);
    assert!(said.contains("write https instead of http"), "{said}");
}

#[test]
fn who_thinks_that_a_hub_encrypts_is_told() {
    let hub = crate::hub_process::HubProcess::start_with(&["--ephemeral"]);
    let secure = hub.http.replace("http://", "https://");
    let output = run(&["queues", "list", "--hub", &secure, "--data", "/no/such"]);
    assert!(!output.status.success());
    let said = complaint(&output);
    assert!(said.contains("write http instead of https"), "{said}");
}
