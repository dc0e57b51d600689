//! What happened on one account, day by day, from the journal; and how it differs from what others say.

use std::ops::ControlFlow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use portique_clock::Timestamp;

use super::Payments;
use super::journal::Wanted;
use crate::batch::Row;
use crate::{Differences, Error, Iban, Statement, StatementEntry, Text, reconcile};

/// Entries of one statement at most.
const ENTRIES_MAX: usize = 100_000;

/// Days, both of them included, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRange {
    /// The first.
    pub from: Date,
    /// The last.
    pub to: Date,
}

impl DayRange {
    /// When it begins, and when it is over.
    fn bounds(self) -> Result<(Timestamp, Timestamp), Error> {
        let refuse =
            |problem: &str| Error::input(format!("{} to {}: {problem}", self.from, self.to));
        if self.to < self.from {
            return Err(refuse("the last day is before the first"));
        }
        let begin = |day: Date| {
            let at = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
            let nanos = i64::try_from(at.as_nanosecond()).ok()?;
            Some(Timestamp::from_nanos(nanos))
        };
        let end = self.to.tomorrow().ok().and_then(begin);
        begin(self.from)
            .zip(end)
            .ok_or_else(|| refuse("the years are 1678 to 2261"))
    }
}

impl Payments {
    /// The day that it is.
    pub fn today(&self) -> Date {
        day(self.parts.clock.now())
    }

    /// The statement of an account.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::TooLarge`] for more entries than a statement has; [`Error::Behind`] when the journal is.
    pub async fn statement(&self, iban: Iban, days: DayRange) -> Result<Statement, Error> {
        let (from, to) = days.bounds()?;
        let look = self.look_with_head(move |ledger, number| {
            ledger
                .account(&iban)
                .cloned()
                .map(|account| (account, number))
        });
        let (account, number) = look.await?.ok_or_else(|| Error::Unknown {
            what: "account",
            name: iban.to_string(),
        })?;
        self.shared.journal_has(number).await?;
        let wanted = Wanted {
            account: Some(iban),
            ..Wanted::default()
        };
        // From now back: what came after the last day is taken off the balance.
        let mut closing_minor = i128::from(account.balance.posted_minor);
        let mut entries = Vec::new();
        self.each(wanted, (Some(from), None), |batch, row| {
            let minor = row.effect_minor(iban.as_str());
            let at = Timestamp::from_nanos(batch.at_ns);
            if minor == 0 || batch.number > number {
                return ControlFlow::Continue(());
            }
            if at >= to {
                closing_minor -= i128::from(minor);
                return ControlFlow::Continue(());
            }
            entries.extend(entry(iban, row, day(at), minor));
            match entries.len() > ENTRIES_MAX {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
        .await?;
        if entries.len() > ENTRIES_MAX {
            return Err(Error::TooLarge {
                problem: format!(
                    "{iban} has more than {ENTRIES_MAX} entries in these days: ask for fewer days"
                ),
            });
        }
        entries.reverse();
        let moved: i128 = entries.iter().map(|entry| i128::from(entry.minor)).sum();
        let minor = |minor: i128| {
            let fits = i64::try_from(minor);
            fits.map_err(|_| {
                Error::damaged(format!("the balance of {iban}"), "it leaves its range")
            })
        };
        let id = format!("{iban}/{}/{}", days.from, days.to);
        Ok(Statement {
            id: Text::new(id).map_err(|error| Error::input(error.to_string()))?,
            account: iban,
            currency: account.currency,
            from: days.from,
            to: days.to,
            opening_minor: minor(closing_minor - moved)?,
            entries,
            closing_minor: minor(closing_minor)?,
        })
    }

    /// Holds somebody else's statement of an account against ours of the same days.
    ///
    /// # Errors
    /// As [`statement`](Self::statement).
    pub async fn reconcile(&self, theirs: &Statement) -> Result<Differences, Error> {
        let days = DayRange {
            from: theirs.from,
            to: theirs.to,
        };
        let ours = self.statement(theirs.account, days).await?;
        if ours.currency != theirs.currency {
            let (has, given) = (ours.currency, theirs.currency);
            return Err(Error::input(format!(
                "account {} is in {has}, and this statement in {given}",
                theirs.account
            )));
        }
        Ok(reconcile(&ours, theirs))
    }
}

/// What a row means for one of its two accounts.
fn entry(account: Iban, row: &Row<'_>, booked: Date, minor: i64) -> Option<StatementEntry> {
    let other = if row.debtor == account.as_str() {
        row.creditor
    } else {
        row.debtor
    };
    Some(StatementEntry {
        id: Text::new(row.id).ok()?,
        booked,
        minor,
        counterparty: other.parse().ok(),
        reference: row.reference.and_then(|it| Text::new(it).ok()),
    })
}

fn day(at: Timestamp) -> Date {
    let at = jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos()));
    at.map_or(Date::constant(1970, 1, 1), |at| {
        at.to_zoned(TimeZone::UTC).date()
    })
}
