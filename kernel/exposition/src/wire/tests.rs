use proptest::prelude::*;

use super::*;

fn all_fields(mut message: Message<'_>) -> Result<Vec<(u32, Field<'_>)>, Error> {
    let mut fields = Vec::new();
    while let Some(field) = message.next()? {
        fields.push(field);
    }
    Ok(fields)
}

#[test]
fn what_is_written_is_read() {
    let mut writer = Writer::default();
    writer.uint(1, 0);
    writer.uint(2, u64::MAX);
    writer.int(3, -1);
    writer.sint32(4, i32::MIN);
    writer.double(5, -0.0);
    writer.text(6, "é");
    writer.message(20, |inner| inner.text(1, &"x".repeat(200)));
    let bytes = writer.into_bytes();
    let fields = all_fields(Message::new(&bytes, "test")).unwrap();
    assert_eq!(fields[0], (2, Field::Varint(u64::MAX)));
    assert_eq!(fields[1].1.int(), -1);
    assert_eq!(fields[2].1.sint32(), i32::MIN);
    assert_eq!(fields[3].1.double().to_bits(), (-0.0_f64).to_bits());
    assert_eq!(fields[4].1.bytes(), "é".as_bytes());
    let inner = all_fields(Message::new(fields[5].1.bytes(), "test")).unwrap();
    assert_eq!(inner[0].1.bytes().len(), 200);
}

#[test]
fn damage_is_named_with_its_place() {
    for (bytes, offset, problem) in [
        (&b"\x08\x01\x0a\x05abc"[..], 4, TRUNCATED),
        (b"\x08", 1, TRUNCATED),
        (b"\x09\x01\x02", 1, TRUNCATED),
        (b"\x0b", 1, BAD_WIRE_TYPE),
        (b"\x00\x01", 1, FIELD_ZERO),
        (
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            1,
            VARINT_TOO_LONG,
        ),
        (
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            11,
            TRUNCATED,
        ),
    ] {
        let Err(Error::Malformed {
            offset: at,
            problem: found,
            ..
        }) = all_fields(Message::new(bytes, "test"))
        else {
            panic!("{bytes:?} was read");
        };
        assert_eq!((at, found), (offset, problem), "{bytes:?}");
    }
}

#[test]
fn repeated_numbers_are_read_packed_and_one_by_one() {
    let mut writer = Writer::default();
    writer.doubles(1, &[1.5, -2.0]);
    writer.double(1, 3.0);
    writer.varints(2, [0, 1, 2, 300]);
    writer.uint(2, 3);
    let bytes = writer.into_bytes();
    let message = Message::new(&bytes, "test");
    let (mut doubles, mut integers) = (Vec::new(), Vec::new());
    for (number, field) in all_fields(message.clone()).unwrap() {
        match number {
            1 => message.doubles(field, &mut doubles).unwrap(),
            _ => message.sint64s(field, &mut integers).unwrap(),
        }
    }
    assert_eq!(doubles, [1.5, -2.0, 3.0]);
    assert_eq!(integers, [0, -1, 1, 150, -2]);
    let odd = message.doubles(Field::Bytes(&[0; 9]), &mut doubles);
    assert!(odd.is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let message = Message::new(&bytes, "test");
        let mut doubles = Vec::new();
        for (_, field) in all_fields(message.clone()).unwrap_or_default() {
            let _ = (field.uint32(), field.sint32(), field.double(), field.int());
            let _ = message.doubles(field, &mut doubles);
            let _ = message.varints(field, |_| {});
        }
        let mut delimited = message;
        while let Ok(Some(_)) = delimited.next_delimited() {}
    }
}
