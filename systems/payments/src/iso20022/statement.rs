//! `camt.053`: statements of accounts, read from other banks and written for customers.

use jiff::civil::Date;
use quick_xml::escape::escape;

use super::tree::{Begun, Element, Message, MessageError, Next};
use crate::{Currency, Statement, StatementEntry, Text, decimal, money};

/// Entries of one message at most.
const ENTRIES_MAX: usize = 1_000_000;
/// What the namespaces of the message contain, whoever adapted it.
const MESSAGE: &str = "camt.053.001.";
/// The version that is written.
const WRITTEN: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";
/// Entries that are booked; others are only announced.
const BOOKED: &str = "BOOK";
/// What is booked before the first entry.
const OPENING: &str = "OPBD";
/// What is booked after the last.
const CLOSING: &str = "CLBD";

/// Reads the statements of a message, versions 2 to 12.
///
/// Booked entries only. An entry's id is the bank's reference, or its place in the statement where it has none.
///
/// # Errors
/// [`MessageError`] when it is no such message, or something that matters is missing.
pub fn read_statements(bytes: &[u8]) -> Result<Vec<Statement>, MessageError> {
    let mut message = Message::new(bytes)?;
    message.open(MESSAGE, "BkToCstmrStmt", "send account statements")?;
    let mut statements = Vec::new();
    let mut left = ENTRIES_MAX;
    while let Next::Begins(part) = message.next()? {
        match part.name.as_str() {
            "Stmt" => statements.push(read_statement(&mut message, &mut left)?),
            _ => message.skip(&part)?,
        }
    }
    Ok(statements)
}

/// What of a statement was read.
#[derive(Default)]
struct Parts {
    id: String,
    account: Option<Element>,
    period: Option<Element>,
    balances: Vec<Element>,
    entries: Vec<Element>,
}

fn read_statement(message: &mut Message<'_>, left: &mut usize) -> Result<Statement, MessageError> {
    let mut parts = Parts::default();
    while let Next::Begins(part) = message.next()? {
        read_part(message, part, &mut parts, left)?;
    }
    let wrong = |what: &str| format!("this statement's {what}");
    statement(parts).map_err(|problem| message.malformed(wrong(&problem)))
}

fn read_part(
    message: &mut Message<'_>,
    part: Begun,
    parts: &mut Parts,
    left: &mut usize,
) -> Result<(), MessageError> {
    match part.name.as_str() {
        "Id" => parts.id = message.element(part)?.text,
        "Acct" => parts.account = Some(message.element(part)?),
        "FrToDt" => parts.period = Some(message.element(part)?),
        "Bal" => parts.balances.push(message.element(part)?),
        "Ntry" => {
            let room = left.checked_sub(1);
            *left =
                room.ok_or_else(|| message.malformed(format!("more than {ENTRIES_MAX} entries")))?;
            parts.entries.push(message.element(part)?);
        }
        _ => message.skip(&part)?,
    }
    Ok(())
}

fn statement(parts: Parts) -> Result<Statement, String> {
    let account = parts.account.ok_or("Acct is missing")?;
    let iban = account
        .text_at("Id/IBAN")
        .ok_or("Acct/Id/IBAN is missing")?;
    let opening = balance(&parts.balances, OPENING)?;
    let closing = balance(&parts.balances, CLOSING)?;
    let currency = opening.currency;
    if closing.currency != currency {
        return Err("balances are in two currencies".into());
    }
    let booked = parts.entries.iter().filter(|entry| {
        let status = entry.text_at("Sts/Cd").or_else(|| entry.text_at("Sts"));
        status == Some(BOOKED)
    });
    let entries = booked.enumerate().map(|(index, element)| {
        let line = element.line;
        entry(element, index, currency).map_err(|problem| format!("Ntry on line {line}: {problem}"))
    });
    let period = |path| {
        parts
            .period
            .as_ref()
            .and_then(|period| period.text_at(path))
    };
    let day = |text: Option<&str>| text.and_then(|text| text.get(..10)?.parse::<Date>().ok());
    Ok(Statement {
        id: Text::new(parts.id).map_err(|error| format!("Id: {error}"))?,
        account: iban
            .parse()
            .map_err(|error| format!("Acct/Id/IBAN: {error}"))?,
        currency,
        from: day(period("FrDtTm")).unwrap_or(opening.day),
        to: day(period("ToDtTm")).unwrap_or(closing.day),
        opening_minor: opening.minor,
        entries: entries.collect::<Result<_, _>>()?,
        closing_minor: closing.minor,
    })
}

/// A balance, with its day.
struct Stands {
    minor: i64,
    currency: Currency,
    day: Date,
}

fn balance(balances: &[Element], code: &'static str) -> Result<Stands, String> {
    let found = balances
        .iter()
        .find(|balance| balance.text_at("Tp/CdOrPrtry/Cd") == Some(code));
    let found = found.ok_or_else(|| format!("balance {code} is missing"))?;
    let (minor, currency) =
        signed(found).map_err(|problem| format!("balance {code}: {problem}"))?;
    let day = day(found, "Dt").ok_or_else(|| format!("balance {code} has no day"))?;
    Ok(Stands {
        minor,
        currency,
        day,
    })
}

fn entry(element: &Element, index: usize, currency: Currency) -> Result<StatementEntry, String> {
    let (minor, given) = signed(element)?;
    if given != currency {
        return Err(format!("it is in {given}, the account in {currency}"));
    }
    let is_credit = minor >= 0;
    let details = element.at("NtryDtls/TxDtls");
    let party = if is_credit { "DbtrAcct" } else { "CdtrAcct" };
    let party = details.and_then(|details| details.text_at(&format!("RltdPties/{party}/Id/IBAN")));
    let told = details.and_then(|details| details.text_at("RmtInf/Ustrd"));
    let id = element
        .text_at("AcctSvcrRef")
        .filter(|text| !text.is_empty());
    let id = id.map_or_else(|| format!("#{}", index + 1), str::to_owned);
    Ok(StatementEntry {
        id: Text::new(id).map_err(|error| format!("AcctSvcrRef: {error}"))?,
        booked: day(element, "BookgDt").ok_or("BookgDt is missing")?,
        minor,
        // What others say of third parties is not ours to refuse.
        counterparty: party.and_then(|iban| iban.parse().ok()),
        reference: told.and_then(|text| Text::new(text).ok()),
    })
}

/// Amount and direction of a balance or an entry.
fn signed(element: &Element) -> Result<(i64, Currency), String> {
    let amount = element.at("Amt").ok_or("Amt is missing")?;
    let code = amount.currency.as_deref().unwrap_or_default();
    let currency: Currency = code.parse().map_err(|error| format!("Amt: {error}"))?;
    let minor = money::minor_of(&amount.text, currency).map_err(|error| format!("Amt: {error}"))?;
    match element.text_at("CdtDbtInd") {
        Some("CRDT") => Ok((minor, currency)),
        Some("DBIT") => Ok((-minor, currency)),
        _ => Err("CdtDbtInd is neither CRDT nor DBIT".into()),
    }
}

fn day(element: &Element, path: &str) -> Option<Date> {
    let at = element.at(path)?;
    let text = at.text_at("Dt").or_else(|| at.text_at("DtTm"))?;
    text.get(..10)?.parse().ok()
}

/// Writes a statement as a message of its own.
pub fn write_statement(statement: &Statement) -> String {
    let Statement {
        id,
        account,
        currency,
        from,
        to,
        ..
    } = statement;
    let id = escape(id.as_str());
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{WRITTEN}\"><BkToCstmrStmt>\n\
         <GrpHdr><MsgId>{id}</MsgId><CreDtTm>{to}T23:59:59Z</CreDtTm></GrpHdr>\n\
         <Stmt><Id>{id}</Id><CreDtTm>{to}T23:59:59Z</CreDtTm>\
         <FrToDt><FrDtTm>{from}T00:00:00Z</FrDtTm><ToDtTm>{to}T23:59:59Z</ToDtTm></FrToDt>\n\
         <Acct><Id><IBAN>{account}</IBAN></Id><Ccy>{currency}</Ccy></Acct>\n"
    );
    for (code, minor, day) in [
        (OPENING, statement.opening_minor, from),
        (CLOSING, statement.closing_minor, to),
    ] {
        let amount = amount(minor, *currency);
        text += &format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount}<Dt><Dt>{day}</Dt></Dt></Bal>\n"
        );
    }
    for entry in &statement.entries {
        text += &write_entry(entry, *currency);
    }
    text + "</Stmt></BkToCstmrStmt></Document>\n"
}

fn write_entry(entry: &StatementEntry, currency: Currency) -> String {
    let StatementEntry {
        id, booked, minor, ..
    } = entry;
    let (id, amount) = (escape(id.as_str()), amount(*minor, currency));
    let party = entry.counterparty.map(|iban| {
        let party = if *minor >= 0 { "DbtrAcct" } else { "CdtrAcct" };
        format!("<RltdPties><{party}><Id><IBAN>{iban}</IBAN></Id></{party}></RltdPties>")
    });
    let told = entry.reference.as_ref().map(|text| {
        let text = escape(text.as_str());
        format!("<RmtInf><Ustrd>{text}</Ustrd></RmtInf>")
    });
    let (party, told) = (party.unwrap_or_default(), told.unwrap_or_default());
    format!(
        "<Ntry>{amount}<Sts><Cd>{BOOKED}</Cd></Sts><BookgDt><Dt>{booked}</Dt></BookgDt>\
         <AcctSvcrRef>{id}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>NTAV</Cd>\
         <SubFmlyCd>NTAV</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls>\
         <Refs><AcctSvcrRef>{id}</AcctSvcrRef></Refs>{amount}{party}{told}</TxDtls></NtryDtls></Ntry>\n"
    )
}

fn amount(minor: i64, currency: Currency) -> String {
    let direction = if minor >= 0 { "CRDT" } else { "DBIT" };
    let written = decimal(minor, currency);
    let absolute = written.trim_start_matches('-');
    format!("<Amt Ccy=\"{currency}\">{absolute}</Amt><CdtDbtInd>{direction}</CdtDbtInd>")
}

#[cfg(test)]
mod tests;
