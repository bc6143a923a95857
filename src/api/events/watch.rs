//! Somebody who looks on, for as long as they may: an hour at most, and not when they have signed
//! out, were deleted or may less, or their key was taken back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::LIFE;
use super::feed::Feed;
use super::seats::Seat;
use crate::api::Api;
use crate::api::access::{Who, is_known_still};
use crate::model::event::Fact;

/// How often it is asked who still may.
const CHECK: Duration = Duration::from_secs(15);

pub struct Watch {
    api: Api,
    who: Who,
    feed: Feed,
    _seat: Seat,
    ends: Instant,
    check: Interval,
}

impl Watch {
    pub fn new(api: Api, who: Who, feed: Feed, seat: Seat) -> Self {
        Self::checked(api, who, feed, seat, CHECK)
    }

    fn checked(api: Api, who: Who, feed: Feed, seat: Seat, every: Duration) -> Self {
        #[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
        let now = Instant::now();
        let mut check = tokio::time::interval_at(now + every, every);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { api, who, feed, _seat: seat, ends: now + LIFE, check }
    }

    /// The next event; `None` when it is over. May be called off, and asked again.
    pub async fn next(&mut self) -> Option<Arc<Fact>> {
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.ends) => return None,
                _ = self.check.tick() => {
                    if !is_known_still(&self.api, &self.who).await {
                        return None;
                    }
                }
                fact = self.feed.next() => return fact,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use serde_json::{Value, json};

    use super::super::feed::Wanted;
    use super::*;
    use crate::api::access::{Role, Session, hash};
    use crate::api::rig::Rig;

    const EVERY: Duration = Duration::from_millis(20);

    async fn watch(rig: &Rig, who: Who) -> Watch {
        let feed = Feed::new(rig.api.clone(), Wanted::default()).await.unwrap();
        let seat = rig.api.live.seats.take(&who.user).unwrap();
        Watch::checked(rig.api.clone(), who, feed, seat, EVERY)
    }

    fn who(user: &str, role: Role) -> Who {
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (name, user) = (user.to_owned(), user.to_owned());
        Who { name, user, role, agent: None, session: None, key: None, source }
    }

    async fn goes_on(watch: &mut Watch) -> bool {
        tokio::time::timeout(10 * EVERY, watch.next()).await.is_err()
    }

    async fn is_over(watch: &mut Watch) -> bool {
        matches!(tokio::time::timeout(500 * EVERY, watch.next()).await, Ok(None))
    }

    #[tokio::test]
    async fn who_signs_out_or_is_deleted_looks_on_no_more() {
        let rig = Rig::start("watch").await;
        let admin = rig.admin().await;
        rig.user(&admin, "bob", "manager").await;
        let bob = rig.sign_in("bob").await;
        let token = bob.0[0].1.split_once('=').unwrap().1;
        let session = Some(Session { hash: hash(token), csrf: String::new() });
        let mut by_session = watch(&rig, Who { session, ..who("bob", Role::Manager) }).await;
        let mut by_name = watch(&rig, who("bob", Role::Manager)).await;
        let mut as_viewer = watch(&rig, who("bob", Role::Viewer)).await;
        for it in [&mut by_session, &mut by_name, &mut as_viewer] {
            assert!(goes_on(it).await);
        }
        assert_eq!(rig.ask(&bob, "DELETE /v1/session", Value::Null).await.status, 204);
        assert!(is_over(&mut by_session).await && goes_on(&mut by_name).await);
        let role = json!({"role": "viewer"});
        assert_eq!(rig.ask(&admin, "PUT /v1/users/bob", role).await.status, 200);
        assert!(is_over(&mut by_name).await, "it may less");
        assert!(goes_on(&mut as_viewer).await);
        assert_eq!(rig.ask(&admin, "DELETE /v1/users/bob", Value::Null).await.status, 204);
        assert!(is_over(&mut as_viewer).await);
    }

    #[tokio::test]
    async fn who_came_by_a_key_looks_on_until_it_is_taken_back() {
        let rig = Rig::start("watch-key").await;
        let admin = rig.admin().await;
        let made = rig.ask(&admin, "POST /v1/keys", json!({"name": "crm", "role": "viewer"})).await;
        let key = hash(made.json()["key"].as_str().unwrap());
        let mut by_key = watch(&rig, Who { key: Some(key), ..who("ada", Role::Viewer) }).await;
        assert!(goes_on(&mut by_key).await);
        let delete = format!("DELETE {}", made.header("location"));
        assert_eq!(rig.ask(&admin, &delete, Value::Null).await.status, 204);
        assert!(is_over(&mut by_key).await);
    }
}
