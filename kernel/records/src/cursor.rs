//! What is inside a cursor: the place of the last document seen, and which query it belongs to.
//!
//! A cursor comes back from outside, so everything in it is checked again: its length, its
//! spelling, the query it was made for and the kind of its value.

use serde::{Deserialize, Serialize};

use crate::limits::{CURSOR_BYTES_MAX, ID_BYTES_MAX, INDEXED_TEXT_BYTES_MAX};
use crate::scalar::Scalar;
use crate::{Cursor, Error, FieldKind, Query};

/// The sort key of a document: its value in the ordering field, if it has one, and its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) value: Option<Scalar>,
    pub(crate) id: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    query: u64,
    place: Place,
}

/// The cursor that continues `query` after `place`.
pub(crate) fn encode(collection: &str, query: &Query, place: Place) -> Cursor {
    let content = Content {
        query: fingerprint(collection, query),
        place,
    };
    let bytes = serde_json::to_vec(&content).expect("numbers and text are always JSON");
    Cursor(to_hex(&bytes))
}

/// The place that a cursor names, if it was made for this query; `kind` is the ordering field's.
pub(crate) fn decode(
    collection: &str,
    query: &Query,
    kind: Option<FieldKind>,
    cursor: &Cursor,
) -> Result<Place, Error> {
    let refuse = |reason: &str| Error::Query {
        reason: reason.to_owned(),
    };
    let content = (cursor.0.len() <= CURSOR_BYTES_MAX)
        .then(|| from_hex(&cursor.0))
        .flatten()
        .and_then(|bytes| serde_json::from_slice::<Content>(&bytes).ok())
        .ok_or_else(|| refuse("the cursor is malformed: pass `next` of a page as it came"))?;
    if content.query != fingerprint(collection, query) {
        return Err(refuse(
            "the cursor is of another query: ask for the first page again",
        ));
    }
    if !fits(&content.place, kind) {
        return Err(refuse(
            "the cursor names no place in this order: ask for the first page again",
        ));
    }
    Ok(content.place)
}

fn fits(place: &Place, kind: Option<FieldKind>) -> bool {
    let value_fits = match (&place.value, kind) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(Scalar::Text(text)), Some(FieldKind::Text)) => text.len() <= INDEXED_TEXT_BYTES_MAX,
        (Some(value), Some(kind)) => value.is(kind),
    };
    value_fits && !place.id.is_empty() && place.id.len() <= ID_BYTES_MAX
}

/// Sixty-four bits of what a query selects and how it orders (FNV-1a); its limit is left out, so
/// that a reader may change the page size on the way.
fn fingerprint(collection: &str, query: &Query) -> u64 {
    let order = query.order.clone();
    let selected = format!("{:?}", (collection, &query.conditions, &query.text, order));
    selected.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(value(*high)? << 4 | value(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Order;

    fn by_altitude() -> Query {
        let order = Order {
            field: Some("altitude_m".to_owned()),
            descending: false,
        };
        Query {
            order: Some(order),
            limit: 10,
            ..Query::default()
        }
    }

    proptest! {
        #[test]
        fn a_place_comes_back_exactly(bits in any::<f64>(), id in "\\PC{1,60}") {
            prop_assume!(bits.is_finite());
            let place = Place { value: Some(Scalar::real(bits)), id };
            let cursor = encode("log", &by_altitude(), place.clone());
            let back = decode("log", &by_altitude(), Some(FieldKind::Real), &cursor).unwrap();
            prop_assert_eq!(back, place);
        }

        #[test]
        fn no_text_makes_the_decoder_panic(text in ".{0,200}") {
            decode("log", &by_altitude(), None, &Cursor(text)).unwrap_err();
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            decode("log", &by_altitude(), None, &Cursor(to_hex(&bytes))).unwrap_err();
        }
    }

    #[test]
    fn a_forged_value_is_refused() {
        let nan = Place {
            value: Some(Scalar::real(f64::NAN)),
            id: "a".to_owned(),
        };
        let cursor = encode("log", &by_altitude(), nan);
        decode("log", &by_altitude(), Some(FieldKind::Real), &cursor).unwrap_err();
        let text = Place {
            value: Some(Scalar::Text("x".to_owned())),
            id: "a".to_owned(),
        };
        let cursor = encode("log", &by_altitude(), text);
        decode("log", &by_altitude(), Some(FieldKind::Real), &cursor).unwrap_err();
    }

    #[test]
    fn the_page_size_may_change_but_nothing_else() {
        let place = Place {
            value: None,
            id: "a".to_owned(),
        };
        let cursor = encode("log", &by_altitude(), place);
        let larger = Query {
            limit: 500,
            ..by_altitude()
        };
        decode("log", &larger, Some(FieldKind::Real), &cursor).unwrap();
        decode("other", &by_altitude(), Some(FieldKind::Real), &cursor).unwrap_err();
        let searching = Query {
            text: Some("x".to_owned()),
            ..by_altitude()
        };
        decode("log", &searching, Some(FieldKind::Real), &cursor).unwrap_err();
    }
}
