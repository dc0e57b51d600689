//! `pain.001`: a customer's credit transfers, one debtor account for each of its payments.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use portique_clock::Timestamp;

use super::tree::{Element, Message, MessageError, Next};
use crate::refused::{Refused, refuse};
use crate::{Amount, Currency, Iban, Kind, Text, Transaction};

/// Transfers of one message at most, as the standard's own count has room for many more.
pub const TRANSFERS_MAX: u64 = 100_000;

/// What the namespaces of the message contain, whoever adapted it.
const MESSAGE: &str = "pain.001.001.";
/// Whoever has no reference of his own writes this.
const NOT_PROVIDED: &str = "NOTPROVIDED";

/// What a message asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreditTransfers {
    /// The message's own id.
    pub message_id: String,
    /// What can be posted, in order.
    pub taken: Vec<Transaction>,
    /// What cannot, with the line and the reason.
    pub refused: Vec<Refused>,
}

/// What all transfers of a payment have in common.
#[derive(Debug, Default)]
struct Payment {
    id: String,
    debtor: Option<Result<Iban, String>>,
    requested: Option<Result<Timestamp, String>>,
}

/// What is counted to be held against the header.
#[derive(Debug, Default)]
struct Counted {
    transfers: u64,
    /// In ten-thousandths, so that sums of several currencies are exact.
    sum: u128,
}

/// Digits behind the point of the control sum's unit here: more than any currency has.
const SUM_DIGITS: usize = 5;

/// Reads a customer's credit transfers, versions 3 to 12 of the message.
///
/// A transfer that cannot be posted is refused with its line and keeps no other out. When the number of transfers or the
/// control sum is not what the header says, nothing is taken: something got lost on the way.
///
/// # Errors
/// [`MessageError`] when it is no such message, or disagrees with itself.
pub fn read_credit_transfers(bytes: &[u8]) -> Result<CreditTransfers, MessageError> {
    let mut message = Message::new(bytes)?;
    message.open(
        MESSAGE,
        "CstmrCdtTrfInitn",
        "send customer credit transfers",
    )?;
    let mut header = None;
    let mut transfers = CreditTransfers::default();
    let mut counted = Counted::default();
    while let Next::Begins(part) = message.next()? {
        match part.name.as_str() {
            "GrpHdr" => {
                let read = message.element(part)?;
                transfers.message_id = read.text_at("MsgId").unwrap_or_default().to_owned();
                header = Some(read);
            }
            "PmtInf" => read_payment(&mut message, &mut transfers, &mut counted)?,
            _ => message.skip(&part)?,
        }
    }
    let header = header.ok_or_else(|| message.malformed("GrpHdr is missing"))?;
    counted.agree(&header)?;
    Ok(transfers)
}

fn read_payment(
    message: &mut Message<'_>,
    transfers: &mut CreditTransfers,
    counted: &mut Counted,
) -> Result<(), MessageError> {
    let mut payment = Payment::default();
    while let Next::Begins(part) = message.next()? {
        match part.name.as_str() {
            "PmtInfId" => payment.id = message.element(part)?.text,
            "ReqdExctnDt" => payment.requested = Some(requested(&message.element(part)?)),
            "DbtrAcct" => payment.debtor = Some(account(&message.element(part)?)),
            "CdtTrfTxInf" => {
                counted.transfers += 1;
                if counted.transfers > TRANSFERS_MAX {
                    let problem =
                        format!("more than {TRANSFERS_MAX} transfers: send several messages");
                    return Err(message.malformed(problem));
                }
                let transfer = message.element(part)?;
                counted.add(&transfer);
                let id = format!(
                    "{}/{}/{}",
                    transfers.message_id, payment.id, counted.transfers
                );
                match read_transfer(&payment, &transfer, id) {
                    Ok(transaction) => transfers.taken.push(transaction),
                    Err(reason) => {
                        let refused = refuse(counted.transfers, transfer.line, reason);
                        transfers.refused.push(refused);
                    }
                }
            }
            _ => message.skip(&part)?,
        }
    }
    Ok(())
}

fn read_transfer(payment: &Payment, transfer: &Element, id: String) -> Result<Transaction, String> {
    let debtor = payment
        .debtor
        .clone()
        .unwrap_or(Err("there is none".into()));
    let debtor = debtor.map_err(|problem| format!("DbtrAcct: {problem}"))?;
    let requested = payment
        .requested
        .clone()
        .unwrap_or(Err("there is none".into()));
    let requested = requested.map_err(|problem| format!("ReqdExctnDt: {problem}"))?;
    let creditor = transfer.at("CdtrAcct").ok_or("CdtrAcct: there is none")?;
    let creditor = account(creditor).map_err(|problem| format!("CdtrAcct: {problem}"))?;
    let id = Text::new(id).map_err(|error| format!("id: {error}"))?;
    Ok(Transaction {
        key: id.clone(),
        id,
        kind: Kind::Transfer,
        debtor,
        creditor,
        amount: amount(transfer)?,
        requested: Some(requested),
        reference: reference(transfer)?,
    })
}

fn amount(transfer: &Element) -> Result<Amount, String> {
    if transfer.at("Amt/EqvtAmt").is_some() {
        return Err("Amt: an equivalent amount needs an exchange; write InstdAmt".into());
    }
    let instructed = transfer
        .at("Amt/InstdAmt")
        .ok_or("Amt/InstdAmt: there is none")?;
    let code = instructed.currency.as_deref().unwrap_or_default();
    let currency: Currency = code
        .parse()
        .map_err(|error| format!("Amt/InstdAmt: {error}"))?;
    Amount::parse(&instructed.text, currency).map_err(|error| format!("Amt/InstdAmt: {error}"))
}

/// What the creditor is told, or the debtor's own reference.
fn reference(transfer: &Element) -> Result<Option<Text>, String> {
    let structured = "RmtInf/Strd/CdtrRefInf/Ref";
    let own = transfer
        .text_at("PmtId/EndToEndId")
        .filter(|text| *text != NOT_PROVIDED);
    let told = transfer
        .text_at("RmtInf/Ustrd")
        .or_else(|| transfer.text_at(structured));
    let text = told.or(own).filter(|text| !text.is_empty());
    let text = text.map(|text| Text::new(text).map_err(|error| format!("RmtInf: {error}")));
    text.transpose()
}

fn account(element: &Element) -> Result<Iban, String> {
    let Some(iban) = element.text_at("Id/IBAN") else {
        let other = element.text_at("Id/Othr/Id").unwrap_or_default();
        return Err(format!(
            "{other:?} is no IBAN: only accounts with one can be paid"
        ));
    };
    iban.parse()
        .map_err(|error: crate::NotAnIban| error.to_string())
}

/// A date, or from version 9 on a date or a time inside of it; a date is its midnight in UTC.
fn requested(element: &Element) -> Result<Timestamp, String> {
    let text = element.text_at("Dt").or_else(|| element.text_at("DtTm"));
    let text = text.unwrap_or(&element.text);
    let problem = || format!("{text:?} is neither a date nor a time: write 2026-11-21");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let date = text.parse::<Date>().map(DateTime::from);
    let at = text.parse::<DateTime>().or(date).map_err(|_| problem())?;
    let at = at.to_zoned(TimeZone::UTC).map_err(|_| problem())?;
    let nanos = i64::try_from(at.timestamp().as_nanosecond()).map_err(|_| problem())?;
    Ok(Timestamp::from_nanos(nanos))
}

impl Counted {
    /// An amount that cannot be read is no part of the sum; its transfer is refused.
    fn add(&mut self, transfer: &Element) {
        let amount = transfer
            .text_at("Amt/InstdAmt")
            .or_else(|| transfer.text_at("Amt/EqvtAmt/Amt"));
        self.sum += amount.and_then(scaled).unwrap_or_default();
    }

    fn agree(&self, header: &Element) -> Result<(), MessageError> {
        let said = header.text_at("NbOfTxs").unwrap_or_default();
        if said.parse() != Ok(self.transfers) {
            return Err(MessageError::Disagrees {
                field: "NbOfTxs",
                said: said.chars().take(40).collect(),
                found: self.transfers.to_string(),
            });
        }
        let Some(said) = header.text_at("CtrlSum") else {
            return Ok(());
        };
        if scaled(said) == Some(self.sum) {
            return Ok(());
        }
        let unit = 10_u128.pow(SUM_DIGITS as u32);
        Err(MessageError::Disagrees {
            field: "CtrlSum",
            said: said.chars().take(40).collect(),
            found: format!("{}.{:0SUM_DIGITS$}", self.sum / unit, self.sum % unit),
        })
    }
}

/// A decimal number as a whole one of the sum's unit.
fn scaled(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = whole.len() <= 30 && fraction.len() <= SUM_DIGITS;
    if whole.is_empty() || !fits || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<SUM_DIGITS$}").parse().ok()
}

#[cfg(test)]
mod tests;
