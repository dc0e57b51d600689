//! A vehicle whose modules attach themselves.

use std::sync::Arc;

use async_trait::async_trait;

use crate::link::attach::Attachments;
use crate::link::work::Work;
use crate::link::{Link, LinkError};
use crate::{Answer, Command, ModuleId, Pad};

/// The link to hand-attached modules.
pub(crate) struct RemoteLink {
    pub(crate) attachments: Arc<Attachments>,
    pub(crate) work: Work,
}

#[async_trait]
impl Link for RemoteLink {
    fn reports_events(&self) -> bool {
        true
    }

    async fn command(&self, module: &ModuleId, command: Command) -> Result<Answer, LinkError> {
        self.attachments.command(module, &command).await
    }

    /// Does nothing: the ground equipment of a real pad is not reached through its vehicle.
    async fn pad(&self, _pad: Pad) -> Result<(), LinkError> {
        Ok(())
    }

    async fn close(&self) {
        self.work.close().await;
    }
}
