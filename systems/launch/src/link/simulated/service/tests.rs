use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};

use super::*;
use crate::rpc::world_client::WorldClient;
use crate::rpc::world_server::WorldServer;

#[tokio::test]
async fn a_stranger_is_turned_away_before_it_says_anything() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let serve = Server::builder()
        .add_service(WorldServer::new(WorldService::new(Arc::default())))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), stop.clone().cancelled_owned());
    tokio_util::task::TaskTracker::new().spawn(serve);

    let channel = Channel::from_shared(address).unwrap().connect_lazy();
    let silence = futures_util::stream::pending::<FromControl>();
    let request = rpc::with_bearer(silence, "guessed").unwrap();
    let mut client = WorldClient::new(channel);
    let answer = tokio::time::timeout(Duration::from_secs(30), client.fly(request));
    let status = answer.await.expect("an answer").unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    stop.cancel();
}
