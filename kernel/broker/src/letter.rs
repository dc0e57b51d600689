//! Dead letters: what becomes of an event that a consumer was given up to `max_deliver` times.

use portique_bus::{ConsumerName, Sequence};
use portique_event::{EXTENSIONS_MAX, Error, Event, Subject};

/// The first name of a dead letter's subject.
const DEAD: &str = "dead";
/// Longest subject, in bytes, as the event format has it.
const SUBJECT_BYTES_MAX: usize = 255;

/// What a letter says about its origin.
const ORIGIN: [&str; 5] = [
    "originid",
    "originsubject",
    "originsequence",
    "originconsumer",
    "attempts",
];

/// Where a dead letter comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) consumer: &'a ConsumerName,
    /// The consumer's number, which tells it from a later one of the same name.
    pub(crate) number: u64,
    pub(crate) sequence: Sequence,
    pub(crate) attempts: u32,
}

/// The letter for `event`; none when it is a letter already, so that letters do not breed.
///
/// Where the origin has so many extensions that there is no room for the letter's own, those that
/// come last by name are left out.
///
/// # Errors
/// When the origin's attributes take the event over another limit.
pub(crate) fn dead_letter(event: &Event, origin: Origin<'_>) -> Result<Option<Event>, Error> {
    if event.subject().tokens().next() == Some(DEAD) {
        return Ok(None);
    }
    let Origin {
        consumer,
        number,
        sequence,
        attempts,
    } = origin;
    let mut subject = format!("{DEAD}.{consumer}.{}", event.subject());
    subject.truncate(SUBJECT_BYTES_MAX);
    let subject = Subject::new(subject.trim_end_matches('.'))?;
    event
        .clone()
        .into_builder()
        .id(format!("{DEAD}-{consumer}-{number}-{sequence}"))
        .subject(subject)
        .extension("originid", event.id().as_str())
        .extension("originsubject", event.subject().as_str())
        .extension("originsequence", sequence.to_string())
        .extension("originconsumer", consumer.as_str())
        .extension("attempts", attempts.to_string())
        .limit_extensions(EXTENSIONS_MAX - ORIGIN.len(), &ORIGIN)
        .build()
        .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(subject: &str) -> Option<Event> {
        let event = Event::builder("7", "/s", "t", Subject::new(subject).unwrap())
            .extension("partitionkey", "k")
            .json(1)
            .build()
            .unwrap();
        let consumer = ConsumerName::new("c".repeat(64)).unwrap();
        let origin = Origin {
            consumer: &consumer,
            number: 3,
            sequence: Sequence(9),
            attempts: 5,
        };
        dead_letter(&event, origin).unwrap()
    }

    #[test]
    fn a_letter_names_its_origin_and_keeps_the_rest() {
        let letter = letter("a.b").unwrap();
        assert!(
            letter.subject().as_str().ends_with("c.a.b"),
            "{}",
            letter.subject()
        );
        assert_eq!(letter.extension("originid"), Some("7"));
        assert_eq!(letter.extension("originsubject"), Some("a.b"));
        assert_eq!(letter.extension("originsequence"), Some("9"));
        assert_eq!(letter.extension("attempts"), Some("5"));
        assert_eq!(letter.extension("partitionkey"), Some("k"));
        assert_eq!(letter.json(), Some(&serde_json::json!(1)));
    }

    #[test]
    fn a_long_subject_is_cut_to_a_subject() {
        let long = format!("{}.{}", "x".repeat(184), "y".repeat(60));
        assert!(letter(&long).unwrap().subject().as_str().ends_with('x'));
        assert_eq!(
            letter(&"z".repeat(255)).unwrap().subject().as_str().len(),
            255
        );
    }

    #[test]
    fn an_event_full_of_extensions_makes_room_for_its_origin() {
        let mut event = Event::builder("7", "/s", "t", Subject::new("a").unwrap());
        for index in 0..EXTENSIONS_MAX {
            event = event.extension(format!("x{index:0>2}"), "v");
        }
        let consumer = ConsumerName::new("c").unwrap();
        let origin = Origin {
            consumer: &consumer,
            number: 3,
            sequence: Sequence(9),
            attempts: 5,
        };
        let letter = dead_letter(&event.build().unwrap(), origin).unwrap();
        let letter = letter.expect("there is always a letter");
        assert_eq!(letter.extensions().len(), EXTENSIONS_MAX);
        assert!(ORIGIN.iter().all(|name| letter.extension(name).is_some()));
        assert_eq!(letter.extension("x58"), Some("v"));
        assert_eq!(letter.extension("x59"), None, "the last ones make room");
    }

    #[test]
    fn a_letter_has_no_letter() {
        assert!(letter("dead.other.a.b").is_none());
    }
}
