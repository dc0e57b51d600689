use super::super::raw::RawConfig;
use super::*;

const LEAST: &str = "[[access.oidc]]\nname = 'club'\nissuer = 'https://sso.club.example/realms/club'\n\
                     client_id = 'portique'\n";

fn read(text: &str) -> (Vec<OidcConfig>, String) {
    let mut problems = Vec::new();
    let raw = RawConfig::parse(Path::new("/etc/portique/p.toml"), text, &mut problems);
    let providers = resolve(&raw.oidc, &mut problems);
    let problems = problems.iter().map(Problem::to_string);
    (providers, problems.collect::<Vec<_>>().join("\n"))
}

#[track_caller]
fn refused(text: &str, line: usize, said: &str) {
    let (_, problems) = read(text);
    let begin = format!("/etc/portique/p.toml:{line}: ");
    assert!(
        problems.starts_with(&begin) && problems.contains(said),
        "{problems}"
    );
}

#[test]
fn a_provider_needs_three_keys_and_has_the_usual_claims() {
    let (providers, problems) = read(LEAST);
    assert_eq!(problems, "");
    let [club] = providers.as_slice() else {
        panic!("{providers:?}");
    };
    assert_eq!(club.label, "club");
    assert_eq!(club.name_claim, "preferred_username");
    assert_eq!(club.groups_claim, "groups");
    assert_eq!(club.scopes, ["profile", "email"]);
    assert!(club.groups.is_empty() && club.default_roles.is_empty());
    assert_eq!(club.client_secret_file, None);
}

#[test]
fn a_whole_provider_is_read() {
    let text = format!(
        "{LEAST}label = 'the club'\nclient_secret_file = 'club.secret'\nscopes = ['groups']\n\
         groups_claim = 'realm_access.roles'\nredirect_base_url = 'https://hub.club.example/'\n\
         groups = {{ 'club-captains' = ['operator', 'mission-commander'], 'All members' = ['viewer'] }}\n"
    );
    let (providers, problems) = read(&text);
    assert_eq!(problems, "");
    let club = &providers[0];
    let secret = club.client_secret_file.as_deref();
    assert_eq!(secret, Some(Path::new("/etc/portique/club.secret")));
    assert_eq!(
        club.redirect_base_url.as_deref(),
        Some("https://hub.club.example")
    );
    assert_eq!(club.groups["club-captains"].len(), 2);
    assert_eq!(
        club.groups["All members"],
        ["viewer".parse().unwrap()].into()
    );
    assert_eq!(club.scopes, ["groups"]);
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_would_be_right() {
    refused(
        "[[access.oidc]]\nname = 'club'\nclient_id = 'p'\n",
        1,
        "has no issuer: write issuer = ",
    );
    refused(
        &LEAST.replace("'club'", "'The Club'"),
        2,
        "is no name of a provider: write 1 to 64",
    );
    refused(&LEAST.replace("'club'", "'local'"), 2, "and not \"local\"");
    refused(
        &LEAST.replace("https", "http"),
        3,
        "cannot be used: write an address with https://",
    );
    refused(
        &LEAST.replace("https://", "https://me:secret@"),
        3,
        "cannot be used",
    );
    refused(&LEAST.replace("/realms/club", "/?a=b"), 3, "cannot be used");
    let with = |line: &str| format!("{LEAST}{line}\n");
    refused(
        &with("client_secret = 'hush'"),
        5,
        "unknown key \"access.oidc.client_secret\"",
    );
    refused(
        &with("redirect_base_url = 'https://hub.example/console'"),
        5,
        "has a path",
    );
    refused(
        &with("groups = { captains = [] }"),
        5,
        "access.oidc.groups.\"captains\" gives no role",
    );
    refused(
        &with("groups = { captains = ['Boss!'] }"),
        5,
        "names \"Boss!\", which is no role",
    );
    refused(
        &with("groups = { captains = 'operator' }"),
        5,
        "write a list of texts in quotes",
    );
    refused(
        &with("groups = ['operator']"),
        5,
        "write a table of lists of texts in quotes",
    );
    refused(
        &with("default_roles = ['Boss!']"),
        5,
        "access.oidc.default_roles names",
    );
    refused(
        &with("label = ''"),
        5,
        "access.oidc.label is too long, or empty",
    );
    refused(
        &with("name_claim = \"a\\u0007\""),
        5,
        "access.oidc.name_claim is too long, or empty",
    );
}

#[test]
fn providers_are_counted_and_have_a_name_of_their_own() {
    let (providers, problems) = read(&LEAST.repeat(2));
    assert!(
        problems.contains("two providers in access.oidc are called club"),
        "{problems}"
    );
    assert_eq!(providers.len(), 1);
    let many: String = (0..=PROVIDERS_MAX)
        .map(|index| LEAST.replace("'club'", &format!("'club{index}'")))
        .collect();
    let (_, problems) = read(&many);
    assert!(
        problems.contains("access.oidc has 9 providers: write at most 8"),
        "{problems}"
    );
}

#[test]
fn issuers_on_this_machine_need_no_encryption() {
    for host in ["127.0.0.1:8180", "[::1]:8180", "localhost"] {
        let (providers, problems) =
            read(&LEAST.replace("https://sso.club.example", &format!("http://{host}")));
        assert_eq!((providers.len(), problems.as_str()), (1, ""), "{host}");
    }
}
