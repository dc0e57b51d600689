use portique_records::{Order, Query};
use serde::{Deserialize, Serialize};

use super::COLLECTION;
use crate::Error;
use crate::batch::{Head, PostedBatch};
use crate::service::Payments;
use crate::service::open::blocking;

/// Batches read in one go.
const PAGE_BATCHES: usize = 50;

/// What the walk along the chain came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verified {
    /// Whether nothing was altered, left out or put in between.
    pub ok: bool,
    /// Batches that are right.
    pub batches: u64,
    /// Transactions of those.
    pub transactions: u64,
    /// The hash of the last that is right: whoever keeps it can tell later whether the past is still the same.
    pub head: String,
    /// The first batch that is not right, and what is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Payments {
    /// Walks along the chain of the journal, up to what the ledger had when it began.
    ///
    /// # Errors
    /// What the records fail with; damage is no error but the answer.
    pub async fn verify(&self) -> Result<Verified, Error> {
        let end = self.shared().head();
        self.shared().journal_has(end.number).await?;
        let mut head = Head::default();
        let mut cursor = None;
        loop {
            let query = Query {
                order: Some(Order {
                    field: Some("number".into()),
                    descending: false,
                }),
                limit: PAGE_BATCHES,
                after: cursor,
                ..Query::default()
            };
            let page = match self.parts.records.query(COLLECTION, query).await {
                Ok(page) => page,
                Err(error @ portique_records::Error::Damaged { .. }) => {
                    return Ok(verified(&head, Some(portique_fault::chain(&error))));
                }
                Err(error) => return Err(error.into()),
            };
            let (after, problem) = blocking(move || {
                for document in page.documents {
                    let checked = PostedBatch::from_value(document.body)
                        .map_err(|error| error.to_string())
                        .and_then(|batch| batch.verify(&head).map(|()| batch.head()));
                    match checked {
                        Ok(next) => head = next,
                        Err(problem) => {
                            let number = document.id.trim_start_matches('0');
                            return Ok((head, Some(format!("batch {number}: {problem}"))));
                        }
                    }
                }
                Ok((head, None))
            })
            .await?;
            head = after;
            if problem.is_some() {
                return Ok(verified(&head, problem));
            }
            cursor = page.next;
            if head.number >= end.number || cursor.is_none() {
                break;
            }
        }
        // Batches that are missing at the end, or a chain that somebody made anew.
        let is_end = head.number > end.number || head == end;
        let problem = (!is_end).then(|| {
            let (ours, hash) = (end.number, end.hash);
            format!("the ledger is at batch {ours} with the hash {hash}, which is not here")
        });
        Ok(verified(&head, problem))
    }
}

fn verified(head: &Head, problem: Option<String>) -> Verified {
    Verified {
        ok: problem.is_none(),
        batches: head.number,
        transactions: head.totals.all(),
        head: head.hash.to_string(),
        problem,
    }
}
