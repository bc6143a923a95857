//! Agents: the destinations that ring them, and who is credited (PRODUCT sections 2 and 10).

use std::sync::Arc;

use crate::model::{Agent, Directory, Endpoint, ReceivingNumber};

/// What rings an agent: its receiving numbers, in list order, then its account's phones. Each has
/// its own settings; an account that no receiving number leads to rings with every setting at its
/// default. Calls they take are credited to the agent, and calls that nobody takes are its leads,
/// unless the receiving number itself names somebody else.
pub fn destinations(directory: &Directory, agent: &Agent) -> Vec<Arc<ReceivingNumber>> {
    let mut found: Vec<Arc<ReceivingNumber>> = Vec::with_capacity(agent.numbers.len() + 1);
    for id in &agent.numbers {
        if let Some(number) = directory.receiving_number(id)
            && !found.iter().any(|it| it.id == number.id)
        {
            found.push(Arc::clone(number));
        }
    }
    if let Some(account) = &agent.account {
        let theirs = |it: &ReceivingNumber| matches!(&it.endpoint, Endpoint::Client { account: of } if of == account);
        if !found.iter().any(|it| theirs(it)) {
            let mut known = directory.receiving_numbers();
            // Somebody else's settings for a shared phone are not this agent's.
            let number =
                known.find(|it| theirs(it) && it.agent.as_ref().is_none_or(|of| *of == agent.id));
            let vetoed =
                || directory.receiving_numbers().any(|it| theirs(it) && it.prevent_recording);
            found.push(number.cloned().unwrap_or_else(|| {
                // But nobody is recorded by another name who must not be by one.
                let prevent_recording = vetoed();
                Arc::new(ReceivingNumber { prevent_recording, ..plain(account) })
            }));
        }
    }
    for number in &mut found {
        if number.agent.is_none() || number.lead_owner.is_none() {
            let number = Arc::make_mut(number);
            number.agent.get_or_insert_with(|| Arc::clone(&agent.id));
            number.lead_owner.get_or_insert_with(|| Arc::clone(&agent.id));
        }
    }
    found
}

/// The phones of an account, with every setting at its default.
fn plain(account: &Arc<str>) -> ReceivingNumber {
    let endpoint = Endpoint::Client { account: Arc::clone(account) };
    ReceivingNumber::new(&format!("client:{account}"), endpoint)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::directory::Parts;

    fn number(id: &str) -> ReceivingNumber {
        ReceivingNumber::new(id, Endpoint::Sip { uri: format!("sip:{id}@192.0.2.1").into() })
    }

    fn desk(id: &str, account: &str) -> ReceivingNumber {
        ReceivingNumber::new(id, Endpoint::Client { account: account.into() })
    }

    fn ann() -> Agent {
        Agent {
            numbers: vec!["mobile".into(), "gone".into(), "mobile".into()],
            account: Some("ann".into()),
            ..Agent::new("Ann")
        }
    }

    fn found(numbers: Vec<ReceivingNumber>, agent: &Agent) -> Vec<ReceivingNumber> {
        let directory = Directory::new(Parts { receiving_numbers: numbers, ..Parts::default() });
        destinations(&directory, agent).iter().map(|it| (**it).clone()).collect()
    }

    #[test]
    fn an_agents_numbers_and_its_accounts_phones_ring() {
        let found = found(vec![number("mobile")], &ann());
        let ids: Vec<_> = found.iter().map(|it| &*it.id).collect();
        assert_eq!(ids, ["mobile", "client:ann"]);
        assert_eq!(found[1].endpoint, Endpoint::Client { account: "ann".into() });
        for it in found {
            assert_eq!(it.agent.as_deref(), Some("Ann"));
            assert_eq!(it.lead_owner.as_deref(), Some("Ann"));
        }
        assert_eq!(destinations(&Directory::default(), &Agent::new("Bob")), []);
    }

    #[test]
    fn an_accounts_own_receiving_number_brings_its_settings() {
        let slow = |mut it: ReceivingNumber| {
            it.no_answer.timeout = Duration::from_secs(9);
            it
        };
        let all = found(vec![number("mobile"), slow(desk("desk", "ann"))], &ann());
        assert_eq!((&*all[1].id, all[1].no_answer.timeout.as_secs()), ("desk", 9));
        let listed = Agent { numbers: vec!["desk".into()], ..ann() };
        assert_eq!(found(vec![slow(desk("desk", "ann"))], &listed).len(), 1);
        let mut shared = slow(desk("front", "ann"));
        shared.agent = Some("Bob".into());
        assert_eq!(&*found(vec![shared.clone()], &ann())[0].id, "client:ann");
        assert!(!found(vec![shared.clone()], &ann())[0].prevent_recording);
        shared.prevent_recording = true;
        assert!(found(vec![shared], &ann())[0].prevent_recording, "by whatever name");
    }

    #[test]
    fn a_receiving_number_that_names_somebody_keeps_to_it() {
        let mut mobile = number("mobile");
        mobile.agent = Some("Bob".into());
        mobile.lead_owner = Some("Cyd".into());
        let found = found(vec![mobile], &ann());
        assert_eq!(found[0].agent.as_deref(), Some("Bob"));
        assert_eq!(found[0].lead_owner.as_deref(), Some("Cyd"));
    }
}
