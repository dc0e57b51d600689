use super::*;

#[tokio::test]
async fn a_token_that_is_not_the_providers_own_is_refused() {
    let rig = Rig::start().await;
    for how in ["signature", "claims", "stranger"] {
        let said = rig.tampered(how).await;
        assert!(
            said.contains("its signature does not hold"),
            "{how}: {said}"
        );
    }
    let said = rig.tampered("unknown-key").await;
    assert!(
        said.contains("a key that the provider does not publish"),
        "{said}"
    );
    for how in ["none", "hmac", "client-secret"] {
        let said = rig.tampered(how).await;
        let is_refused = ["signed in a way that is not believed", "cannot be read"];
        assert!(
            is_refused.iter().any(|part| said.contains(part)),
            "{how}: {said}"
        );
    }
    rig.sign_in("alice").await.unwrap();
}

#[tokio::test]
async fn a_token_for_others_or_of_another_time_is_refused() {
    let rig = Rig::start().await;
    for (how, reason) in [
        ("audience", "it is for another client"),
        ("audiences", "it is for another client"),
        ("issuer", "it is of another issuer"),
        ("nonce", "it belongs to another sign-in"),
        ("no-nonce", "it belongs to another sign-in"),
        ("expired", "it is expired"),
    ] {
        let said = rig.tampered(how).await;
        assert!(said.contains(reason), "{how}: {said}");
    }
    // Right when it was made, and too old by the hub's own clock.
    let (cookie, callback) = rig.come_back("alice").await;
    let attempt = rig.attempts.take(&cookie, rig.clock.monotonic()).unwrap();
    rig.clock.advance(Duration::from_secs(48 * 3600));
    let secret = Some(rig.peer.client_secret.clone());
    let late = rig.provider.finish(attempt, callback, secret).await;
    assert!(late.unwrap_err().to_string().contains("it is expired"));
}

#[tokio::test]
async fn claims_of_no_use_are_refused_and_not_repeated() {
    let rig = Rig::start().await;
    let said = rig.tampered("groups-number").await;
    assert!(
        said.contains("neither a text nor a list of texts"),
        "{said}"
    );
    let said = rig.tampered("name").await;
    assert!(
        said.contains("is no name here") && !said.contains("script"),
        "{said}"
    );
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_shows_it() {
    let rig = Rig::start().await;
    rig.sign_in("alice").await.unwrap();
    rig.peer.switch(json!({ "rotate": true })).await;
    let early = rig.sign_in("alice").await.unwrap_err().to_string();
    assert!(
        early.contains("a key that the provider does not publish"),
        "asked a moment ago: {early}"
    );
    rig.clock.advance(Duration::from_secs(5));
    rig.sign_in("alice").await.unwrap();
    let said = rig.tampered("unknown-key").await;
    assert!(
        said.contains("a key that the provider does not publish"),
        "{said}"
    );
}
