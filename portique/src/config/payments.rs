use super::problem::Problem;
use super::raw::Written;

/// Who does the work of payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaymentWorkers {
    /// The hub itself.
    #[default]
    Inside,
    /// Processes of their own: pools of the hub, or workers that somebody else starts.
    Pools,
}

/// How payments run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentsConfig {
    /// Who does the jobs of their three queues; inside by default.
    pub workers: PaymentWorkers,
}

pub(super) fn resolve(
    workers: Option<&Written<String>>,
    problems: &mut Vec<Problem>,
) -> PaymentsConfig {
    let Some(written) = workers else {
        return PaymentsConfig::default();
    };
    let workers = match written.value.as_str() {
        "inside" => PaymentWorkers::Inside,
        "pools" => PaymentWorkers::Pools,
        other => {
            problems.push(Problem::at(
                &written.place,
                format!("payments.workers = {other:?} is unknown"),
                "write \"inside\" (the hub does the work) or \"pools\" (processes of their own do)"
                    .into(),
            ));
            PaymentWorkers::default()
        }
    };
    PaymentsConfig { workers }
}
