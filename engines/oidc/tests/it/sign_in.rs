use super::*;

#[tokio::test]
async fn who_signs_in_there_is_known_here_with_their_groups() {
    let rig = Rig::start().await;
    let names = json!({ "alice": "Alice.Liddell@Club.example" });
    rig.peer.switch(json!({ "names": names })).await;
    let alice = rig.sign_in("alice").await.unwrap();
    assert_eq!(alice.subject, "alice");
    assert_eq!(alice.name.as_str(), "alice.liddell-at-club.example");
    assert!(alice.groups.is_empty());
    let groups = json!({ "alice": ["club-captains", "members"] });
    rig.peer
        .switch(json!({ "groups": groups, "names": {} }))
        .await;
    let alice = rig.sign_in("alice").await.unwrap();
    assert_eq!(alice.name.as_str(), "alice");
    assert_eq!(
        alice.groups,
        ["club-captains".into(), "members".into()].into()
    );
    assert!(rig.sign_in("bob").await.unwrap().groups.is_empty());
}

#[tokio::test]
async fn only_the_browser_that_began_comes_back_once_in_time_and_with_its_own_state() {
    let rig = Rig::start().await;
    let (mine, first) = rig.come_back("alice").await;
    let (yours, second) = rig.come_back("bob").await;
    let copy = Callback {
        state: second.state.clone(),
        code: second.code.clone(),
        ..Callback::default()
    };
    let foreign = rig.finish(&"0".repeat(64), second).await;
    assert!(matches!(foreign, Err(Error::NotBegun)), "{foreign:?}");
    let swapped = rig.finish(&yours, first).await;
    assert!(matches!(swapped, Err(Error::State)), "{swapped:?}");
    let again = rig.finish(&yours, copy).await;
    assert!(
        matches!(again, Err(Error::NotBegun)),
        "used up by the wrong state: {again:?}"
    );

    rig.clock.advance(Duration::from_secs(599));
    let (_, other) = rig.come_back("alice").await;
    let late = rig.finish(&mine, other).await;
    assert!(matches!(late, Err(Error::State)), "in time still: {late:?}");
    let (mine, callback) = rig.come_back("alice").await;
    rig.clock.advance(Duration::from_secs(600));
    let late = rig.finish(&mine, callback).await;
    assert!(matches!(late, Err(Error::NotBegun)), "{late:?}");
}

#[tokio::test]
async fn a_code_is_exchanged_once_with_the_verifier_and_secret_that_belong_to_it() {
    let rig = Rig::start().await;
    let started = rig.provider.start().await.unwrap();
    let other = rig.provider.start().await.unwrap();
    assert!(started.location.contains("code_challenge_method=S256"));
    let back = callback(&rig.peer.sign_in(&started.location, "alice").await);
    // The code of one sign-in with the state of another: the verifier tells them apart.
    let mixed = callback(&rig.peer.sign_in(&other.location, "alice").await);
    let mixed = Callback {
        code: back.code.clone(),
        ..mixed
    };
    let secret = || Some(rig.peer.client_secret.clone());
    let stolen = rig.provider.finish(other.attempt, mixed, secret()).await;
    let said = stolen.unwrap_err().to_string();
    assert!(
        said.contains("did not exchange the code: invalid_grant"),
        "{said}"
    );
    let own = rig.provider.finish(started.attempt, back, secret()).await;
    assert_eq!(own.unwrap().name.as_str(), "alice");

    for wrong in [None, Some("another secret".to_owned())] {
        let started = rig.provider.start().await.unwrap();
        let back = callback(&rig.peer.sign_in(&started.location, "alice").await);
        let refused = rig.provider.finish(started.attempt, back, wrong).await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("invalid_client"), "{said}");
    }
}

#[tokio::test]
async fn what_the_provider_says_in_words_is_not_repeated() {
    let rig = Rig::start().await;
    let declined = async |error: &str| {
        let attempt = rig.provider.start().await.unwrap();
        let url = Url::parse(&attempt.location).unwrap();
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap();
        let callback = Callback {
            state: state.1.into_owned(),
            error: Some(error.into()),
            ..Callback::default()
        };
        let refused = rig.provider.finish(attempt.attempt, callback, None).await;
        refused.unwrap_err().to_string()
    };
    assert_eq!(
        declined("access_denied").await,
        "the provider refused: access_denied"
    );
    let said = declined("<script>alert(1)</script>").await;
    assert_eq!(said, "the provider refused: an error without a name");
    let started = rig.provider.start().await.unwrap();
    let nothing = rig
        .provider
        .finish(started.attempt, Callback::default(), None)
        .await;
    assert!(matches!(nothing, Err(Error::State)));
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let rig = Rig::start().await;
    let (cookie, callback) = rig.come_back("alice").await;
    assert_eq!(callback.issuer.as_deref(), Some(rig.peer.issuer.as_str()));
    let issuer = Some("http://127.0.0.1:1".to_owned());
    let mixed_up = rig.finish(&cookie, Callback { issuer, ..callback }).await;
    assert!(matches!(mixed_up, Err(Error::State)), "{mixed_up:?}");
    let mut config = config(&rig.peer);
    config.name = "other".parse().unwrap();
    let wire = Arc::new(Wire(browser()));
    let other = Provider::new(config, wire, rig.clock.clone()).unwrap();
    let (cookie, callback) = rig.come_back("alice").await;
    let attempt = rig.attempts.take(&cookie, rig.clock.monotonic()).unwrap();
    let elsewhere = other.finish(attempt, callback, None).await;
    assert!(matches!(elsewhere, Err(Error::NotBegun)), "{elsewhere:?}");
}

#[tokio::test]
async fn a_provider_that_is_down_or_endless_or_another_is_said() {
    let rig = Rig::start().await;
    let said = async || rig.provider.start().await.unwrap_err().to_string();
    rig.peer.switch(json!({ "mood": "down" })).await;
    let down = said().await;
    assert!(
        down.contains("it answers with status 503") && !down.contains("mending"),
        "{down}"
    );
    rig.peer.switch(json!({ "mood": "endless" })).await;
    let endless = said().await;
    assert!(endless.contains("the answer is too large"), "{endless}");
    rig.peer.switch(json!({ "mood": null })).await;
    rig.provider.start().await.unwrap();
    rig.peer.switch(json!({ "mood": "down" })).await;
    rig.provider.start().await.unwrap();
    rig.clock.advance(Duration::from_secs(3600));
    assert!(said().await.contains("503"), "what is known gets old");

    let mut config = config(&rig.peer);
    config.issuer = format!("{}/realms/club", rig.peer.issuer);
    rig.peer.switch(json!({ "mood": null })).await;
    let provider = Provider::new(config.clone(), Arc::new(Wire(browser())), rig.clock.clone());
    let error = provider.unwrap().start().await.unwrap_err().to_string();
    assert!(error.contains("it answers with status 404"), "{error}");
    config.issuer = rig.peer.issuer.replace("127.0.0.1", "localhost");
    let provider = Provider::new(config, Arc::new(Wire(browser())), rig.clock.clone());
    let error = provider.unwrap().start().await.unwrap_err().to_string();
    assert!(
        error.contains("write the issuer exactly as the provider does"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_is_left_after_ten_seconds() {
    struct Silent;
    #[async_trait]
    impl Transport for Silent {
        async fn send(&self, _: Ask) -> Result<Answer, TransportFault> {
            std::future::pending().await
        }
    }
    let config = ProviderConfig {
        name: "club".parse().unwrap(),
        issuer: "https://sso.club.example".into(),
        client_id: "portique".into(),
        scopes: Vec::new(),
        name_claim: "sub".into(),
        groups_claim: "groups".into(),
        redirect_url: REDIRECT.into(),
    };
    let clock = Arc::new(SimulatedClock::new(WallClock::new().now()));
    let provider = Provider::new(config, Arc::new(Silent), clock).unwrap();
    let begin = tokio::time::Instant::now();
    let visits = (0..17).map(|_| provider.start());
    let mut outcomes = Vec::new();
    for outcome in futures_util::future::join_all(visits).await {
        outcomes.push(outcome.map(|_| ()).unwrap_err());
    }
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
    let busy = outcomes.iter().filter(|error| matches!(error, Error::Busy));
    assert_eq!(busy.count(), 1, "{outcomes:?}");
    let slow = "the provider did not answer within 10 s";
    assert_eq!(outcomes[0].to_string(), slow);
}
