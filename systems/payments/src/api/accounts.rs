use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use super::refusal::Refusal;
use crate::service::Payments;
use crate::{
    Account, AccountChange, AccountStatus, Currency, Error, Iban, Opening, Refused, decimal, money,
};

/// Accounts of a page when nobody says, and at most.
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 10_000;
/// Accounts that are opened at once, at most.
const OPENED_MAX: usize = 200_000;
/// Refused lines that are told; more are counted.
const REFUSED_TOLD: usize = 1_000;

/// An account that is to be opened.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its number.
    pub iban: String,
    /// Its only currency, such as `EUR`.
    pub currency: String,
    /// How far it may go below nothing, such as `50.00`; nothing when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdraft: Option<String>,
    /// An account of the bank itself, without limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// What a list of accounts came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChangedAccounts {
    /// Accounts that are there now.
    pub opened: u64,
    /// Accounts that were there already, the same.
    pub known: u64,
    /// Lines that were refused.
    pub refused_lines: u64,
    /// Which, and why; the first thousand.
    pub refused: Vec<Refused>,
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountView {
    /// Its number.
    pub iban: String,
    /// Its only currency.
    pub currency: String,
    /// `open`, `frozen` or `closed`.
    #[schema(value_type = String)]
    pub status: AccountStatus,
    /// What stands on it.
    pub balance: String,
    /// What is set aside of that.
    pub held: String,
    /// What it can pay; without limit when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// How far it may go below nothing; without limit when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdraft: Option<String>,
    /// Whether it is the bank's own.
    pub own: bool,
}

/// Some accounts, by number.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountPage {
    /// They.
    pub accounts: Vec<AccountView>,
    /// The number after which the next page begins, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// Most accounts, 1 to 10,000; 100 when left out.
    limit: Option<usize>,
    /// Those after this number.
    after: Option<String>,
}

/// What an account is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusRequest {
    /// `open`, `frozen` or `closed`.
    #[schema(value_type = String)]
    status: AccountStatus,
}

/// How far an account may go below nothing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverdraftRequest {
    /// Such as `50.00`.
    overdraft: String,
}

impl AccountView {
    fn new(account: &Account) -> Self {
        let written = |minor: i64| decimal(minor, account.currency);
        let available = account.available_minor();
        let available = available.map(|minor| i64::try_from(minor).unwrap_or(i64::MAX));
        Self {
            iban: account.iban.to_string(),
            currency: account.currency.to_string(),
            status: account.status,
            balance: written(account.balance.posted_minor),
            held: written(account.balance.held_minor),
            available: available.map(written),
            overdraft: account.overdraft_minor.map(|minor| written(minor.into())),
            own: account.overdraft_minor.is_none(),
        }
    }
}

impl NewAccount {
    fn resolve(self) -> Result<AccountChange, String> {
        let iban = self.iban.parse::<Iban>();
        let currency = self.currency.parse::<Currency>();
        let currency = currency.map_err(|error| format!("currency: {error}"))?;
        let overdraft_minor = match (self.own, self.overdraft) {
            (true, Some(_)) => return Err("overdraft: the bank's own accounts have none".into()),
            (true, None) => None,
            (false, overdraft) => {
                let text = overdraft.as_deref().unwrap_or("0");
                Some(overdraft_of(text, currency)?)
            }
        };
        Ok(AccountChange::Opened(Opening {
            iban: iban.map_err(|error| format!("iban: {error}"))?,
            currency,
            overdraft_minor,
        }))
    }
}

fn overdraft_of(text: &str, currency: Currency) -> Result<u32, String> {
    let minor = money::minor_of(text, currency).map_err(|error| format!("overdraft: {error}"))?;
    u32::try_from(minor).map_err(|_| {
        let most = decimal(u32::MAX.into(), currency);
        format!("overdraft: {text} is over the limit of {most}")
    })
}

/// Open accounts: one JSON object, an array of them, or lines.
#[utoipa::path(post, path = "/payments/accounts", tag = "payments", request_body = Vec<NewAccount>,
    responses((status = OK, body = ChangedAccounts)))]
pub(super) async fn open(
    State(payments): State<Payments>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<ChangedAccounts>, Refusal> {
    let held = body::hold(&payments, &headers, request).await?;
    let (read, is_one) = if body::is_lines(&headers) {
        (lines(&held.bytes), false)
    } else {
        values(&held.bytes)?
    };
    let mut outcome = ChangedAccounts::default();
    let mut refuse = |number: u64, line: u64, reason: String| {
        outcome.refused_lines += 1;
        if outcome.refused.len() < REFUSED_TOLD {
            outcome.refused.push(Refused {
                number,
                line,
                reason,
            });
        }
    };
    let mut places = Vec::new();
    let mut changes = Vec::new();
    for (number, (line, read)) in (1..).zip(read) {
        match read.and_then(NewAccount::resolve) {
            Ok(_) if changes.len() == OPENED_MAX => {
                refuse(
                    number,
                    line,
                    format!("more than {OPENED_MAX} accounts: send several"),
                );
            }
            Ok(change) => {
                changes.push(change);
                places.push((number, line));
            }
            Err(reason) if is_one => return Err(Error::input(reason).into()),
            Err(reason) => refuse(number, line, reason),
        }
    }
    let outcomes = payments.change_accounts(changes).await?;
    let (mut opened, mut known) = (0, 0);
    for ((number, line), changed) in places.into_iter().zip(outcomes) {
        match changed {
            Ok(true) => opened += 1,
            Ok(false) => known += 1,
            Err(rejection) if is_one => return Err(Error::from(rejection).into()),
            Err(rejection) => refuse(number, line, rejection.to_string()),
        }
    }
    (outcome.opened, outcome.known) = (opened, known);
    Ok(Json(outcome))
}

type Parsed = Vec<(u64, Result<NewAccount, String>)>;

fn lines(bytes: &[u8]) -> Parsed {
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let read = lines.map(|(number, line)| {
        let read = serde_json::from_slice(line);
        (number, read.map_err(|error| error.to_string()))
    });
    read.collect()
}

/// What a body of JSON asks for, and whether that is a single account.
fn values(bytes: &[u8]) -> Result<(Parsed, bool), Error> {
    let value = serde_json::from_slice::<Value>(bytes);
    let value = value.map_err(|error| Error::input(format!("this is no JSON: {error}")))?;
    let (values, is_one) = match value {
        Value::Array(values) => (values, false),
        value => (vec![value], true),
    };
    let read = (1..).zip(values).map(|(number, value)| {
        let read = serde_json::from_value(value);
        (number, read.map_err(|error| error.to_string()))
    });
    Ok((read.collect(), is_one))
}

/// Accounts, by number.
#[utoipa::path(get, path = "/payments/accounts", tag = "payments", params(PageQuery),
    responses((status = OK, body = AccountPage)))]
pub(super) async fn list(
    State(payments): State<Payments>,
    Query(query): Query<PageQuery>,
) -> Result<Json<AccountPage>, Refusal> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::input(format!("limit is {limit}: write 1 to {LIMIT_MAX}")).into());
    }
    let after = query.after.as_deref().map(str::parse::<Iban>).transpose();
    let after = after.map_err(|error| Error::input(format!("after: {error}")))?;
    let look = payments.look(move |ledger| {
        let mut accounts: Vec<&Account> = ledger.accounts().iter().collect();
        accounts.retain(|account| after.is_none_or(|after| account.iban > after));
        if accounts.len() > limit {
            accounts.select_nth_unstable_by_key(limit, |account| account.iban);
        }
        let is_more = accounts.len() > limit;
        accounts.truncate(limit);
        accounts.sort_unstable_by_key(|account| account.iban);
        let views: Vec<_> = accounts.into_iter().map(AccountView::new).collect();
        (views, is_more)
    });
    let (accounts, is_more) = look.await?;
    let last = accounts.last().filter(|_| is_more);
    let next = last.map(|account| account.iban.clone());
    Ok(Json(AccountPage { accounts, next }))
}

/// One account.
#[utoipa::path(get, path = "/payments/accounts/{iban}", tag = "payments",
    params(("iban" = String, Path)), responses((status = OK, body = AccountView)))]
pub(super) async fn show(
    State(payments): State<Payments>,
    Path(iban): Path<String>,
) -> Result<Json<AccountView>, Refusal> {
    view(&payments, number(&iban)?).await
}

/// Let an account take part or not.
#[utoipa::path(post, path = "/payments/accounts/{iban}/status", tag = "payments",
    params(("iban" = String, Path)), request_body = StatusRequest,
    responses((status = OK, body = AccountView)))]
pub(super) async fn set_status(
    State(payments): State<Payments>,
    Path(iban): Path<String>,
    Json(request): Json<StatusRequest>,
) -> Result<Json<AccountView>, Refusal> {
    let (iban, status) = (number(&iban)?, request.status);
    change(&payments, iban, AccountChange::Status { iban, status }).await
}

/// Let an account go further below nothing, or less far.
#[utoipa::path(post, path = "/payments/accounts/{iban}/overdraft", tag = "payments",
    params(("iban" = String, Path)), request_body = OverdraftRequest,
    responses((status = OK, body = AccountView)))]
pub(super) async fn set_overdraft(
    State(payments): State<Payments>,
    Path(iban): Path<String>,
    Json(request): Json<OverdraftRequest>,
) -> Result<Json<AccountView>, Refusal> {
    let iban = number(&iban)?;
    let currency = payments.account(iban).await?.currency;
    let overdraft_minor = overdraft_of(&request.overdraft, currency).map_err(Error::input)?;
    let wanted = AccountChange::Overdraft {
        iban,
        overdraft_minor,
    };
    change(&payments, iban, wanted).await
}

async fn change(
    payments: &Payments,
    iban: Iban,
    wanted: AccountChange,
) -> Result<Json<AccountView>, Refusal> {
    for outcome in payments.change_accounts(vec![wanted]).await? {
        outcome.map_err(Error::from)?;
    }
    view(payments, iban).await
}

async fn view(payments: &Payments, iban: Iban) -> Result<Json<AccountView>, Refusal> {
    let account = payments.account(iban).await?;
    Ok(Json(AccountView::new(&account)))
}

pub(super) fn number(text: &str) -> Result<Iban, Error> {
    text.parse()
        .map_err(|error| Error::input(format!("account: {error}")))
}
