//! What a module measures besides what all modules do.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Parameters of one sample: a module of a large vehicle has some two hundred.
pub const PARAMETERS_MAX: usize = 256;

/// One more figure of a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Parameter {
    /// Its name with its unit, such as `chamber_pressure_pascals`.
    pub name: String,
    /// Which of several alike, such as `engine-3`; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Its value.
    pub value: f64,
}

/// The parameters of one sample, in the module's order; a clone is cheap.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Parameter>", into = "Vec<Parameter>")]
pub struct Parameters(Option<Arc<[Parameter]>>);

impl Deref for Parameters {
    type Target = [Parameter];

    fn deref(&self) -> &[Parameter] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl From<Vec<Parameter>> for Parameters {
    fn from(all: Vec<Parameter>) -> Self {
        Self((!all.is_empty()).then(|| all.into()))
    }
}

impl From<Parameters> for Vec<Parameter> {
    fn from(all: Parameters) -> Self {
        all.to_vec()
    }
}

impl Parameters {
    /// Whether there is none.
    pub(crate) fn are_none(&self) -> bool {
        self.0.is_none()
    }

    /// The value of a parameter.
    pub fn value(&self, name: &str, part: Option<&str>) -> Option<f64> {
        let is_it = |one: &&Parameter| one.name == name && one.part.as_deref() == part;
        self.iter().find(is_it).map(|one| one.value)
    }
}
