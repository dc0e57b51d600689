//! Alerts about rockets, on their way from the bus into the mission log.

use std::sync::Arc;
use std::time::Duration;

use portique_bus::{Bus, ConsumerName, ConsumerOptions, Delivery, DeliveryToken, Start};
use portique_event::{Data, Filter};
use portique_monitor::{Fact, Transition};
use tokio::sync::{mpsc, oneshot};

use super::abort::Sign;
use super::inputs::Input;
use crate::Error;

/// Where facts about alerts stand on the bus.
const SUBJECTS: &str = "monitor.alerts.changed";
/// Who reads them here.
const CONSUMER: &str = "launch-alerts";
/// Facts taken in one go.
const PAGE_FACTS: usize = 100;
/// How long a look waits for a fact.
const WAIT: Duration = Duration::from_secs(10);
/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Tells the worker of alerts that begin or end, for ever. A fact is acknowledged once the mission's own is
/// durable, so that none is missed over a restart; one that comes twice changes nothing.
pub(crate) async fn run(bus: Arc<dyn Bus>, inputs: mpsc::Sender<Input>) {
    let mut is_failing = false;
    loop {
        match follow(bus.as_ref(), &inputs, &mut is_failing).await {
            Ok(()) => return,
            Err(error) if !is_failing => {
                is_failing = true;
                let error = portique_fault::chain(&error);
                tracing::error!(error, "alerts do not reach the mission log; trying again");
            }
            Err(_) => {}
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Returns when the worker is gone.
async fn follow(
    bus: &dyn Bus,
    inputs: &mpsc::Sender<Input>,
    is_failing: &mut bool,
) -> Result<(), Error> {
    let consumer = ConsumerName::new(CONSUMER).expect("a constant that is a name");
    let options = ConsumerOptions {
        start: Start::New,
        ..ConsumerOptions::new(Filter::new(SUBJECTS).expect("a constant that is a filter"))
    };
    bus.consumer(&consumer, options).await.map_err(Error::Bus)?;
    loop {
        let facts = bus
            .fetch(&consumer, PAGE_FACTS, WAIT)
            .await
            .map_err(Error::Bus)?;
        *is_failing = false;
        let mut done = Vec::with_capacity(facts.len());
        for fact in facts {
            match tell(inputs, &fact).await {
                Some(true) => done.push(fact.token),
                Some(false) => {}
                None => return Ok(()),
            }
        }
        acknowledge(bus, &consumer, &done).await?;
    }
}

async fn acknowledge(
    bus: &dyn Bus,
    consumer: &ConsumerName,
    done: &[DeliveryToken],
) -> Result<(), Error> {
    if done.is_empty() {
        return Ok(());
    }
    bus.ack(consumer, done).await.map_err(Error::Bus)
}

/// Whether it is settled; none when the worker is gone.
async fn tell(inputs: &mpsc::Sender<Input>, fact: &Delivery) -> Option<bool> {
    let Some((sign, is_raised)) = read(fact) else {
        return Some(true);
    };
    let (settled, answer) = oneshot::channel();
    let input = Input::Alert {
        sign,
        is_raised,
        settled,
    };
    inputs.send(input).await.ok()?;
    answer.await.ok()
}

/// What a fact says of a module, and whether it is raised; none when it says nothing here.
fn read(fact: &Delivery) -> Option<(Sign, bool)> {
    let Some(Data::Json(body)) = fact.delivered.event.data() else {
        return None;
    };
    let bytes = serde_json::to_vec(body).ok()?;
    let Ok(Fact::Changed(changed)) = Fact::decode(&bytes) else {
        return None;
    };
    let is_raised = match changed.to {
        Transition::Firing => true,
        Transition::Resolved => false,
        Transition::Pending
        | Transition::Lingering
        | Transition::Recovered
        | Transition::Dropped
        | Transition::Postponed => return None,
    };
    let sign = Sign::of(&changed.labels, &changed.annotations, changed.value)?;
    Some((sign, is_raised))
}
