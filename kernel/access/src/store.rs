use std::sync::Arc;

use portique_records::{
    Collection, Comparison, Condition, Cursor, Document, FieldKind, Index, OnConflict, Order,
    Query, Records,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::approval::Approval;
use crate::audit::{Head, Record};
use crate::{ApiToken, Change, Error, Name, Permissions, User};

/// Where everything is kept: one collection, so that a change and its audit record are one write.
const COLLECTION: &str = "access";
/// Documents read at a time.
const PAGE: usize = 1_000;
/// Under which the chain's end is kept, and what was taken off its beginning.
const HEAD_ID: &str = "audit_head";
const ANCHOR_ID: &str = "audit_anchor";

/// A document, by its kind.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kept {
    User(User),
    Role {
        name: Name,
        permissions: Permissions,
    },
    Token(ApiToken),
    Approval(Approval),
    /// What was under this id is gone.
    Dropped {},
    Audit(Record),
    AuditHead(Head),
    AuditAnchor(Head),
}

/// What was kept.
pub(crate) struct Found {
    pub(crate) changes: Vec<Change>,
    pub(crate) head: Head,
    pub(crate) anchor: Head,
}

/// Which audit records are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Field and value, each of the indexed ones.
    pub(crate) equal: Vec<(&'static str, String)>,
    /// Sequences from here on.
    pub(crate) from: u64,
    /// Sequences up to here.
    pub(crate) to: Option<u64>,
    pub(crate) newest_first: bool,
    pub(crate) limit: usize,
}

/// People, roles, tokens and the audit journal in the records.
#[derive(Clone)]
pub(crate) struct Store(Arc<dyn Records>);

impl Store {
    /// # Errors
    /// [`Error::Records`].
    pub(crate) async fn open(records: Arc<dyn Records>) -> Result<Self, Error> {
        let text = |field: &str| Index {
            field: field.into(),
            kind: FieldKind::Text,
        };
        let sequence = Index {
            field: "sequence".into(),
            kind: FieldKind::Integer,
        };
        let collection = Collection {
            name: COLLECTION.into(),
            indexes: vec![
                text("kind"),
                text("who"),
                text("action"),
                text("outcome"),
                sequence,
            ],
            full_text: Vec::new(),
        };
        records.define(collection).await.map_err(Error::Records)?;
        Ok(Self(records))
    }

    /// Everything but the audit records.
    ///
    /// # Errors
    /// [`Error::Records`] and [`Error::Damaged`].
    pub(crate) async fn load(&self) -> Result<Found, Error> {
        let mut changes = Vec::new();
        for kind in ["user", "role", "token", "approval"] {
            for kept in self.all(kind).await? {
                changes.extend(match kept {
                    Kept::User(user) => Some(Change::User(user)),
                    Kept::Role { name, permissions } => Some(Change::Role { name, permissions }),
                    Kept::Token(token) => Some(Change::Token(token)),
                    Kept::Approval(approval) => Some(Change::Approval(approval)),
                    _ => None,
                });
            }
        }
        Ok(Found {
            changes,
            head: self.end(HEAD_ID).await?,
            anchor: self.end(ANCHOR_ID).await?,
        })
    }

    /// Writes changes with their records, all or nothing.
    ///
    /// # Errors
    /// [`Error::Records`]; nothing is written then.
    pub(crate) async fn write(&self, changes: &[Change], records: &[Record]) -> Result<(), Error> {
        let mut documents = Vec::with_capacity(changes.len() + records.len() + 1);
        for change in changes {
            documents.push(document_of(change)?);
        }
        for record in records {
            let id = audit_id(record.sequence);
            documents.push(document(id, &Kept::Audit(record.clone()))?);
        }
        if let Some(last) = records.last() {
            documents.push(document(HEAD_ID.into(), &Kept::AuditHead(last.head()))?);
        }
        if documents.is_empty() {
            return Ok(());
        }
        let written = self.0.insert(COLLECTION, documents, OnConflict::Replace);
        written.await.map(drop).map_err(Error::Records)
    }

    /// Forgets what was dropped, of which nothing depends.
    ///
    /// # Errors
    /// [`Error::Records`].
    pub(crate) async fn sweep(&self) -> Result<(), Error> {
        let dropped = vec![equal("kind", "dropped")];
        let removed = self.0.remove(COLLECTION, dropped).await;
        removed.map(drop).map_err(Error::Records)
    }

    /// Lets the oldest records go, up to this sequence; returns what the chain begins after then.
    ///
    /// # Errors
    /// [`Error::Records`], and [`Error::Damaged`] when the record is not there.
    pub(crate) async fn trim(&self, to: u64) -> Result<Head, Error> {
        let id = audit_id(to);
        let found = self.0.find(COLLECTION, &id).await.map_err(Error::Records)?;
        let Some(Kept::Audit(record)) = found.map(read).transpose()? else {
            return Err(Error::Damaged { what: id });
        };
        let anchor = document(ANCHOR_ID.into(), &Kept::AuditAnchor(record.head()))?;
        let written = self.0.insert(COLLECTION, vec![anchor], OnConflict::Replace);
        written.await.map_err(Error::Records)?;
        let old = vec![equal("kind", "audit"), bound(Comparison::AtMost, to)];
        let removed = self.0.remove(COLLECTION, old).await;
        removed.map_err(Error::Records)?;
        Ok(record.head())
    }

    /// Where the records say that the chain ends.
    ///
    /// # Errors
    /// [`Error::Records`] and [`Error::Damaged`].
    pub(crate) async fn head(&self) -> Result<Head, Error> {
        self.end(HEAD_ID).await
    }

    /// Audit records, as many as the limit says.
    ///
    /// # Errors
    /// [`Error::Records`] and [`Error::Damaged`].
    pub(crate) async fn audit(&self, selection: &Selection) -> Result<Vec<Record>, Error> {
        let mut conditions = vec![
            equal("kind", "audit"),
            bound(Comparison::AtLeast, selection.from),
        ];
        conditions.extend(selection.to.map(|to| bound(Comparison::AtMost, to)));
        let equals = selection.equal.iter();
        conditions.extend(equals.map(|(field, value)| equal(field, value)));
        let query = Query {
            conditions,
            order: Some(Order {
                field: Some("sequence".into()),
                descending: selection.newest_first,
            }),
            limit: selection.limit.clamp(1, PAGE),
            ..Query::default()
        };
        let page = self.0.query(COLLECTION, query).await;
        let documents = page.map_err(Error::Records)?.documents;
        let records = documents.into_iter().map(|document| match read(document)? {
            Kept::Audit(record) => Ok(Some(record)),
            _ => Ok(None),
        });
        records.filter_map(Result::transpose).collect()
    }

    async fn all(&self, kind: &str) -> Result<Vec<Kept>, Error> {
        let (mut all, mut after) = (Vec::new(), None::<Cursor>);
        loop {
            let query = Query {
                conditions: vec![equal("kind", kind)],
                limit: PAGE,
                after,
                ..Query::default()
            };
            let page = self.0.query(COLLECTION, query).await;
            let page = page.map_err(Error::Records)?;
            for document in page.documents {
                all.push(read(document)?);
            }
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    async fn end(&self, id: &str) -> Result<Head, Error> {
        let found = self.0.find(COLLECTION, id).await.map_err(Error::Records)?;
        match found.map(read).transpose()? {
            None => Ok(Head::default()),
            Some(Kept::AuditHead(head) | Kept::AuditAnchor(head)) => Ok(head),
            Some(_) => Err(Error::Damaged { what: id.into() }),
        }
    }
}

fn document_of(change: &Change) -> Result<Document, Error> {
    match change {
        Change::User(user) => document(format!("user:{}", user.name), &Kept::User(user.clone())),
        Change::Role { name, permissions } => {
            let (id, name) = (role_id(name), name.clone());
            let permissions = permissions.clone();
            document(id, &Kept::Role { name, permissions })
        }
        Change::RoleDropped(name) => document(role_id(name), &Kept::Dropped {}),
        Change::Token(token) => document(token_id(&token.id), &Kept::Token(token.clone())),
        Change::TokenDropped(id) => document(token_id(id), &Kept::Dropped {}),
        Change::Approval(one) => document(approval_id(&one.id), &Kept::Approval(one.clone())),
        Change::ApprovalDropped(id) => document(approval_id(id), &Kept::Dropped {}),
    }
}

fn document(id: String, kept: &Kept) -> Result<Document, Error> {
    match serde_json::to_value(kept) {
        Ok(body) => Ok(Document { id, body }),
        Err(_) => Err(Error::Damaged { what: id }),
    }
}

fn read(document: Document) -> Result<Kept, Error> {
    let what = document.id;
    serde_json::from_value(document.body).map_err(|_| Error::Damaged { what })
}

fn role_id(name: &Name) -> String {
    format!("role:{name}")
}

fn token_id(id: &str) -> String {
    format!("token:{id}")
}

fn approval_id(id: &str) -> String {
    format!("approval:{id}")
}

fn audit_id(sequence: u64) -> String {
    format!("audit:{sequence:020}")
}

fn equal(field: &str, value: &str) -> Condition {
    Condition {
        field: field.into(),
        comparison: Comparison::Equal,
        value: json!(value),
    }
}

fn bound(comparison: Comparison, sequence: u64) -> Condition {
    Condition {
        field: "sequence".into(),
        comparison,
        value: json!(sequence),
    }
}
