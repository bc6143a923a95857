//! How many may look on at once: all together, and each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api::{Answer, Problem};

/// Connections in all, and of one user.
const ALL: usize = 200;
const EACH: usize = 20;

/// Who looks on.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    taken: Arc<Mutex<BTreeMap<String, usize>>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    user: String,
}

impl Seats {
    pub fn take(&self, user: &str) -> Answer<Seat> {
        let mut taken = self.lock();
        if ALL <= taken.values().sum() {
            return Err(Problem::unavailable("too many look on at once").retry_after(10));
        }
        let theirs = taken.entry(user.to_owned()).or_default();
        if EACH <= *theirs {
            let detail = format!("{user} looks on {EACH} times already");
            return Err(Problem::too_often(detail).retry_after(10));
        }
        *theirs += 1;
        Ok(Seat { seats: self.clone(), user: user.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if let Some(theirs) = taken.get_mut(&self.user) {
            *theirs = theirs.saturating_sub(1);
            if *theirs == 0 {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_may_look_on_and_not_one_more_until_one_goes() {
        let seats = Seats::default();
        let mut held: Vec<_> = (0..EACH).map(|_| seats.take("ada").unwrap()).collect();
        assert!(seats.take("ada").is_err());
        held.pop();
        held.push(seats.take("ada").unwrap());
        for n in 0..(ALL - EACH) {
            held.push(seats.take(&format!("user {}", n / EACH)).unwrap());
        }
        assert!(seats.take("eve").is_err());
        held.clear();
        assert!(seats.lock().is_empty());
    }
}
