//! Silences made, changed and ended.

use portique_clock::{Random, Timestamp};

use super::{Dispatcher, SILENCES_MAX};
use crate::notify::Error;
use crate::notify::fact::Fact;
use crate::notify::silence::{Silence, SilenceRequest, SilenceState, random_id};

impl Dispatcher {
    /// Makes a silence, or changes one. It keeps its id only while its matchers stay, and its start once it
    /// has begun; otherwise it ends now and a new one takes its place.
    ///
    /// Returns the id, and facts to be kept and applied in order.
    ///
    /// # Errors
    /// [`Error::BadSilence`], [`Error::UnknownSilence`] or [`Error::Full`].
    pub fn set_silence(
        &self,
        mut request: SilenceRequest,
        now: Timestamp,
        random: &mut dyn Random,
    ) -> Result<(String, Vec<Fact>), Error> {
        request.check(now)?;
        let known = match &request.id {
            Some(id) => {
                let known = self.state.silences.get(id);
                Some(known.ok_or_else(|| Error::UnknownSilence { id: id.clone() })?)
            }
            None => None,
        };
        if let Some(known) = known.filter(|known| known.can_become(&request, now)) {
            let id = known.id.clone();
            let changed = request.with_id(id.clone(), now);
            return Ok((id, vec![silenced(changed)]));
        }
        if self.state.silences.len() >= SILENCES_MAX {
            return Err(Error::Full {
                what: "silences",
                max: SILENCES_MAX,
                remedy: "wait until expired ones are forgotten, or match more with one",
            });
        }
        let replaced = known.filter(|known| known.state(now) != SilenceState::Expired);
        let mut facts: Vec<Fact> = replaced
            .map(|known| silenced(ended(known, now)))
            .into_iter()
            .collect();
        request.starts_at = request.starts_at.max(now);
        let id = random_id(random);
        facts.push(silenced(request.with_id(id.clone(), now)));
        Ok((id, facts))
    }

    /// Ends a silence now.
    ///
    /// # Errors
    /// [`Error::UnknownSilence`] or [`Error::SilenceExpired`].
    pub fn expire_silence(&self, id: &str, now: Timestamp) -> Result<Fact, Error> {
        let known = self.state.silences.get(id);
        let known = known.ok_or_else(|| Error::UnknownSilence { id: id.to_owned() })?;
        match known.state(now) {
            SilenceState::Expired => Err(Error::SilenceExpired { id: id.to_owned() }),
            _ => Ok(silenced(ended(known, now))),
        }
    }
}

fn ended(silence: &Silence, now: Timestamp) -> Silence {
    Silence {
        starts_at: silence.starts_at.min(now),
        ends_at: now,
        updated_at: now,
        ..silence.clone()
    }
}

fn silenced(silence: Silence) -> Fact {
    Fact::Silenced(Box::new(silence))
}
