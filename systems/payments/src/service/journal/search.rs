use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use portique_clock::Timestamp;
use portique_records::{Document, Records};
use serde::{Deserialize, Serialize};

use super::filters::Sought;
use super::{COLLECTION, Wanted, matching};
use crate::batch::{PostedBatch, Row, Status};
use crate::service::Payments;
use crate::service::open::blocking;
use crate::{Currency, Error, Iban, decimal, money};

/// Batches read in one go, which grows from the first to the last while a page is not full.
const BATCHES_AT_ONCE: [usize; 3] = [2, 8, 32];
/// Batches that one page looks through, at most: about half a second. What is behind them is on the next.
const BATCHES_MAX: usize = 600;
/// Most transactions of a page.
const LIMIT_MAX: usize = 1_000;
/// Transactions of a page when nobody says.
const LIMIT_DEFAULT: usize = 100;

/// What is searched for; everything that is said has to hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// The number of an account that paid or was paid.
    pub account: Option<String>,
    /// Posted then or later, RFC 3339.
    #[param(value_type = Option<String>)]
    pub from: Option<Timestamp>,
    /// Posted before.
    #[param(value_type = Option<String>)]
    pub to: Option<Timestamp>,
    /// So much or more, such as `12.34`; needs a currency.
    pub amount_min: Option<String>,
    /// So much or less.
    pub amount_max: Option<String>,
    /// Such as `EUR`.
    pub currency: Option<String>,
    /// What became of it.
    #[param(inline)]
    pub status: Option<Status>,
    /// Such as `transfer`.
    pub kind: Option<String>,
    /// What it was about, exactly.
    pub reference: Option<String>,
    /// Words of its id, key, reference or accounts.
    pub text: Option<String>,
    /// Most transactions, 1 to 1,000; 100 when left out.
    pub limit: Option<usize>,
    /// What the page before said is next.
    pub after: Option<String>,
    /// `ndjson` for all of it, a line each.
    pub format: Option<String>,
}

/// A transaction of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FoundTransaction {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: String,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Who pays.
    pub debtor: String,
    /// Who is paid.
    pub creditor: String,
    /// How much.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub requested: Option<Timestamp>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What became of it.
    #[schema(inline)]
    pub status: Status,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When that was decided.
    #[schema(value_type = String)]
    pub posted: Timestamp,
    /// In which batch.
    pub batch: u64,
}

/// Some transactions, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SearchPage {
    /// They.
    pub transactions: Vec<FoundTransaction>,
    /// Where the next page begins, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A place in the journal: everything older than this row of this batch.
#[derive(Debug, Clone, Copy)]
struct Place {
    at_ns: i64,
    row: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at_ns, self.row)
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = text.split_once('-').and_then(|(at_ns, row)| {
            let (at_ns, row) = (at_ns.parse().ok()?, row.parse().ok()?);
            Some(Self { at_ns, row })
        });
        parsed.ok_or_else(|| Error::input("after: write what the page before said is next"))
    }
}

impl Search {
    fn wanted(&self) -> Result<Wanted, Error> {
        let named =
            |field: &str, error: &dyn fmt::Display| Error::input(format!("{field}: {error}"));
        let account = self.account.as_ref().map(|text| text.parse::<Iban>());
        let currency = self.currency.as_ref().map(|text| text.parse::<Currency>());
        let currency = currency
            .transpose()
            .map_err(|error| named("currency", &error))?;
        let amount = |field: &str, text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let currency = currency
                .ok_or_else(|| Error::input(format!("{field}: say which currency, too")))?;
            let minor = money::minor_of(text, currency);
            minor.map(Some).map_err(|error| named(field, &error))
        };
        let kind = self.kind.as_deref().map(|word| {
            let known = crate::Kind::word_named(word);
            known.ok_or_else(|| Error::input(format!("kind: {word:?} is none")))
        });
        Ok(Wanted {
            id: None,
            account: account
                .transpose()
                .map_err(|error| named("account", &error))?,
            amount_min: amount("amount_min", &self.amount_min)?,
            amount_max: amount("amount_max", &self.amount_max)?,
            currency,
            status: self.status,
            kind: kind.transpose()?,
            reference: self.reference.clone(),
            words: matching::words(self.text.as_deref().unwrap_or_default()),
        })
    }
}

impl Payments {
    /// A page of the journal, newest first.
    ///
    /// # Errors
    /// [`Error::Input`], and what the records fail with.
    pub async fn search(&self, search: &Search) -> Result<SearchPage, Error> {
        let limit = search.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Error::input(format!(
                "limit is {limit}: write 1 to {LIMIT_MAX}"
            )));
        }
        let after = search.after.as_deref().map(str::parse).transpose()?;
        let mut transactions = Vec::new();
        let next = self
            .walk(
                search.wanted()?,
                (search.from, search.to),
                after,
                |batch, row| {
                    transactions.push(FoundTransaction::new(batch, row));
                    match transactions.len() < limit {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(()),
                    }
                },
            )
            .await?;
        let next = next.map(|place| place.to_string());
        Ok(SearchPage { transactions, next })
    }

    /// All that the journal says of an id, oldest first: what it came to, and what referred to it.
    ///
    /// # Errors
    /// [`Error::Unknown`], and what the records fail with.
    pub async fn transaction(&self, id: &str) -> Result<Vec<FoundTransaction>, Error> {
        let wanted = Wanted {
            id: Some(id.to_owned()),
            ..Wanted::default()
        };
        let mut found = Vec::new();
        let walked = self.walk(wanted, (None, None), None, |batch, row| {
            found.push(FoundTransaction::new(batch, row));
            ControlFlow::Continue(())
        });
        walked.await?;
        found.reverse();
        match found.is_empty() {
            false => Ok(found),
            true => Err(Error::Unknown {
                what: "transaction",
                name: id.to_owned(),
            }),
        }
    }

    /// Shows what is wanted, newest first, until that says to stop; where to go on, if there may be more.
    pub(in crate::service) async fn each(
        &self,
        wanted: Wanted,
        range: (Option<Timestamp>, Option<Timestamp>),
        mut show: impl FnMut(&PostedBatch, &Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut after = None;
        loop {
            let mut is_over = false;
            let next = self.walk(wanted.clone(), range, after, |batch, row| {
                let flow = show(batch, row);
                is_over = flow.is_break();
                flow
            });
            after = next.await?;
            if after.is_none() || is_over {
                return Ok(());
            }
        }
    }

    async fn walk(
        &self,
        wanted: Wanted,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        mut after: Option<Place>,
        mut show: impl FnMut(&PostedBatch, &Row<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Place>, Error> {
        self.shared.can_be_searched().await?;
        let mut looked_at = 0;
        let mut sought = Sought {
            from_ns: from.map(Timestamp::as_nanos),
            amount_min: wanted.amount_min,
            words: wanted.sought(),
            ..Sought::default()
        };
        let mut sizes = BATCHES_AT_ONCE.into_iter();
        let mut size = BATCHES_AT_ONCE[0];
        while looked_at < BATCHES_MAX {
            size = sizes.next().unwrap_or(size);
            let (until_ns, before_ns) = match after {
                // A batch of which all rows were shown is not read again.
                Some(Place { at_ns, row: 0 }) => (None, Some(at_ns)),
                Some(Place { at_ns, .. }) => (Some(at_ns), None),
                None => (None, None),
            };
            sought.until_ns = until_ns;
            sought.to_ns = before_ns.or(to.map(Timestamp::as_nanos));
            let numbers = self.shared.filters.newest(&sought, size);
            let found = batches(self.parts.records.as_ref(), numbers).await?;
            let is_end = found.len() < size;
            looked_at += found.len();
            let wanted = wanted.clone();
            let read = blocking(move || read(found, &wanted, after)).await?;
            for (batch, rows) in read {
                let all = batch.rows().map_err(|error| damaged(&batch, &error))?;
                for row in rows.into_iter().rev() {
                    after = Some(Place {
                        at_ns: batch.at_ns,
                        row,
                    });
                    if show(&batch, &all[row]).is_break() {
                        return Ok(after);
                    }
                }
                after = Some(Place {
                    at_ns: batch.at_ns,
                    row: 0,
                });
            }
            if is_end {
                return Ok(None);
            }
        }
        Ok(after)
    }
}

/// The batches with these numbers.
async fn batches(records: &dyn Records, numbers: Vec<u64>) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::with_capacity(numbers.len());
    for number in numbers {
        let found = records.find(COLLECTION, &super::id(number)).await?;
        let place = || format!("batch {number} of the journal");
        documents.push(found.ok_or_else(|| Error::damaged(place(), "it is not there"))?);
    }
    Ok(documents)
}

/// Batches, and which of their rows are wanted.
fn read(
    documents: Vec<Document>,
    wanted: &Wanted,
    after: Option<Place>,
) -> Result<Vec<(PostedBatch, Vec<usize>)>, Error> {
    let mut read = Vec::with_capacity(documents.len());
    for document in documents {
        let place = format!("batch {} of the journal", document.id);
        let batch = PostedBatch::from_value(document.body);
        let batch = batch.map_err(|error| Error::damaged(place, error))?;
        let end = after
            .filter(|place| place.at_ns == batch.at_ns)
            .map_or(usize::MAX, |place| place.row);
        let rows = batch.rows().map_err(|error| damaged(&batch, &error))?;
        let rows = rows.iter().enumerate().take(end);
        let rows = rows.filter(|(_, row)| wanted.fits(row));
        let rows: Vec<usize> = rows.map(|(place, _)| place).collect();
        read.push((batch, rows));
    }
    Ok(read)
}

fn damaged(batch: &PostedBatch, problem: &dyn fmt::Display) -> Error {
    Error::damaged(format!("batch {} of the journal", batch.number), problem)
}

impl FoundTransaction {
    fn new(batch: &PostedBatch, row: &Row<'_>) -> Self {
        let owned = |text: &str| text.to_owned();
        Self {
            id: row.id.to_owned(),
            key: row.key.to_owned(),
            kind: row.kind.to_owned(),
            of: row.of.map(owned),
            debtor: row.debtor.to_owned(),
            creditor: row.creditor.to_owned(),
            amount: decimal(row.minor, row.currency),
            currency: row.currency.to_string(),
            requested: row.requested,
            reference: row.reference.map(owned),
            status: row.status,
            reason: row.reason.map(|(_, text)| text.to_owned()),
            posted: Timestamp::from_nanos(batch.at_ns),
            batch: batch.number,
        }
    }
}
