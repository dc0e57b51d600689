use std::time::Duration;

use super::Access;
use crate::approval::{Approval, CommandDigest, Order, Step};
use crate::{Caller, Command, Error, secret};

/// A second person that somebody asks for.
#[derive(Debug, Clone)]
pub struct ApprovalRequest {
    /// For what.
    pub order: Order,
    /// Why; may be empty.
    pub reason: String,
    /// How long it waits.
    pub lifetime: Duration,
}

impl Access {
    /// Asks for a second person.
    ///
    /// # Errors
    /// As [`Access::change`]: [`Error::NotNow`] when nobody else could approve, or when this is asked for
    /// already; and [`Error::NoRandomness`].
    pub async fn request_approval(
        &self,
        by: &Caller,
        from: &str,
        asked: ApprovalRequest,
    ) -> Result<Approval, Error> {
        let id = secret::random_id()?;
        let step = Step::Request {
            id,
            order: asked.order,
            reason: asked.reason,
            lifetime: asked.lifetime,
        };
        self.step(by, from, step).await
    }

    /// Lets it through, as another person than the one who asked.
    ///
    /// # Errors
    /// As [`Access::change`].
    pub async fn approve(&self, by: &Caller, from: &str, id: &str) -> Result<Approval, Error> {
        self.step(by, from, Step::Approve { id: id.into() }).await
    }

    /// Says no to it, as another person than the one who asked.
    ///
    /// # Errors
    /// As [`Access::change`].
    pub async fn deny(
        &self,
        by: &Caller,
        from: &str,
        id: &str,
        reason: String,
    ) -> Result<Approval, Error> {
        let id = id.into();
        self.step(by, from, Step::Deny { id, reason }).await
    }

    /// Takes back what one asked for.
    ///
    /// # Errors
    /// As [`Access::change`].
    pub async fn cancel(&self, by: &Caller, from: &str, id: &str) -> Result<Approval, Error> {
        self.step(by, from, Step::Cancel { id: id.into() }).await
    }

    /// Releases the command with this digest, once: whoever gets no error gives the command, and nobody else
    /// does. It is durable then, so that a hub that starts again releases nothing twice.
    ///
    /// # Errors
    /// As [`Access::change`]; the command must not be given then.
    pub async fn use_approval(
        &self,
        by: &Caller,
        from: &str,
        id: &str,
        digest: CommandDigest,
    ) -> Result<Approval, Error> {
        let id = id.into();
        self.step(by, from, Step::Use { id, digest }).await
    }

    async fn step(&self, by: &Caller, from: &str, step: Step) -> Result<Approval, Error> {
        let id = step.id().to_owned();
        self.change(by, from, Command::Approval(step)).await?;
        self.book().approval(&id).cloned().ok_or(Error::Closed)
    }
}
