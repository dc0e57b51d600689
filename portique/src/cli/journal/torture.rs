use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use portique_clock::{Random, Seeded, WallClock};
use portique_journal::{Config, FolderDisk, Journal, Lane, Opened, Record};

use crate::cli::runtime;
use crate::data_folder::file_error;
use crate::error::Error;

/// Small, so that a short run rolls over several.
const SEGMENT_BYTES: u64 = 256 * 1024;
/// A quarter of a segment.
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Enough that frames carry the records of several callers.
const WRITERS: u64 = 8;
/// Records of one append.
const BATCH_MAX: u64 = 4;
/// Bytes of one record, before its checksum.
const RECORD_BYTES_MAX: u64 = 4 * 1024;
/// A kind of record that no hub writes.
const KIND: u8 = 0xff;

/// `portique journal torture`.
#[derive(Debug, Args)]
pub(super) struct Torture {
    /// An empty folder, or one that was tortured before.
    folder: PathBuf,
    /// What is written, and in which order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Torture {
    /// Appends until it is killed; after each acknowledgement, says sequence and checksum.
    pub(super) fn run(self) -> Result<(), Error> {
        let disk = FolderDisk::open(&self.folder)
            .map_err(|source| file_error("open", &self.folder, source))?;
        let config = Config {
            segment_bytes: SEGMENT_BYTES,
            frame_bytes_max: FRAME_BYTES_MAX,
            ..Config::default()
        };
        let mut random = Seeded::new(self.seed);
        let clock = Arc::new(WallClock::new());
        let Opened {
            journal, committer, ..
        } = Journal::open(config, Arc::new(disk), clock, &mut random)
            .map_err(|error| Error::part("the journal", &error))?;
        portique_journal::spawn(committer).map_err(|source| Error::Runtime { source })?;
        runtime::for_a_hub()?.block_on(async {
            let writers = (0..WRITERS).map(|_| write(&journal, Seeded::new(random.next_u64())));
            futures_util::future::try_join_all(writers)
                .await
                .map(|_| ())
        })
    }
}

async fn write(journal: &Journal, mut random: Seeded) -> Result<(), Error> {
    loop {
        let bodies: Vec<Vec<u8>> = (0..=random.below(BATCH_MAX - 1))
            .map(|_| body(&mut random))
            .collect();
        let sums: Vec<u64> = bodies.iter().map(|body| checksum(&body[8..])).collect();
        let records = bodies.into_iter().map(|body| Record {
            kind: KIND,
            body: body.into(),
        });
        let sequences = journal
            .append(records.collect(), Lane::Work)
            .await
            .map_err(|error| Error::part("the journal", &error))?;
        let first = sequences.start().0;
        let lines: String = (first..)
            .zip(sums)
            .map(|(sequence, sum)| format!("{sequence} {sum:016x}\n"))
            .collect();
        io::stdout()
            .write_all(lines.as_bytes())
            .map_err(Error::Output)?;
        io::stdout().flush().map_err(Error::Output)?;
    }
}

/// Random bytes behind their own checksum, so that a reader knows its own from anything else.
fn body(random: &mut Seeded) -> Vec<u8> {
    let bytes: Vec<u8> = (0..random.below(RECORD_BYTES_MAX))
        .map(|_| random.next_u64().to_le_bytes()[0])
        .collect();
    [&checksum(&bytes).to_le_bytes()[..], &bytes].concat()
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
