use std::path::Path;

use proptest::prelude::*;

use super::*;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

fn transfer(amount: &str, creditor: &str) -> String {
    format!(
        "<CdtTrfTxInf><PmtId><EndToEndId>e2e</EndToEndId></PmtId>\n<Amt>{amount}</Amt>\n\
         <CdtrAcct><Id>{creditor}</Id></CdtrAcct><RmtInf><Ustrd>a &amp; b</Ustrd></RmtInf></CdtTrfTxInf>\n"
    )
}

fn message(count: &str, sum: &str, transfers: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<Document xmlns=\"{NAMESPACE}\"><CstmrCdtTrfInitn>\n\
         <GrpHdr><MsgId>M1</MsgId><NbOfTxs>{count}</NbOfTxs><CtrlSum>{sum}</CtrlSum></GrpHdr>\n\
         <PmtInf><PmtInfId>P1</PmtInfId><ReqdExctnDt><Dt>2026-11-21</Dt></ReqdExctnDt>\
         <DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>\n\
         {transfers}</PmtInf></CstmrCdtTrfInitn></Document>"
    )
}

const EUR: &str = "<InstdAmt Ccy=\"EUR\">12.34</InstdAmt>";
const GB: &str = "<IBAN>GB82WEST12345698765432</IBAN>";

#[test]
fn a_transfer_is_read() {
    let read = read_credit_transfers(message("1", "12.34", &transfer(EUR, GB)).as_bytes()).unwrap();
    assert_eq!((read.message_id.as_str(), read.refused.len()), ("M1", 0));
    let [taken] = &read.taken[..] else {
        panic!("one was handed in");
    };
    assert_eq!(taken.id.as_str(), "M1/P1/1");
    assert_eq!(taken.amount.to_string(), "12.34 EUR");
    assert_eq!(taken.creditor.as_str(), "GB82WEST12345698765432");
    assert_eq!(taken.requested.unwrap().to_string(), "2026-11-21T00:00:00Z");
    assert_eq!(taken.reference.as_ref().unwrap().as_str(), "a & b");
}

#[test]
fn a_prefix_is_as_good_as_none() {
    let plain = message("1", "12.34", &transfer(EUR, GB));
    let prefixed = plain
        .replace("</", "\u{0}")
        .replace('<', "<i:")
        .replace('\u{0}', "</i:");
    let prefixed = prefixed.replace("<i:?", "<?").replace("xmlns=", "xmlns:i=");
    let read = |text: String| read_credit_transfers(text.as_bytes()).unwrap();
    assert_eq!(read(prefixed), read(plain));
}

#[test]
fn one_that_cannot_be_posted_keeps_no_other_out() {
    let bad = [
        transfer("<InstdAmt Ccy=\"EUR\">0</InstdAmt>", GB),
        transfer("<InstdAmt Ccy=\"EUX\">1</InstdAmt>", GB),
        transfer("<InstdAmt Ccy=\"EUR\">1.005</InstdAmt>", GB),
        transfer(EUR, "<IBAN>GB82WEST12345698765433</IBAN>"),
        transfer(EUR, "<Othr><Id>25-9034-2</Id></Othr>"),
        transfer("<EqvtAmt><Amt Ccy=\"EUR\">1</Amt></EqvtAmt>", GB),
        transfer(EUR, GB),
    ];
    let read = read_credit_transfers(message("7", "40.025", &bad.concat()).as_bytes()).unwrap();
    assert_eq!(read.taken.len(), 1);
    let reasons: Vec<_> = read
        .refused
        .iter()
        .map(|refused| refused.reason.as_str())
        .collect();
    let expected = [
        "moves nothing",
        "not a currency",
        "more digits",
        "check digits",
        "\"25-9034-2\" is no IBAN",
        "equivalent amount",
    ];
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.contains(expected), "{reason}");
    }
    let lines: Vec<_> = read.refused.iter().map(|refused| refused.line).collect();
    assert_eq!(lines, [5, 8, 11, 14, 17, 20]);
}

#[test]
fn a_message_that_disagrees_with_itself_is_refused_whole() {
    let refused = |count, sum| {
        let text = message(count, sum, &transfer(EUR, GB));
        read_credit_transfers(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert!(refused("2", "12.34").contains("says NbOfTxs 2, and holds 1"));
    assert!(refused("1", "12.35").contains("says CtrlSum 12.35, and holds 12.34000"));
    assert!(refused("", "12.34").contains("NbOfTxs"));
}

#[test]
fn what_is_no_such_message_says_so() {
    let refused = |text: &str| {
        read_credit_transfers(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    let whole = message("1", "12.34", &transfer(EUR, GB));
    assert!(refused(&whole[..whole.len() - 40]).contains("ends in the middle"));
    assert!(refused(&whole.replace("pain.001", "pain.008")).contains("not a Document of pain.001"));
    assert!(refused("<a/>").contains("this is a of"));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><Document/>";
    assert!(refused(bomb).contains("DOCTYPE is not taken"));
    assert!(refused(&whole.replace("&amp;", "&b;")).contains("&b; is not known"));
    let deep = message("1", "12.34", &"<a>".repeat(1_000));
    assert!(refused(&deep).contains("inside each other"));
    let wide = transfer(EUR, GB).replace("<RmtInf>", &"<a/>".repeat(3_000));
    assert!(refused(&message("1", "1", &wide)).contains("elements in one part"));
    let latin = read_credit_transfers(b"<Document>\n\n\xe9</Document>").unwrap_err();
    assert_eq!(
        latin.to_string(),
        "line 3: this is not UTF-8: send the message in UTF-8"
    );
}

/// Files that banks publish, when they are there.
#[test]
fn messages_of_banks_are_read_or_refused_for_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bank/iso20022");
    let read = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).ok()?;
        Some(read_credit_transfers(&bytes))
    };
    let Some(swiss) = read("musterfile_pain.001_Nov2020.xml") else {
        eprintln!("skipped: the bank's sample files are not here");
        return;
    };
    let swiss = swiss.unwrap_err().to_string();
    // The file says 7 transfers and holds 8.
    assert!(swiss.contains("says NbOfTxs 7, and holds 8"), "{swiss}");
    // Its accounts are made up, and their check digits are zeros.
    let lithuanian = read("sepa_payment_naujas_1.xml").unwrap().unwrap();
    assert_eq!((lithuanian.taken.len(), lithuanian.refused.len()), (0, 1));
    let refused = &lithuanian.refused[0];
    assert!(
        refused.reason.contains("check digits"),
        "{}",
        refused.reason
    );
    for other in [
        "pain008-musterfile.xml",
        "FI_camt_053_sample.xml.xml",
        "valid_pacs_v11.xml",
    ] {
        let refused = read(other).unwrap().unwrap_err().to_string();
        assert!(refused.contains("not a Document of pain.001"), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(at in 0usize..900, byte in any::<u8>(), cut in 0usize..900) {
        let whole = message("1", "12.34", &transfer(EUR, GB));
        let mut bytes = whole.into_bytes();
        let at = at.min(bytes.len() - 1);
        bytes[at] = byte;
        _ = read_credit_transfers(&bytes);
        bytes.truncate(cut);
        _ = read_credit_transfers(&bytes);
    }
}
