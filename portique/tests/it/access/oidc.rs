//! Sign-in by a real OpenID provider, as a browser goes through it.

use portique::{AccessConfig, Config, Data, Hub, OidcConfig, Place as Line};
use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{Person, Place, answer, with_access};
use crate::api_rig::config;
use crate::oidc_peer::{Peer, browser};

/// Where the provider sends browsers back to: a proxy that leads to the hub, which is these tests.
const BASE: &str = "http://127.0.0.1:9";
const START: &str = "/console/oidc/club/start";
const CALLBACK: &str = "/console/oidc/club/callback";

/// A hub, a provider, and somebody with a browser that follows nothing by itself.
struct Club {
    place: Place,
    peer: Peer,
    browser: Client,
}

/// What somebody who went through has, or was told.
struct Back {
    status: StatusCode,
    session: Option<String>,
    page: String,
}

async fn with_club(visit: impl AsyncFnOnce(Club)) {
    let peer = Peer::start(&format!("{BASE}{CALLBACK}")).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("club.secret");
    std::fs::write(&secret, format!("{}\n", peer.client_secret)).unwrap();
    let mut club = provider(&peer.issuer, &peer.client_id);
    club.client_secret_file = Some(secret);
    let access = AccessConfig {
        open_reads: false,
        oidc: vec![club],
    };
    with_access(access, async |place| {
        let browser = browser();
        visit(Club {
            place,
            peer,
            browser,
        })
        .await;
    })
    .await;
}

fn provider(issuer: &str, client_id: &str) -> OidcConfig {
    let role = |role: &str| [role.parse().unwrap()].into();
    OidcConfig {
        name: "club".parse().unwrap(),
        label: "The <club>".into(),
        issuer: issuer.into(),
        client_id: client_id.into(),
        client_secret_file: None,
        scopes: vec!["profile".into()],
        name_claim: "preferred_username".into(),
        groups_claim: "groups".into(),
        groups: [
            ("club-captains".into(), role("operator")),
            ("club-members".into(), role("viewer")),
        ]
        .into(),
        default_roles: [].into(),
        redirect_base_url: Some(BASE.into()),
        ca_file: None,
        place: Line {
            path: "portique.toml".into(),
            line: 7,
        },
    }
}

impl Club {
    async fn groups(&self, groups: Value) {
        self.peer.switch(json!({ "groups": groups })).await;
    }

    /// The cookie of a sign-in that is begun, and where the browser is sent.
    async fn begin(&self) -> (String, String) {
        let answer = self.get(START, None).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let location = answer.headers()[header::LOCATION].to_str().unwrap();
        assert!(location.starts_with(&self.peer.issuer), "{location}");
        let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        let rest = "; Path=/console/oidc; Max-Age=600; HttpOnly; SameSite=Lax";
        assert!(set.ends_with(rest), "{set}");
        let cookie = set.split(';').next().unwrap();
        (cookie.to_owned(), location.to_owned())
    }

    /// The path by which somebody who signs in there comes back.
    async fn sign_in_there(&self, location: &str, login: &str) -> String {
        let back = self.peer.sign_in(location, login).await;
        let path = back.strip_prefix(BASE).unwrap();
        assert!(path.starts_with(CALLBACK), "{path}");
        path.to_owned()
    }

    async fn come_back(&self, path: &str, cookie: Option<&str>) -> Back {
        let answer = self.get(path, cookie).await;
        let all = answer.headers().get_all(header::SET_COOKIE).iter();
        let mut pairs = all.map(|set| set.to_str().unwrap().split(';').next().unwrap());
        let session = pairs
            .find(|pair| !pair.contains("_oidc="))
            .map(str::to_owned);
        let status = answer.status();
        if status.is_redirection() {
            assert_eq!(answer.headers()[header::LOCATION], "/console/");
        } else {
            assert_eq!(session, None, "nobody is signed in");
            let policy = &answer.headers()[header::CONTENT_SECURITY_POLICY];
            assert!(policy.to_str().unwrap().contains("default-src 'none'"));
        }
        let page = answer.text().await.unwrap();
        Back {
            status,
            session,
            page,
        }
    }

    async fn sign_in(&self, login: &str) -> Back {
        let (cookie, location) = self.begin().await;
        let path = self.sign_in_there(&location, login).await;
        self.come_back(&path, Some(&cookie)).await
    }

    /// Somebody who is let in, with what they show from then on.
    async fn person(&self, login: &str) -> Person {
        let back = self.sign_in(login).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.page);
        let cookie = back.session.unwrap();
        let view = self.get("/api/v1/session", Some(&cookie)).await;
        let view: Value = view.json().await.unwrap();
        assert_eq!(view["name"], login);
        let csrf = view["csrf"].as_str().unwrap().to_owned();
        Person { cookie, csrf }
    }

    async fn get(&self, path: &str, cookie: Option<&str>) -> Response {
        let asked = self.browser.get(format!("{}{path}", self.place.http));
        let asked = asked.header(header::COOKIE, cookie.unwrap_or_default());
        asked.send().await.unwrap()
    }

    /// What is answered to a person who asks for this.
    async fn status(&self, person: &Person, method: Method, path: &str) -> u16 {
        let asked = person.with(self.place.ask(method, path));
        asked.send().await.unwrap().status().as_u16()
    }

    async fn refused(&self, path: &str, cookie: Option<&str>, said: &str) {
        let back = self.come_back(path, cookie).await;
        assert_eq!(back.status, StatusCode::FORBIDDEN, "{}", back.page);
        assert!(back.page.contains(said), "{}", back.page);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_by_a_provider_is_what_their_groups_say_at_each_sign_in() {
    with_club(async |club| {
        let buttons = club.get("/console/oidc", None).await;
        let buttons: Value = buttons.json().await.unwrap();
        assert_eq!(buttons, json!([{ "name": "club", "label": "The <club>" }]));
        club.groups(json!({ "alice": ["club-captains"] })).await;
        let alice = club.person("alice").await;
        let pause = "/api/v1/queues/mail/pause";
        assert_eq!(club.status(&alice, Method::GET, "/api/v1/dead").await, 200);
        assert_ne!(club.status(&alice, Method::POST, pause).await, 403);
        assert_eq!(
            club.status(&alice, Method::GET, "/api/v1/access/users")
                .await,
            403
        );
        let users = club
            .place
            .commander(Method::GET, "/api/v1/access/users", Value::Null);
        let users = users.await;
        assert_eq!(
            (&users[0]["name"], &users[0]["origin"]),
            (&json!("alice"), &json!("club"))
        );

        club.groups(json!({ "alice": ["club-members"] })).await;
        let again = club.person("alice").await;
        assert_ne!(alice.cookie, again.cookie);
        for person in [&alice, &again] {
            assert_eq!(club.status(person, Method::POST, pause).await, 403);
        }
        club.groups(json!({})).await;
        let back = club.sign_in("alice").await;
        assert_eq!(back.status, StatusCode::FORBIDDEN);
        assert!(
            back.page
                .contains("no group that club has them in gives a role here"),
            "{}",
            back.page
        );
        for person in [&alice, &again] {
            assert_eq!(
                club.status(person, Method::GET, "/api/v1/queues").await,
                401
            );
        }
        // What is changed after a refusal is written after it.
        let role = json!({ "name": "night-shift", "permissions": ["jobs:read"] });
        let path = "/api/v1/access/roles";
        club.place.commander(Method::POST, path, role).await;
        let audit = "/api/v1/access/audit?action=session.begin&limit=10";
        let audit = club.place.commander(Method::GET, audit, Value::Null).await;
        let audit = audit.to_string();
        assert!(
            audit.contains("provider:club subject=alice") && audit.contains("no group that club")
        );
        let settings = club
            .place
            .commander(Method::GET, "/api/v1/settings", Value::Null);
        let settings = settings.await.to_string();
        assert!(
            settings.contains("access.oidc") && !settings.contains("club.secret"),
            "{settings}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_began_here_comes_back_once() {
    with_club(async |club| {
        club.groups(json!({ "alice": ["club-captains"], "bob": ["club-captains"] }))
            .await;
        let begin = "this browser did not begin this sign-in";
        let (mine, location) = club.begin().await;
        let path = club.sign_in_there(&location, "alice").await;
        club.refused(&path, None, begin).await;
        club.refused(&path, Some(&format!("{mine}0")), begin).await;
        let (other, _) = club.begin().await;
        club.refused(&path, Some(&other), "does not belong to the sign-in")
            .await;
        let back = club.come_back(&path, Some(&mine)).await;
        let session = back.session.unwrap();
        club.refused(&path, Some(&mine), begin).await;

        // A browser that is signed in gets another session, and the one before is over.
        let (cookie, location) = club.begin().await;
        let path = club.sign_in_there(&location, "bob").await;
        let back = club
            .come_back(&path, Some(&format!("{cookie}; {session}")))
            .await;
        assert_ne!(back.session.unwrap(), session);
        let view: Value = club
            .get("/api/v1/session", Some(&session))
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(view["role"], "none");

        let (cookie, location) = club.begin().await;
        let path = club.sign_in_there(&location, "alice").await;
        let tampered = path.replace("state=", "state=0");
        club.refused(&tampered, Some(&cookie), "does not belong to the sign-in")
            .await;
        club.refused(&path, Some(&cookie), begin).await;
        assert_eq!(
            club.get("/console/oidc/made-up/start", None).await.status(),
            404
        );
        let (cookie, location) = club.begin().await;
        let state = location
            .split("state=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        let declined = format!("{CALLBACK}?state={state}&error=%3Cscript%3Ealert(1)%3C/script%3E");
        let back = club.come_back(&declined, Some(&cookie)).await;
        assert!(
            back.page
                .contains("the provider refused: an error without a name"),
            "{}",
            back.page
        );
        assert!(!back.page.contains("<script"), "{}", back.page);
        // Any page can have a browser come here by itself: that shuts nobody out.
        for _ in 0..30 {
            club.refused(CALLBACK, None, begin).await;
        }
        assert_eq!(club.sign_in("alice").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_not_right_open_nothing() {
    with_club(async |club| {
        club.groups(json!({ "alice": ["club-captains"] })).await;
        for (how, said) in [
            ("signature", "its signature does not hold"),
            ("audience", "it is for another client"),
            ("nonce", "it belongs to another sign-in"),
            ("expired", "it is expired"),
            ("name", "is no name here"),
        ] {
            club.peer.switch(json!({ "tamper": how })).await;
            let back = club.sign_in("alice").await;
            assert_eq!(back.status, StatusCode::FORBIDDEN, "{how}");
            assert!(
                back.page.contains(said) && !back.page.contains("<script"),
                "{}",
                back.page
            );
        }
        club.peer
            .switch(json!({ "tamper": null, "mood": "endless" }))
            .await;
        let (cookie, location) = club.begin().await;
        let state = location
            .split("state=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        let path = format!("{CALLBACK}?state={state}&code=made-up");
        let back = club.come_back(&path, Some(&cookie)).await;
        assert_eq!(back.status, StatusCode::BAD_GATEWAY, "{}", back.page);
        assert!(
            back.page.contains("body size limit exceeded"),
            "{}",
            back.page
        );
        club.peer.switch(json!({ "mood": null })).await;
        club.person("alice").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_name_is_not_taken_over_and_a_providers_user_has_no_password() {
    with_club(async |club| {
        let local = club.place.user("alice", &["viewer"]).await;
        club.groups(json!({ "alice": ["club-captains"], "bob": ["club-captains"] }))
            .await;
        let back = club.sign_in("alice").await;
        assert_eq!(back.status, StatusCode::FORBIDDEN);
        assert!(
            back.page.contains("the name alice is taken here"),
            "{}",
            back.page
        );
        assert_eq!(club.status(&local, Method::GET, "/api/v1/dead").await, 200);
        let users = club
            .place
            .commander(Method::GET, "/api/v1/access/users", Value::Null);
        assert_eq!(users.await[0]["origin"], "local");

        let bob = club.person("bob").await;
        for password in ["", "correct horse battery"] {
            let credentials = json!({ "name": "bob", "password": password });
            let tried = club.place.sign_in(credentials).await;
            assert_eq!(tried.err().unwrap(), StatusCode::UNAUTHORIZED);
        }
        let token = club.place.ask(Method::POST, "/api/v1/access/tokens");
        let token = bob.with(token.json(&json!({ "scopes": ["jobs:read"] })));
        let refused = answer(token, Some(409)).await.to_string();
        assert!(refused.contains("ends with their session"), "{refused}");
        let path = "/api/v1/access/users/bob/password";
        let given = club
            .place
            .ask(Method::PUT, path)
            .bearer_auth(&club.place.commander);
        let given = given.json(&json!({ "password": "given by somebody" }));
        let refused = answer(given, Some(409)).await.to_string();
        assert!(refused.contains("they have no password here"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_configuration_that_names_what_there_is_not_starts_nothing() {
    let mut club = provider("https://sso.club.example", "portique");
    club.default_roles = ["night-shift".parse().unwrap()].into();
    club.client_secret_file = Some("/made/up/club.secret".into());
    let access = AccessConfig {
        open_reads: false,
        oidc: vec![club],
    };
    let config = Config {
        access,
        ..config(Data::Ephemeral)
    };
    let error = Hub::open(config).await.err().unwrap().to_string();
    let role = "portique.toml:7: access.oidc.default_roles of club names the role night-shift, which there is not";
    assert!(error.contains(role), "{error}");
    let secret = "access.oidc.client_secret_file of club: \"/made/up/club.secret\" cannot be read";
    assert!(error.contains(secret), "{error}");
}
