use std::path::Path;

use utoipa_axum::router::OpenApiRouter;

use crate::error::Error;
use crate::http::{Part, Source};
use crate::lifetime::TaskGroup;

/// The embedded engines and the systems on them, wired together.
pub(super) struct Engines {}

impl Engines {
    pub(super) async fn open(_folder: &Path) -> Result<Self, Error> {
        Ok(Self {})
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        Vec::new()
    }

    pub(super) fn sources(&self) -> Vec<Source> {
        Vec::new()
    }

    pub(super) fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
    }

    pub(super) fn spawn(self, _control: &TaskGroup) -> Self {
        self
    }

    pub(super) async fn close(self) -> Result<(), Error> {
        Ok(())
    }
}
