//! The people that a directory names, and which destinations lead to them.
//!
//! A destination may lead to several: to itself as a queue's member, and to the agents whose phone
//! it is. Whoever it rings, none of them is free meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::person::{Person, PersonId};
use crate::clock::Instant;
use crate::flow;
use crate::model::{Agent, Directory, Endpoint, ReceivingNumber, Who};

#[derive(Default)]
pub(super) struct Roster {
    /// Everybody who was ever named, so that a person's number stays its own.
    ids: BTreeMap<Who, PersonId>,
    /// Those who are named now.
    members: BTreeMap<Who, Arc<Member>>,
    /// Whom a leg to a destination reaches, by the destination's name: itself, and whose phone it
    /// is. Destinations that lead to nobody of the desk's are left out.
    reached: BTreeMap<Arc<str>, Arc<[PersonId]>>,
    /// Whose phones an account's are.
    accounts: BTreeMap<Arc<str>, Arc<[PersonId]>>,
}

/// Somebody who can take a queue's calls.
#[derive(Debug)]
pub(super) struct Member {
    pub who: Who,
    /// All of these must be free.
    pub is: Arc<[PersonId]>,
    /// None of these is free while it is offered.
    pub rings: Arc<[PersonId]>,
    pub ways: Vec<Way>,
}

/// A destination that leads to somebody.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub to: Arc<ReceivingNumber>,
    /// The destination itself.
    pub person: PersonId,
}

/// Sets of people by a name.
type Groups = BTreeMap<Arc<str>, BTreeSet<PersonId>>;

/// The account whose phones a destination rings.
pub(super) fn account(to: &ReceivingNumber) -> Option<&Arc<str>> {
    match &to.endpoint {
        Endpoint::Client { account } => Some(account),
        Endpoint::Phone { .. } | Endpoint::Sip { .. } => None,
    }
}

impl Roster {
    /// Reads a directory. People who were known keep their numbers; new ones are added.
    pub fn read(&mut self, directory: &Directory, people: &mut Vec<Person>, now: Instant) {
        people.iter_mut().for_each(|it| it.lines.clear());
        let agents: Vec<(PersonId, &Agent, Vec<Arc<ReceivingNumber>>)> = directory
            .agents()
            .map(|it| {
                (self.id(agent(&it.id), people, now), &**it, flow::destinations(directory, it))
            })
            .collect();
        let mut numbers: BTreeMap<Arc<str>, Arc<ReceivingNumber>> =
            directory.receiving_numbers().map(|it| (Arc::clone(&it.id), Arc::clone(it))).collect();
        let (mut owners, mut accounts) = (Groups::new(), Groups::new());
        for (person, agent, ways) in &agents {
            for to in ways {
                owners.entry(Arc::clone(&to.id)).or_default().insert(*person);
                numbers.entry(Arc::clone(&to.id)).or_insert_with(|| Arc::clone(to));
            }
            for account in ways.iter().filter_map(|it| account(it)).chain(&agent.account) {
                accounts.entry(Arc::clone(account)).or_default().insert(*person);
            }
        }
        let members: BTreeSet<&Who> =
            directory.queues().flat_map(|it| &it.members).map(|it| &it.who).collect();
        // Destinations with the same phones are busy together.
        for (who, to) in members.iter().filter_map(|it| match it {
            Who::Number(number) => Some((*it, numbers.get(number)?)),
            Who::Agent(_) => None,
        }) {
            if let Some(account) = account(to) {
                let person = self.id(who.clone(), people, now);
                accounts.entry(Arc::clone(account)).or_default().insert(person);
            }
        }
        self.reached.clear();
        self.members.clear();
        for (name, to) in numbers {
            let who = Who::Number(Arc::clone(&name));
            let mut all = owners.remove(&name).unwrap_or_default();
            all.extend(account(&to).and_then(|it| accounts.get(it)).into_iter().flatten());
            // A line for several calls is not the phone of the one who is credited with them.
            let credited = to.agent.as_ref().filter(|_| room(&to) == 1);
            all.extend(credited.and_then(|it| self.ids.get(&agent(it))));
            if all.is_empty() && !members.contains(&who) {
                continue;
            }
            let person = self.id(who.clone(), people, now);
            people[person].room = room(&to);
            let is: Vec<_> =
                all.iter().copied().filter(|_| room(&to) == 1).chain([person]).collect();
            all.insert(person);
            let rings: Arc<[PersonId]> = all.into_iter().collect();
            let ways = vec![Way { to, person }];
            let member =
                Member { who: who.clone(), is: is.into(), rings: Arc::clone(&rings), ways };
            self.members.insert(who, Arc::new(member));
            self.reached.insert(name, rings);
        }
        for (person, agent, ways) in agents {
            self.add_agent(person, agent, ways);
        }
        let sets = accounts.into_iter().map(|(name, it)| (name, it.into_iter().collect()));
        self.accounts = sets.collect();
    }

    /// An agent as somebody who takes calls, once its destinations are known.
    fn add_agent(&mut self, person: PersonId, it: &Agent, ways: Vec<Arc<ReceivingNumber>>) {
        let reached = ways.iter().filter_map(|it| self.reached.get(&it.id));
        let rings: BTreeSet<PersonId> =
            reached.flat_map(|it| it.iter().copied()).chain([person]).collect();
        let ways = ways.into_iter().filter_map(|to| {
            let person = *self.ids.get(&Who::Number(Arc::clone(&to.id)))?;
            Some(Way { to, person })
        });
        let who = agent(&it.id);
        let member = Member {
            who: who.clone(),
            is: [person].into(),
            ways: ways.collect(),
            rings: rings.into_iter().collect(),
        };
        self.members.insert(who, Arc::new(member));
    }

    /// Somebody who takes calls, if the directory has it.
    pub fn member(&self, who: &Who) -> Option<&Arc<Member>> {
        self.members.get(who)
    }

    /// Whom a leg to this destination reaches.
    pub fn reached_by(&self, destination: &str) -> Option<Arc<[PersonId]>> {
        self.reached.get(destination).cloned()
    }

    /// Whose phones an account's are.
    pub fn of_account(&self, account: &str) -> Option<Arc<[PersonId]>> {
        self.accounts.get(account).cloned()
    }

    pub fn agent(&self, id: &str) -> Option<PersonId> {
        let who = agent(&id.into());
        self.members.get(&who).and(self.ids.get(&who)).copied()
    }

    fn id(&mut self, who: Who, people: &mut Vec<Person>, now: Instant) -> PersonId {
        *self.ids.entry(who).or_insert_with(|| {
            people.push(Person::new(now));
            people.len() - 1
        })
    }
}

fn agent(id: &Arc<str>) -> Who {
    Who::Agent(Arc::clone(id))
}

/// Calls that a destination can have at once: it is one person unless it says how many.
fn room(to: &ReceivingNumber) -> u32 {
    to.max_calls.unwrap_or(1)
}
