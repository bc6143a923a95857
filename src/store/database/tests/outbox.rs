//! Deliveries.

use super::world::{at, batch, fact};
use crate::outbox::{Count, Delivery, New, Settled, State};
use crate::store::database::{Batch, Store};

fn news(call: &str, seq: u32, webhooks: &[&str]) -> (Batch, Vec<New>) {
    let new = |webhook: &&str| New {
        webhook: (*webhook).into(),
        call: call.into(),
        seq,
        event: "leg.ringing".into(),
        body: format!("{{\"call\":\"{call}\",\"seq\":{seq}}}").into(),
        queued_at: at(seq.into()),
    };
    let deliveries: Vec<_> = webhooks.iter().map(new).collect();
    let batch =
        Batch { deliveries: deliveries.clone(), ..batch(Vec::new(), vec![fact(call, seq, 1)]) };
    (batch, deliveries)
}

async fn waiting(store: &dyn Store, webhook: Option<&str>) -> Vec<Delivery> {
    store.deliveries(webhook, State::Waiting, 0, 0).await.unwrap()
}

fn keys(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|it| format!("{} {}", it.webhook, it.key())).collect()
}

pub async fn deliveries_come_in_the_order_of_their_facts(store: &dyn Store) {
    for seq in 1..=3 {
        for call in ["a", "b"] {
            store.ingest(&news(call, seq, &["crm", "log"]).0).await.unwrap();
        }
    }
    let crm = waiting(store, Some("crm")).await;
    assert_eq!(keys(&crm), ["crm a.1", "crm b.1", "crm a.2", "crm b.2", "crm a.3", "crm b.3"]);
    assert!(crm.windows(2).all(|it| it[0].id < it[1].id));
    let first = Delivery {
        id: crm[0].id,
        webhook: "crm".into(),
        call: "a".into(),
        seq: 1,
        event: "leg.ringing".into(),
        body: "{\"call\":\"a\",\"seq\":1}".into(),
        queued_at: at(1),
        attempts: 0,
        due: at(1),
        why: String::new(),
    };
    assert_eq!(crm[0], first);
    assert_eq!(waiting(store, None).await.len(), 12);
    let rest = store.deliveries(Some("crm"), State::Waiting, crm[1].id, 2).await.unwrap();
    assert_eq!(rest, crm[2..4]);
    assert_eq!(waiting(store, Some("nobody")).await, []);
    let count = |webhook: &str| Count { webhook: webhook.into(), waiting: 6, dead: 0 };
    assert_eq!(store.delivery_counts().await.unwrap(), [count("crm"), count("log")]);
}

pub async fn a_fact_that_was_known_queues_nothing(store: &dyn Store) {
    let (mut first, _) = news("a", 1, &["crm"]);
    // A delivery whose fact is not there is none.
    first.deliveries.extend(news("a", 2, &["crm"]).1);
    store.ingest(&first).await.unwrap();
    assert_eq!(keys(&waiting(store, None).await), ["crm a.1"]);
    let id = waiting(store, None).await[0].id;
    store.settle(&[(id, Settled::Delivered)]).await.unwrap();
    store.ingest(&first).await.unwrap();
    assert_eq!(waiting(store, None).await, []);
}

pub async fn what_is_settled_goes_waits_or_is_dead(store: &dyn Store) {
    for seq in 1..=3 {
        store.ingest(&news("a", seq, &["crm"]).0).await.unwrap();
    }
    let ids: Vec<_> = waiting(store, None).await.iter().map(|it| it.id).collect();
    let retry = Settled::Retry { attempts: 2, due: at(77), why: "503".to_owned() };
    let dead = Settled::Dead { attempts: 9, why: "gone".to_owned() };
    let settled =
        [(ids[0], Settled::Delivered), (ids[1], retry), (ids[2], dead), (999, Settled::Delivered)];
    store.settle(&settled).await.unwrap();
    let left = waiting(store, None).await;
    assert_eq!(keys(&left), ["crm a.2"]);
    assert_eq!((left[0].attempts, left[0].due, left[0].why.as_str()), (2, at(77), "503"));
    let dead = store.deliveries(None, State::Dead, 0, 10).await.unwrap();
    assert_eq!(keys(&dead), ["crm a.3"]);
    assert_eq!((dead[0].attempts, dead[0].why.as_str()), (9, "gone"));
    let count = Count { webhook: "crm".into(), waiting: 1, dead: 1 };
    assert_eq!(store.delivery_counts().await.unwrap(), [count]);
    assert!(store.revive(ids[2], at(80)).await.unwrap());
    assert!(!store.revive(ids[2], at(80)).await.unwrap());
    assert!(!store.revive(ids[0], at(80)).await.unwrap());
    let revived = waiting(store, None).await.pop().unwrap();
    assert_eq!((revived.attempts, revived.due, revived.why.as_str()), (0, at(80), ""));
    assert_eq!(revived.queued_at, at(80), "it is not given up at once for its age");
}

pub async fn what_nobody_will_send_is_forgotten_with_its_events(store: &dyn Store) {
    const DAY: i64 = 24 * 3600;
    for seq in 1..=4 {
        store.ingest(&news("a", seq, &["crm"]).0).await.unwrap();
    }
    let ids: Vec<_> = waiting(store, None).await.iter().map(|it| it.id).collect();
    let dead = |id| (id, Settled::Dead { attempts: 9, why: "gone".to_owned() });
    store.settle(&[dead(ids[0]), dead(ids[3])]).await.unwrap();
    // Those before the fourth; what waits may still be sent.
    store.forget_facts(at(4), 100).await.unwrap();
    assert_eq!(keys(&store.deliveries(None, State::Dead, 0, 9).await.unwrap()), ["crm a.4"]);
    assert_eq!(keys(&waiting(store, None).await), ["crm a.2", "crm a.3"]);
    // Nobody is tried for longer than a month: there is no such webhook.
    store.forget_facts(at(30 * DAY + 3), 100).await.unwrap();
    assert_eq!(keys(&waiting(store, None).await), ["crm a.3"]);
    assert_eq!(store.delivery_counts().await.unwrap().len(), 1);
    for day in 31..33 {
        store.forget_facts(at(day * DAY), 100).await.unwrap();
    }
    assert_eq!(store.delivery_counts().await.unwrap(), []);
}
