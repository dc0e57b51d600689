use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Person, Place, answer, with_closed_hub};

const ORDERS: &str = "/api/v1/launch/rockets/helios/modules/booster/orders";
const APPROVALS: &str = "/api/v1/access/approvals";

/// How often a state that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Place {
    /// A simulated rocket on its pad, whose modules are in reach.
    async fn rocket(&self) {
        let rocket = json!({ "rocket": "helios" });
        self.commander(Method::POST, "/api/v1/launch/rockets", rocket)
            .await;
        let path = "/api/v1/launch/rockets/helios";
        for _ in 0..3_000 {
            let view = self.commander(Method::GET, path, Value::Null).await;
            let modules = view["modules"].as_array().unwrap();
            if modules.len() == 3 && modules.iter().all(|module| module["up"] == true) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("the modules do not attach");
    }

    async fn post(&self, by: &Person, path: &str, body: Value, expected: u16) -> Value {
        let request = by.with(self.ask(Method::POST, path));
        answer(request.json(&body), Some(expected)).await
    }

    /// How far each order of the rocket came, and by whom.
    async fn orders(&self) -> Vec<(String, String)> {
        let path = "/api/v1/launch/rockets/helios/orders";
        let orders = self.commander(Method::GET, path, Value::Null).await;
        let text = |order: &Value, key: &str| order[key].as_str().unwrap().to_owned();
        let orders = orders.as_array().unwrap().iter();
        orders
            .map(|order| (text(order, "actor"), text(order, "stage")))
            .collect()
    }
}

#[tokio::test]
async fn it_takes_two_people_to_destroy_a_module() {
    with_closed_hub(async |place| {
        place.rocket().await;
        let alice = place.user("alice", &["mission-commander"]).await;
        let rudi = place.user("rudi", &["range-safety-officer"]).await;
        let paul = place.user("paul", &["chief-payload"]).await;
        let destroy = json!({ "order": "destroy", "reason": "it leans" });

        let refused = place.post(&paul, ORDERS, destroy.clone(), 403).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("launch:destroy"), "{detail}");
        let nobodys = place
            .ask(Method::POST, ORDERS)
            .bearer_auth(&place.commander);
        let refused = answer(nobodys.json(&destroy), Some(403)).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("sign in as yourself"), "{detail}");

        // Whoever may order anything could otherwise take the id of what two people order.
        let taken = json!({ "id": "approved-", "order": "safe" });
        let refused = place.post(&paul, ORDERS, taken, 400).await;
        assert!(
            refused["detail"].as_str().unwrap().contains("approved-"),
            "{refused}"
        );

        let waits = place.post(&alice, ORDERS, destroy.clone(), 202).await;
        assert_eq!(waits["approvers"], json!(["rudi"]));
        let id = waits["approval"].as_str().unwrap();
        let again = place.post(&alice, ORDERS, destroy.clone(), 202).await;
        assert_eq!(again["approval"], waits["approval"]);
        let other = place.post(&rudi, ORDERS, destroy.clone(), 409).await;
        assert!(other["detail"].as_str().unwrap().contains(id), "{other}");
        assert!(place.orders().await.is_empty(), "nothing is ordered yet");

        let one = format!("{APPROVALS}/{id}");
        let approve = format!("{one}/approve");
        place.post(&alice, &approve, Value::Null, 403).await;
        place.post(&paul, &approve, Value::Null, 403).await;
        answer(paul.with(place.ask(Method::GET, &one)), Some(404)).await;
        let seen = answer(rudi.with(place.ask(Method::GET, &one)), Some(200)).await;
        assert_eq!(
            (&seen["can_approve"], &seen["is_own"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(seen["digest"], waits["digest"]);
        assert_eq!(seen["reason"], "it leans");

        let given = place.post(&rudi, &approve, Value::Null, 200).await;
        assert_eq!(given["approval"]["state"], "used");
        let stage = given["result"]["stage"].as_str().unwrap();
        assert!(["accepted", "completed"].contains(&stage), "{given}");
        place.post(&rudi, &approve, Value::Null, 409).await;
        let orders = place.orders().await;
        assert_eq!(orders.len(), 1, "{orders:?}");
        assert_eq!(orders[0].0, "user:alice and user:rudi");

        let path = "/api/v1/access/audit?limit=1000";
        let audit = place.commander(Method::GET, path, Value::Null).await;
        let audit = audit.to_string();
        for action in [
            "approval.request",
            "approval.approve",
            "approval.use",
            "launch.destroy",
        ] {
            assert!(audit.contains(action), "{action} in {audit}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_approval_is_denied_cancelled_or_overtaken_and_destroys_nothing() {
    with_closed_hub(async |place| {
        place.rocket().await;
        let alice = place.user("alice", &["mission-commander"]).await;
        let rudi = place.user("rudi", &["operator"]).await;
        let asked = json!({
            "action": "launch.destroy",
            "command": { "rocket": "helios", "module": "booster" },
        });
        let ask = async || {
            let made = place.post(&alice, APPROVALS, asked.clone(), 201).await;
            format!("{APPROVALS}/{}", made["id"].as_str().unwrap())
        };

        let denied = ask().await;
        let answer_of = json!({ "reason": "it stands" });
        place
            .post(&alice, &format!("{denied}/deny"), answer_of.clone(), 403)
            .await;
        let view = place
            .post(&rudi, &format!("{denied}/deny"), answer_of, 200)
            .await;
        assert_eq!(
            (&view["state"], &view["answer"]),
            (&json!("denied"), &json!("it stands"))
        );
        place
            .post(&rudi, &format!("{denied}/approve"), Value::Null, 409)
            .await;

        let cancelled = ask().await;
        place
            .post(&rudi, &format!("{cancelled}/cancel"), Value::Null, 403)
            .await;
        place
            .post(&alice, &format!("{cancelled}/cancel"), Value::Null, 200)
            .await;
        place
            .post(&rudi, &format!("{cancelled}/approve"), Value::Null, 409)
            .await;

        let overtaken = ask().await;
        let poll = "/api/v1/launch/rockets/helios/poll";
        place.post(&alice, poll, json!({}), 200).await;
        let late = place
            .post(&rudi, &format!("{overtaken}/approve"), Value::Null, 409)
            .await;
        let detail = late["detail"].as_str().unwrap();
        assert!(
            detail.contains("while it was preparing, and it is polling now"),
            "{detail}"
        );
        assert!(place.orders().await.is_empty());

        let open = format!("{APPROVALS}?open=true");
        let open = answer(rudi.with(place.ask(Method::GET, &open)), Some(200)).await;
        assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
        let unknown = json!({ "action": "pad.launch", "command": {} });
        place.post(&alice, APPROVALS, unknown, 404).await;
        let malformed = json!({ "action": "launch.destroy", "command": { "rockett": "helios" } });
        place.post(&alice, APPROVALS, malformed, 400).await;
    })
    .await;
}

/// Whoever tries a hub alone destroys alone, and is told when that ends.
#[tokio::test]
async fn where_nobody_else_could_approve_one_person_destroys() {
    with_closed_hub(async |place| {
        place.rocket().await;
        let alice = place.user("alice", &["mission-commander"]).await;
        let asked = json!({
            "action": "launch.destroy",
            "command": { "rocket": "helios", "module": "booster" },
        });
        let refused = place.post(&alice, APPROVALS, asked, 409).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("fewer than two people"), "{detail}");
        let order = json!({ "order": "destroy", "id": "one" });
        let record = place.post(&alice, ORDERS, order.clone(), 200).await;
        assert_eq!(record["id"], "one");
        place.user("rudi", &["operator"]).await;
        // What was given is not given again, and needs nobody.
        place.post(&alice, ORDERS, order, 200).await;
        assert_eq!(place.orders().await.len(), 1);
        let path = "/api/v1/access/audit?action=launch.destroy";
        let audit = place.commander(Method::GET, path, Value::Null).await;
        assert!(
            audit.to_string().contains("nobody else could approve"),
            "{audit}"
        );
    })
    .await;
}
