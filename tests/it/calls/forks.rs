//! Orders of a fork: who rings when, and what happens when some are lost.

use crosspoint::call::Facts;
use crosspoint::desk;
use crosspoint::model::event::What;
use crosspoint::model::{Order, ReceivingNumber, Route, VoiceMenu};

use super::scene::Scene;
use super::town::{TRACKING, Told, Town, dial, keys, number, prompt, seconds, staged};

fn three() -> [ReceivingNumber; 3] {
    ["one", "two", "three"].map(|it| number(it).rings_for(seconds(20)))
}

fn rung(names: &[(&str, u128)]) -> Vec<(String, u128)> {
    names.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect()
}

fn facts() -> Facts {
    Facts { call: "c1".into(), dialled: TRACKING.into(), ..Facts::default() }
}

#[test]
fn all_ring_at_once_and_the_call_ends_with_the_best_of_their_outcomes() {
    let mut scene = Scene::begin(&Town::new(three()));
    assert_eq!(scene.rung(), rung(&[("one", 0), ("two", 0), ("three", 0)]));
    scene.refuses("one", 404).refuses("two", 486).wait(seconds(20));
    assert_eq!(scene.caller_was(), "refused 486 busy");
    scene.ends();
}

#[test]
fn a_sequence_moves_on_when_a_leg_is_lost_in_any_way() {
    let town = Town::new(three()).dialling(Order::Sequence, &["one", "two", "three"]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(20));
    scene.wait(seconds(2)).refuses("two", 500);
    assert_eq!(scene.rung(), rung(&[("one", 0), ("two", 20_000), ("three", 22_000)]));
    scene.answers("three");
    assert_eq!(scene.connected().as_deref(), Some("three"));
}

#[test]
fn a_sequence_moves_on_when_a_person_declines() {
    let [one, two, _] = three();
    let town = Town::new([one.accepting('1'), two]);
    let mut scene = Scene::begin(&town.dialling(Order::Sequence, &["one", "two"]));
    scene.answers("one").wait(seconds(1)).presses("one", "9");
    assert_eq!(scene.rung(), rung(&[("one", 0), ("two", 1000)]));
}

#[test]
fn a_delay_in_a_sequence_counts_from_the_loss_of_the_one_before() {
    let [one, two, _] = three();
    let town = Town::new([one, two.delayed(seconds(4))]);
    let mut scene = Scene::begin(&town.dialling(Order::Sequence, &["one", "two"]));
    scene.wait(seconds(1)).refuses("one", 486).wait(seconds(10));
    assert_eq!(scene.rung(), rung(&[("one", 0), ("two", 5000)]));
}

#[test]
fn a_round_robin_starts_one_further_at_each_call_and_goes_round() {
    let town = Town::new(three()).dialling(Order::RoundRobin, &["one", "two", "three"]);
    let mut scene = Scene::with(&town, Facts { rotation: 7, ..facts() });
    scene.refuses("two", 486).refuses("three", 486).refuses("one", 486);
    assert_eq!(scene.rung(), rung(&[("two", 0), ("three", 0), ("one", 0)]));
    scene.ends();
}

#[test]
fn the_least_connected_is_tried_first() {
    let town = Town::new(three()).dialling(Order::LeastConnected, &["one", "two", "three"]);
    let mut scene = Scene::beside(&town, facts(), &[("one", 2), ("two", 1)]);
    scene.refuses("three", 486).refuses("two", 486);
    assert_eq!(scene.rung(), rung(&[("three", 0), ("two", 0), ("one", 0)]));
}

#[test]
fn weights_decide_who_is_first() {
    let [mut one, mut two, mut three] = three();
    (one.weight, two.weight, three.weight) = (0, 0, 1);
    let town = Town::new([one, two, three]).dialling(Order::Weighted, &["one", "two", "three"]);
    for random in 0..20 {
        let scene = Scene::with(&town, Facts { random, ..facts() });
        assert_eq!(scene.rung(), rung(&[("three", 0)]));
    }
}

#[test]
fn a_destination_at_its_limit_of_calls_counts_as_busy() {
    let mut one = number("one").when_busy(dial(Order::Simultaneous, &["two"]));
    one.max_calls = Some(1);
    let town = Town::new([one, number("two")]).dialling(Order::Simultaneous, &["one"]);
    let mut scene = Scene::beside(&town, facts(), &[("one", 1)]);
    assert_eq!(scene.rung(), rung(&[("two", 0)]));
    scene.hangs_up("caller").ends();
}

/// A menu whose key 1 leads there.
fn behind_a_menu(town: Town, to: &Route) -> Town {
    let keys = [(keys("1"), to.clone())].into_iter().collect();
    let menu = VoiceMenu { keys, ..VoiceMenu::new("main", prompt("press")) };
    town.routed(Some(Route::VoiceMenu("main".into()))).with(|it| it.voice_menus = vec![menu])
}

#[test]
fn a_limit_of_calls_is_read_when_the_dial_is_entered_and_counts_who_only_rings() {
    let mut one = number("one").when_busy(dial(Order::Simultaneous, &["two"]));
    one.max_calls = Some(1);
    let town = Town::new([one, number("two")]);
    let town = behind_a_menu(town, &dial(Order::Simultaneous, &["one"]));
    let mut scene = Scene::with(&town, facts());
    scene.wait(seconds(3));
    // Another call comes to it while the caller listens to the menu.
    let what = What::LegDialing { leg: 1, destination: "one".into() };
    scene.desk.hears(desk::Caller(7), &what, scene.now, &mut Vec::new());
    scene.presses("caller", "1");
    assert_eq!(scene.rung(), rung(&[("two", 3000)]));
    scene.hangs_up("caller").ends();
}

#[test]
fn the_least_connected_is_tried_first_behind_a_menu_too() {
    let town = behind_a_menu(Town::new(three()), &dial(Order::LeastConnected, &["one", "two"]));
    let mut scene = Scene::beside(&town, facts(), &[("one", 1)]);
    scene.presses("caller", "1");
    assert_eq!(scene.rung(), rung(&[("two", 0)]));
    scene.hangs_up("caller").ends();
}

#[test]
fn a_call_is_not_in_its_own_way_when_its_route_comes_back() {
    let mut one = number("one").rings_for(seconds(5)).then(dial(Order::Sequence, &["one"]));
    one.max_calls = Some(1);
    let mut scene = Scene::with(&Town::new([one]), facts());
    scene.wait(seconds(5));
    assert_eq!(scene.rung(), rung(&[("one", 0), ("one", 5000)]));
    scene.hangs_up("caller").ends();
}

#[test]
fn stages_add_legs_without_ringing_the_first_again() {
    let stages = staged(&[(0, &["one"]), (15, &["two", "three"])]);
    let mut scene = Scene::begin(&Town::new(three()).routed(Some(stages)));
    scene.wait(seconds(15));
    assert_eq!(scene.rung(), rung(&[("one", 0), ("two", 15_000), ("three", 15_000)]));
    scene.wait(seconds(5));
    assert_eq!(scene.let_go("one"), Some(("no_answer".to_owned(), 20_000)));
    assert_eq!(scene.let_go("two"), None);
    scene.wait(seconds(15));
    assert_eq!(scene.let_go("three"), Some(("no_answer".to_owned(), 35_000)));
    assert_eq!(scene.caller_was(), "refused 480 no_answer");
    scene.ends();
}

#[test]
fn a_stage_joins_at_once_when_all_before_it_are_lost() {
    let stages = staged(&[(0, &["one"]), (15, &["two"]), (25, &["three"])]);
    let mut scene = Scene::begin(&Town::new(three()).routed(Some(stages)));
    scene.wait(seconds(1)).refuses("one", 486).wait(seconds(30));
    assert_eq!(scene.rung(), rung(&[("one", 0), ("two", 1000), ("three", 21_000)]));
}

#[test]
fn a_leg_in_its_script_holds_a_later_stage_to_its_time() {
    let [one, two, _] = three();
    let stages = staged(&[(0, &["one"]), (15, &["two"])]);
    let town = Town::new([one.accepting('1'), two]).routed(Some(stages));
    let mut scene = Scene::begin(&town);
    scene.answers("one").wait(millis_before(15));
    assert_eq!(scene.rung().len(), 1);
    scene.wait(seconds(1));
    assert_eq!(scene.rung()[1], ("two".to_owned(), 15_000));
}

#[test]
fn a_delayed_leg_joins_the_ringing_fork() {
    let [one, two, three] = three();
    let town = Town::new([one, two.delayed(seconds(5)), three.delayed(seconds(10))]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(7)).answers("two").wait(seconds(10));
    assert_eq!(scene.rung(), rung(&[("one", 0), ("two", 5000)]));
    assert_eq!(scene.let_go("one"), Some(("completed_elsewhere".to_owned(), 7000)));
    scene.hangs_up("two").ends();
    assert_eq!(scene.caller_was(), "released normal");
}

fn millis_before(seconds: u64) -> std::time::Duration {
    super::town::millis(seconds * 1000 - 1)
}
