use async_trait::async_trait;
use portique_jobs::{Committed, Error, Transact, Transaction};

use crate::call::Repeat;
use crate::client::Client;
use crate::proto::jobs::v1 as pb;

/// A hub's transactions.
pub(crate) struct RemoteTransact {
    client: Client,
}

impl RemoteTransact {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Transact for RemoteTransact {
    async fn commit(&self, transaction: Transaction) -> Result<Committed, Error> {
        let repeat = match transaction.idempotency_key {
            Some(_) => Repeat::Harmless,
            None => Repeat::Doubles,
        };
        let request = pb::Transaction::from(transaction);
        let attempt = || {
            let (mut client, request) = (self.client.transact_client(), request.clone());
            async move { client.commit(request).await }
        };
        Ok(self.client.call(repeat, attempt).await?.into())
    }
}
