//! What one body may unfold to: some formats say with few bytes what takes many here.

use crate::Error;

/// Most samples of one body: a thousand times what a sender puts into one at its default.
pub const BODY_SAMPLES_MAX: usize = 2_000_000;
/// Most bytes of labels that one body may unfold to: remote write 2.0 names a long text by a short number as often
/// as it likes, and each bucket of a histogram repeats the labels of all.
const LABEL_BYTES_MAX: usize = 128 << 20;

/// What one body may unfold to.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    pub(crate) samples: usize,
    label_bytes: usize,
}

impl Budget {
    pub(crate) fn sample(&mut self) -> Result<(), Error> {
        self.samples += 1;
        match self.samples > BODY_SAMPLES_MAX {
            true => Err(Self::over(
                "the body",
                self.samples,
                BODY_SAMPLES_MAX,
                "samples",
            )),
            false => Ok(()),
        }
    }

    pub(crate) fn label(&mut self, bytes: usize) -> Result<(), Error> {
        self.label_bytes += bytes;
        match self.label_bytes > LABEL_BYTES_MAX {
            true => {
                let what = "what the labels unfold to";
                Err(Self::over(what, self.label_bytes, LABEL_BYTES_MAX, "bytes"))
            }
            false => Ok(()),
        }
    }

    fn over(what: &'static str, given: usize, max: usize, unit: &'static str) -> Error {
        Error::TooLarge {
            what,
            given: given as u64,
            max: max as u64,
            unit,
        }
    }
}
