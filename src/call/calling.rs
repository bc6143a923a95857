//! A phone of ours calls: somebody of us, or a phone outside on its account (PRODUCT section 10).
//!
//! Such a call has no tracking number; what was dialled stands in its place, and the account is its
//! source. The `default` call settings say whether it is recorded (with the account's phone as the
//! caller), how it rings and how long it lasts; what they say to callers from outside (greeting,
//! notice, whisper) is not said. Who is rung has all of its own settings.

use std::sync::Arc;

use super::ending::end;
use super::entering::{follow, received};
use super::story::{Story, Turn};
use super::{Effect, Facts, Phase};
use crate::flow::{self, Barred, Plan, Reach};
use crate::model::event::What;
use crate::model::record::Direction;
use crate::model::{
    CallSettings, Caller, CallerId, Directory, ReceivingNumber, TrackingNumber, Whisper,
};

/// Takes an INVITE of this account's phone in, to anything but a tracking number.
pub(super) fn begin(
    user: &Arc<str>,
    mut facts: Facts,
    directory: Arc<Directory>,
    turn: &mut Turn<'_>,
) -> (Story, Phase) {
    let account = directory.account(user);
    let reach = flow::reach(&directory, &facts.dialled, account.map(|it| &**it));
    let asked = facts.caller.clone();
    // Who calls is who has proved it, whatever its From says.
    facts.caller.number = user.to_string();
    let number = Arc::new(dialled_by(user, &facts.dialled, &directory));
    let record = received(&facts, &number, turn);
    let mut story = Story::new(record, facts, directory, number);
    story.record.direction = match reach {
        Ok(Reach::Outside { .. }) | Err(Barred::NotAllowed) => Direction::Outbound,
        Ok(Reach::Inside(_) | Reach::Tracking(_)) | Err(_) => Direction::Internal,
    };
    let tracking_number = Arc::clone(&story.record.tracking_number);
    let caller = story.record.caller.clone();
    story.note(What::Received { tracking_number, caller }, turn);
    turn.say(Effect::Journal(Box::new(story.record.clone())));
    let phase = match reach.and_then(|it| plan(it, user, &asked, &mut story, turn)) {
        Ok(plan) => follow(plan, &mut story, turn),
        Err(barred) => end(&mut story, barred.cause(), turn),
    };
    (story, phase)
}

/// Whom it rings, once it may.
fn plan(
    reach: Reach,
    user: &Arc<str>,
    asked: &Caller,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Result<Plan, Barred> {
    let to = match reach {
        Reach::Tracking(_) => return Err(Barred::Unknown),
        Reach::Inside(to) => to,
        Reach::Outside { to, rules } => {
            let shown = flow::shown(&rules, asked)?;
            let left = flow::may_spend(&rules, &story.facts.spent)?;
            story.spend(Arc::clone(user), left, turn);
            Arc::new(ReceivingNumber { caller_id: Some(shown), ..(*to).clone() })
        }
    };
    let route = format!("call to {}", to.id);
    story.step(route.clone(), turn);
    story.note(What::RouteEntered { route }, turn);
    Ok(story.draw(turn.desk, |_, draw| flow::plan_one(to, turn.now.wall, draw)))
}

/// What stands where the tracking number of other calls does.
fn dialled_by(user: &str, dialled: &str, directory: &Directory) -> TrackingNumber {
    let settings = directory.call_settings("default").map(|it| (**it).clone());
    let settings = CallSettings {
        greeting: None,
        recording_notice: None,
        whisper: Whisper::Nothing,
        caller_id: CallerId::default(),
        ..settings.unwrap_or_else(|| CallSettings::new("default"))
    };
    TrackingNumber {
        number: dialled.into(),
        label: String::new(),
        source: user.to_owned(),
        route: None,
        settings: Arc::new(settings),
        fail_safe: None,
        keep_recordings: None,
        tags: Vec::new(),
    }
}
