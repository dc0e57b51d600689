//! Providers of identities that people sign in by.
//!
//! The client's secret is in a file of its own, of which the configuration has the name only.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use portique_access::Name;
use reqwest::Url;

use super::key::{TableKey, TableKind};
use super::problem::{Place, Problem};
use super::raw::{RawTable, Written};

/// Each has a button on the page where one signs in.
const PROVIDERS_MAX: usize = 8;
/// As many as a person reads.
const LABEL_CHARS_MAX: usize = 64;
/// Longest address, client id or name of a claim.
const TEXT_BYTES_MAX: usize = 2_048;
/// Scopes that are asked for.
const SCOPES_MAX: usize = 32;
/// Groups that give roles.
const GROUPS_MAX: usize = 256;
/// What the hub calls those who have a password of its own.
const LOCAL: &str = "local";
/// As Keycloak, Authentik, Dex and others have it.
const NAME_CLAIM_DEFAULT: &str = "preferred_username";
const GROUPS_CLAIM_DEFAULT: &str = "groups";
/// What has the name at most providers.
const SCOPES_DEFAULT: [&str; 2] = ["profile", "email"];

/// The keys of a provider.
pub(super) const OIDC_KEYS: &[TableKey] = &[
    key("name", TableKind::Text),
    key("label", TableKind::Text),
    key("issuer", TableKind::Text),
    key("client_id", TableKind::Text),
    key("client_secret_file", TableKind::Text),
    key("scopes", TableKind::Texts),
    key("name_claim", TableKind::Text),
    key("groups_claim", TableKind::Text),
    key("groups", TableKind::Lists),
    key("default_roles", TableKind::Texts),
    key("redirect_base_url", TableKind::Text),
    key("ca_file", TableKind::Text),
];

const fn key(name: &'static str, kind: TableKind) -> TableKey {
    TableKey { name, kind }
}

/// A provider of identities (OpenID Connect) that people sign in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// What the hub calls it, in addresses and in the audit journal: 1 to 64 of `a-z 0-9 . _ -`, not `local`.
    pub name: Name,
    /// What its button says; the name by default, at most 64 characters.
    pub label: String,
    /// Its issuer, as it writes it itself: https, or http on this machine.
    pub issuer: String,
    /// What the hub is called there.
    pub client_id: String,
    /// Where the client's secret is, a relative path from the configuration's folder; none for a public client.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for beside `openid`; by default `profile` and `email`, at most 32.
    pub scopes: Vec<String>,
    /// The claim that names people, a path with dots; default `preferred_username`.
    pub name_claim: String,
    /// The claim that names their groups, a path with dots; default `groups`.
    pub groups_claim: String,
    /// What those who are in a group are here; at most 256 groups.
    pub groups: BTreeMap<String, BTreeSet<Name>>,
    /// What those are who are in none of them; by default nothing, and they are refused.
    pub default_roles: BTreeSet<Name>,
    /// Where browsers find the hub; by default the address it listens on.
    pub redirect_base_url: Option<String>,
    /// Whom the provider's certificate is signed by, PEM; by default whom the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Where it is written.
    pub place: Place,
}

pub(super) fn resolve(tables: &[RawTable], problems: &mut Vec<Problem>) -> Vec<OidcConfig> {
    let mut providers: Vec<OidcConfig> = Vec::new();
    for table in tables {
        let Some(provider) = provider(table, problems) else {
            continue;
        };
        match providers.iter().any(|other| other.name == provider.name) {
            true => {
                let message = format!("two providers in access.oidc are called {}", provider.name);
                problems.push(Problem::at(&table.place, message, "rename one".into()));
            }
            false => providers.push(provider),
        }
    }
    if let Some(table) = tables.get(PROVIDERS_MAX) {
        let message = format!("access.oidc has {} providers", tables.len());
        let remedy = format!("write at most {PROVIDERS_MAX}");
        problems.push(Problem::at(&table.place, message, remedy));
    }
    providers
}

fn provider(table: &RawTable, problems: &mut Vec<Problem>) -> Option<OidcConfig> {
    let before = problems.len();
    let name = name(table, problems);
    let issuer = needed(table, "issuer", "\"https://sso.club.example\"", problems);
    let issuer = issuer.map(|issuer| address(issuer, "issuer", problems));
    let client_id = needed(table, "client_id", "\"portique\"", problems).map(text);
    let base = table.texts("redirect_base_url").first();
    let redirect_base_url = base.map(|base| base_url(base, problems));
    let groups = groups(table, problems);
    let default_roles = roles("default_roles", table.texts("default_roles"), problems);
    check_lengths(table, problems);
    let optional = |key| table.texts(key).first().map(text);
    let folder = table.place.path.parent().unwrap_or(Path::new(""));
    let file = |key| {
        table
            .texts(key)
            .first()
            .map(|file| folder.join(&file.value))
    };
    let scopes = table.texts("scopes");
    let scopes = match scopes.is_empty() {
        true => SCOPES_DEFAULT.map(str::to_owned).into(),
        false => scopes.iter().map(text).collect(),
    };
    let (name, issuer, client_id) = (name?, issuer?, client_id?);
    (problems.len() == before).then(|| OidcConfig {
        label: optional("label").unwrap_or_else(|| name.to_string()),
        name,
        issuer,
        client_id,
        client_secret_file: file("client_secret_file"),
        scopes,
        name_claim: optional("name_claim").unwrap_or_else(|| NAME_CLAIM_DEFAULT.into()),
        groups_claim: optional("groups_claim").unwrap_or_else(|| GROUPS_CLAIM_DEFAULT.into()),
        groups,
        default_roles,
        redirect_base_url,
        ca_file: file("ca_file"),
        place: table.place.clone(),
    })
}

fn text(written: &Written<String>) -> String {
    written.value.clone()
}

fn name(table: &RawTable, problems: &mut Vec<Problem>) -> Option<Name> {
    let written = needed(table, "name", "\"club\"", problems)?;
    match written.value.parse::<Name>() {
        Ok(name) if name.as_str() != LOCAL => Some(name),
        _ => {
            let message = format!(
                "access.oidc.name = {:?} is no name of a provider",
                written.value
            );
            let remedy = format!(
                "write 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit, and not {LOCAL:?}"
            );
            problems.push(Problem::at(&written.place, message, remedy));
            None
        }
    }
}

fn needed<'a>(
    table: &'a RawTable,
    key: &str,
    example: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'a Written<String>> {
    let written = table.texts(key).first();
    let written = written.filter(|written| !written.value.trim().is_empty());
    if written.is_none() {
        let message = format!("a provider in access.oidc has no {key}");
        let remedy = format!("write {key} = {example} into its table");
        problems.push(Problem::at(&table.place, message, remedy));
    }
    written
}

/// Secrets and tokens go there: it is encrypted, or on this machine.
fn address(written: &Written<String>, key: &str, problems: &mut Vec<Problem>) -> String {
    let is_right = Url::parse(&written.value).is_ok_and(|url| {
        let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_here(&url);
        let is_plain = url.query().is_none() && url.fragment().is_none();
        is_safe && is_plain && url.username().is_empty() && url.password().is_none()
    });
    if !is_right {
        let message = format!("access.oidc.{key} = {:?} cannot be used", written.value);
        let remedy =
            "write an address with https://, or http:// on this machine, without user, ? and #";
        problems.push(Problem::at(&written.place, message, remedy.into()));
    }
    written.value.clone()
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Without the slash at its end, so that a path is put behind it.
fn base_url(written: &Written<String>, problems: &mut Vec<Problem>) -> String {
    let base = address(written, "redirect_base_url", problems);
    let url = Url::parse(&base);
    if url.is_ok_and(|url| url.path() != "/") {
        let message = format!("access.oidc.redirect_base_url = {base:?} has a path");
        let remedy =
            "write what stands before /console/ only, such as \"https://hub.club.example\"";
        problems.push(Problem::at(&written.place, message, remedy.into()));
    }
    base.trim_end_matches('/').to_owned()
}

fn groups(table: &RawTable, problems: &mut Vec<Problem>) -> BTreeMap<String, BTreeSet<Name>> {
    let lists = table.lists("groups");
    if let Some((group, _)) = lists.get(GROUPS_MAX) {
        let message = format!("access.oidc.groups has {} groups", lists.len());
        let remedy = format!("write at most {GROUPS_MAX}");
        problems.push(Problem::at(&group.place, message, remedy));
    }
    let mut groups = BTreeMap::new();
    for (group, texts) in lists {
        let key = format!("groups.{:?}", group.value);
        if texts.is_empty() {
            let message = format!("access.oidc.{key} gives no role");
            let remedy = "write the roles that its people have, or leave the group out".into();
            problems.push(Problem::at(&group.place, message, remedy));
        }
        groups.insert(group.value.clone(), roles(&key, texts, problems));
    }
    groups
}

/// Whether there are such roles is seen when the hub knows those of its own.
fn roles(key: &str, texts: &[Written<String>], problems: &mut Vec<Problem>) -> BTreeSet<Name> {
    let mut roles = BTreeSet::new();
    for written in texts {
        match written.value.parse() {
            Ok(role) => drop(roles.insert(role)),
            Err(_) => {
                let message = format!(
                    "access.oidc.{key} names {:?}, which is no role",
                    written.value
                );
                let remedy = "write names that `portique role list` has".into();
                problems.push(Problem::at(&written.place, message, remedy));
            }
        }
    }
    roles
}

fn check_lengths(table: &RawTable, problems: &mut Vec<Problem>) {
    let keys = OIDC_KEYS.iter().map(|key| key.name);
    for (key, written) in keys.flat_map(|key| table.texts(key).iter().map(move |text| (key, text)))
    {
        let (is_right, rule) = match key {
            "label" => {
                let count = written.value.chars().count();
                (
                    (1..=LABEL_CHARS_MAX).contains(&count),
                    format!("1 to {LABEL_CHARS_MAX} characters"),
                )
            }
            _ => {
                let length = written.value.len();
                (
                    (1..=TEXT_BYTES_MAX).contains(&length),
                    format!("1 to {TEXT_BYTES_MAX} bytes"),
                )
            }
        };
        if !is_right || written.value.contains(char::is_control) {
            let message =
                format!("access.oidc.{key} is too long, or empty, or has a control character");
            problems.push(Problem::at(
                &written.place,
                message,
                format!("write {rule} in one line"),
            ));
        }
    }
    if let Some(written) = table.texts("scopes").get(SCOPES_MAX) {
        let message = format!("access.oidc.scopes has {}", table.texts("scopes").len());
        problems.push(Problem::at(
            &written.place,
            message,
            format!("write at most {SCOPES_MAX}"),
        ));
    }
}
