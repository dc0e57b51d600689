//! The vehicle link end to end: hub, world and modules over gRPC on loopback.

use portique_launch::{Answer, InjectedFault, Order};

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_attaches_tells_and_answers() {
    let mut rig = Rig::simulated().await;
    rig.until_sample("booster", "a sample", |sample| sample.healthy).await;
    assert_eq!(rig.order("booster", Order::InternalPower).await.unwrap(), Answer::Accepted);
    let crash = Order::Inject { fault: InjectedFault::TelemetryCrash };
    assert_eq!(rig.order("booster", crash).await.unwrap(), Answer::Accepted);
    rig.close().await;
}
