use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use portique_access::audit::Detail;
use portique_access::{Access, Visit};
use portique_fault::{Code, Report};

/// An order on its way: what comes of it is in the audit journal, also when whoever gave it hangs up or waits no
/// longer. Nothing waits for that journal.
pub(crate) struct Deed {
    access: Access,
    visit: Visit,
    /// Method and route.
    action: String,
    /// The path.
    target: String,
    is_told: bool,
}

impl Deed {
    pub(super) fn new(access: Access, visit: Visit, action: String, target: String) -> Self {
        Self {
            access,
            visit,
            action,
            target,
            is_told: false,
        }
    }

    /// What came of it over HTTP. What a handler refused did not happen; after a fault of the hub it may have.
    pub(crate) fn answered(mut self, response: &Response) {
        let (status, said) = (response.status(), response.extensions());
        // A refusal has its status only when it is rendered, which is further out.
        match said.get::<Report>() {
            Some(report) if is_fault(report.code) => {
                self.tell(
                    said,
                    Err(&format!("it may have happened: {}", report.message)),
                );
            }
            Some(_) => {}
            None if status.is_server_error() => {
                self.tell(
                    said,
                    Err(&format!("it may have happened: answered {status}")),
                );
            }
            None if status.is_client_error() => {}
            None => self.tell(said, Ok(())),
        }
        self.is_told = true;
    }

    /// What came of it over gRPC, which says in a header what went wrong before there was an answer.
    pub(crate) fn called(mut self, response: &Response) {
        match refusal(response.headers()) {
            None => self.tell(response.extensions(), Ok(())),
            Some(code) if is_grpc_fault(code) => {
                let reason = format!("it may have happened: answered {code:?}");
                self.tell(response.extensions(), Err(&reason));
            }
            Some(_) => {}
        }
        self.is_told = true;
    }

    fn tell(&self, said: &Extensions, outcome: Result<(), &str>) {
        let target = match said.get::<Detail>() {
            Some(Detail(detail)) => format!("{} {detail}", self.target),
            None => self.target.clone(),
        };
        let target = target.trim();
        self.access.told(&self.visit, &self.action, target, outcome);
    }
}

impl Drop for Deed {
    fn drop(&mut self) {
        if !self.is_told {
            let reason = "it may have happened: whoever gave it did not wait for the answer";
            self.tell(&Extensions::new(), Err(reason));
        }
    }
}

/// Whether the hub gave up on something that it may have begun.
fn is_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::DataLoss
    )
}

fn refusal(headers: &HeaderMap) -> Option<tonic::Code> {
    let status = headers.get("grpc-status")?;
    let code = tonic::Code::from_bytes(status.as_bytes());
    (code != tonic::Code::Ok).then_some(code)
}

fn is_grpc_fault(code: tonic::Code) -> bool {
    use tonic::Code;
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Internal
            | Code::DataLoss
            | Code::Unknown
            | Code::Cancelled
    )
}
