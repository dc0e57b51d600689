//! Files: cut into parts that workers read, each by itself.

mod cutting;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portique_jobs::{Completion, Transaction as JobTransaction};
use portique_records::{
    Collection, Comparison, Condition, Document, FieldKind, Index, OnConflict, Query, Records,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::accept::post_jobs;
use super::open::blocking;
use super::work::ClaimedJob;
use super::{Payments, facts, queues};
use crate::iso20022::read_credit_transfers;
use crate::lines::{CsvMapping, Read, read_csv, read_json_lines};
use crate::{Error, Refused, batch};

/// The collection of what became of files.
const COLLECTION: &str = "payments_files";
/// Refused lines that are kept of each part; more are counted.
const REFUSED_KEPT: usize = 1_000;
/// Refused lines that are shown of a file; more are counted.
const REFUSED_SHOWN: usize = 1_000;
/// Longest name of a file, in bytes.
const NAME_BYTES_MAX: usize = 100;
/// Parts of one page of the records.
const PAGE_PARTS: usize = 100;
/// Bytes of the parts of one frame.
const FRAME_BYTES_MAX: usize = 2 << 20;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum FileFormat {
    /// A JSON object a line.
    Ndjson,
    /// Columns, under a mapping.
    Csv {
        /// How they are read.
        mapping: Box<CsvMapping>,
    },
    /// A message of credit transfers, ISO 20022.
    #[serde(rename = "pain.001")]
    Pain001,
}

/// A file that is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FileTaken {
    /// Its name here.
    pub file: String,
    /// Parts that it was cut into.
    pub parts: u64,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FileState {
    /// Its name here.
    pub file: String,
    /// Parts that it was cut into.
    pub parts: u64,
    /// Parts that were read.
    pub read: u64,
    /// Transactions that were taken in.
    pub taken: u64,
    /// Lines that were refused.
    pub refused_lines: u64,
    /// Which, and why; the first thousand.
    pub refused: Vec<Refused>,
}

/// A part of a file, as a job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    file: String,
    part: u64,
    #[serde(rename = "as")]
    format: FileFormat,
    /// Transactions and lines of the file before it.
    numbers_before: u64,
    lines_before: u64,
    /// Base64.
    data: String,
}

pub(super) async fn define(records: &dyn Records) -> Result<(), Error> {
    let file = Index {
        field: "file".into(),
        kind: FieldKind::Text,
    };
    let collection = Collection {
        name: COLLECTION.into(),
        indexes: vec![file],
        full_text: Vec::new(),
    };
    Ok(records.define(collection).await?)
}

impl Payments {
    /// Takes a file in; durable on return, and read by workers. `key` names it: the same again is the same file.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read at all; as [`accept`](Self::accept).
    pub async fn take_file(
        &self,
        bytes: bytes::Bytes,
        format: FileFormat,
        key: Option<&str>,
    ) -> Result<FileTaken, Error> {
        self.check_pace().await?;
        let file = match key {
            Some(key) => named(key)?,
            None => self.new_id(),
        };
        let name = file.clone();
        let parts = blocking(move || cutting::cut(&name, &bytes, &format)).await?;
        let count = parts.len() as u64;
        let head = Document {
            id: head_id(&file),
            body: json!({"parts": count}),
        };
        let records = self.parts.records.as_ref();
        records
            .insert(COLLECTION, vec![head], OnConflict::Keep)
            .await?;
        let mut frame = Vec::new();
        let (mut bytes, mut place) = (0, 0);
        for part in parts {
            if bytes + part.len() > FRAME_BYTES_MAX && !frame.is_empty() {
                self.take_parts(std::mem::take(&mut frame), key, place)
                    .await?;
                (bytes, place) = (0, place + 1);
            }
            bytes += part.len();
            frame.push(part);
        }
        self.take_parts(frame, key, place).await?;
        Ok(FileTaken { file, parts: count })
    }

    async fn take_parts(
        &self,
        parts: Vec<Vec<u8>>,
        key: Option<&str>,
        place: usize,
    ) -> Result<(), Error> {
        let job = |body| queues::job(queues::INJECT, body);
        let transaction = JobTransaction {
            idempotency_key: key.map(|key| format!("payments/files/{key}/{place}")),
            enqueue: parts.into_iter().map(job).collect(),
            ..JobTransaction::default()
        };
        self.parts.transact.commit(transaction).await?;
        Ok(())
    }

    /// Reads claimed parts: what they ask for is in the queue, and their jobs are done, when their outcome is there.
    pub async fn inject_jobs(&self, jobs: Vec<ClaimedJob>) -> Vec<Result<u64, Error>> {
        let mut outcomes = Vec::new();
        for job in jobs {
            outcomes.push(self.inject(job).await);
        }
        outcomes
    }

    async fn inject(&self, job: ClaimedJob) -> Result<u64, Error> {
        let lease = job.lease;
        let read = blocking(move || {
            let part: Part = serde_json::from_slice(&job.body)
                .map_err(|error| Error::input(format!("this is no part of a file: {error}")))?;
            let read = part.read()?;
            let batches = batch::cut(&read.taken);
            Ok((part, read, post_jobs(&batches)))
        });
        let (part, mut read, enqueue) = read.await?;
        let taken = read.taken.len();
        read.refused.truncate(REFUSED_KEPT);
        let id = format!("part/{}/{:08}", part.file, part.part);
        let state = Document {
            id: id.clone(),
            body: json!({
                "file": part.file,
                "taken": taken,
                "refused_lines": read.refused_lines,
                "refused": read.refused,
            }),
        };
        let records = self.parts.records.as_ref();
        records
            .insert(COLLECTION, vec![state], OnConflict::Replace)
            .await?;
        let completion = Completion {
            lease,
            result: None,
        };
        let transaction = JobTransaction {
            publish: vec![facts::accepted(&id, taken)],
            enqueue,
            complete: vec![completion],
            ..JobTransaction::default()
        };
        self.parts.transact.commit(transaction).await?;
        Ok(taken as u64)
    }

    /// What became of a file.
    ///
    /// # Errors
    /// [`Error::Unknown`], and what the records fail with.
    pub async fn file(&self, file: &str) -> Result<FileState, Error> {
        let records = self.parts.records.as_ref();
        let head = records.find(COLLECTION, &head_id(file)).await?;
        let head = head.ok_or_else(|| Error::Unknown {
            what: "file",
            name: file.to_owned(),
        })?;
        let mut state = FileState {
            file: file.to_owned(),
            parts: head.body["parts"].as_u64().unwrap_or_default(),
            ..FileState::default()
        };
        let of_file = Condition {
            field: "file".into(),
            comparison: Comparison::Equal,
            value: json!(file),
        };
        let mut query = Query {
            conditions: vec![of_file],
            limit: PAGE_PARTS,
            ..Query::default()
        };
        loop {
            let page = records.query(COLLECTION, query.clone()).await?;
            for mut part in page.documents {
                state.read += 1;
                state.taken += part.body["taken"].as_u64().unwrap_or_default();
                state.refused_lines += part.body["refused_lines"].as_u64().unwrap_or_default();
                let refused = serde_json::from_value::<Vec<Refused>>(part.body["refused"].take());
                let refused = refused.map_err(|error| Error::damaged(&part.id, error))?;
                let room = REFUSED_SHOWN.saturating_sub(state.refused.len());
                state.refused.extend(refused.into_iter().take(room));
            }
            query.after = page.next;
            if query.after.is_none() {
                return Ok(state);
            }
        }
    }
}

fn head_id(file: &str) -> String {
    format!("file/{file}")
}

/// A file's name, from the key of the request: it is a part of an address.
fn named(key: &str) -> Result<String, Error> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    match (1..=NAME_BYTES_MAX).contains(&key.len()) && key.chars().all(is_plain) {
        true => Ok(key.to_owned()),
        false => Err(Error::input(format!(
            "idempotency-key: it becomes the file's name: write 1 to {NAME_BYTES_MAX} of A-Z a-z 0-9 . _ -"
        ))),
    }
}

impl Part {
    fn read(&self) -> Result<Read, Error> {
        let bytes = BASE64.decode(&self.data);
        let bytes = bytes.map_err(|error| Error::input(format!("data: {error}")))?;
        let mut read = match &self.format {
            FileFormat::Ndjson => read_json_lines(&bytes),
            FileFormat::Csv { mapping } => {
                read_csv(&bytes, mapping).map_err(|error| Error::input(error.to_string()))?
            }
            FileFormat::Pain001 => {
                let read = read_credit_transfers(&bytes);
                let read = read.map_err(|error| Error::input(error.to_string()))?;
                Read {
                    refused_lines: read.refused.len() as u64,
                    taken: read.taken,
                    refused: read.refused,
                }
            }
        };
        for refused in &mut read.refused {
            refused.number += self.numbers_before;
            refused.line += self.lines_before;
        }
        Ok(read)
    }
}
