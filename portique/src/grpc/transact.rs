use std::sync::Arc;

use portique_client::proto::jobs::v1 as pb;
use portique_client::{jobs_status, status};
use portique_jobs::{Transact, Transaction};
use tonic::{Request, Response, Status};

use super::door::Door;

/// Transactions, over gRPC.
pub(super) struct TransactService {
    pub(super) transact: Arc<dyn Transact>,
    pub(super) door: Arc<Door>,
}

impl TransactService {
    fn check(&self, transaction: &Transaction) -> Result<(), Status> {
        for event in &transaction.publish {
            let checked = self.door.check_subject(event.subject());
            checked.map_err(|report| status::status(&report))?;
        }
        let acknowledged = transaction.acknowledge.iter().map(|(name, _)| name);
        let moved = transaction.seek.iter().map(|cursor| &cursor.consumer);
        for consumer in acknowledged.chain(moved) {
            self.door.check_consumer(consumer)?;
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl pb::transact_server::Transact for TransactService {
    async fn commit(
        &self,
        request: Request<pb::Transaction>,
    ) -> Result<Response<pb::Committed>, Status> {
        let transaction = Transaction::try_from(request.into_inner());
        let transaction = transaction.map_err(|error| jobs_status(&error))?;
        self.check(&transaction)?;
        let committed = self.transact.commit(transaction).await;
        let committed = committed.map_err(|error| jobs_status(&error))?;
        Ok(Response::new(committed.into()))
    }
}
