use std::io::BufRead;

/// What clients were told, to be held against what is on disk.
///
/// As text it is one JSON object per line: `{"enqueued":17}`, `{"completed":17,"token":5}`,
/// `{"published":18}`, in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// Ids of jobs whose enqueuing was acknowledged.
    pub enqueued: Vec<u64>,
    /// Jobs whose completion was acknowledged, and the token it was made under.
    pub completed: Vec<(u64, u64)>,
    /// Sequences of events whose publishing was acknowledged.
    pub published: Vec<u64>,
}

/// A line is not a word of a client.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It could not be read.
    #[error("line {line} cannot be read")]
    Io {
        /// Which, from 1.
        line: usize,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not one of the objects that are known.
    #[error(
        "line {line} is {text:?}: write {{\"enqueued\":ID}}, {{\"completed\":ID,\"token\":TOKEN}} or \
         {{\"published\":SEQUENCE}}"
    )]
    Line {
        /// Which, from 1.
        line: usize,
        /// Its beginning.
        text: String,
    },
}

/// Most characters of a line that an error shows.
const SHOWN_CHARS_MAX: usize = 80;

impl Acknowledged {
    /// Reads one object per line; empty lines are passed over, and so is a last line without its end,
    /// which a client that was killed may leave.
    ///
    /// # Errors
    /// [`ParseError`] names the first line that is not understood.
    pub fn read(mut lines: impl BufRead) -> Result<Self, ParseError> {
        let mut told = Self::default();
        let mut text = String::new();
        for line in 1.. {
            text.clear();
            let read = lines.read_line(&mut text);
            let bytes = read.map_err(|source| ParseError::Io { line, source })?;
            if bytes == 0 || !text.ends_with('\n') {
                break;
            }
            let word = text.trim();
            if !word.is_empty() && told.take(word).is_none() {
                let text = word.chars().take(SHOWN_CHARS_MAX).collect();
                return Err(ParseError::Line { line, text });
            }
        }
        Ok(told)
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let value: serde_json::Value = serde_json::from_str(word).ok()?;
        let number = |name: &str| value.get(name)?.as_u64();
        if let Some(id) = number("enqueued") {
            self.enqueued.push(id);
        } else if let Some(id) = number("completed") {
            self.completed.push((id, number("token")?));
        } else {
            self.published.push(number("published")?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_were_told_is_read_back() {
        let text = "{\"enqueued\":3}\n\n{\"completed\":3,\"token\":9}\n{\"published\":4}\n{\"enq";
        let told = Acknowledged::read(text.as_bytes()).unwrap();
        let expected = Acknowledged {
            enqueued: vec![3],
            completed: vec![(3, 9)],
            published: vec![4],
        };
        assert_eq!(told, expected, "the torn last line is left out");
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let error = Acknowledged::read("{\"enqueued\":3}\n{\"done\":3}\n".as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("line 2 is"), "{error}");
    }
}
