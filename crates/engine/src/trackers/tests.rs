//! The announce schedule, tracker by tracker and second by second.

use super::*;
use AnnounceEvent::{Completed, Regular, Started, Stopped};

fn trackers(tiers: &[&[&str]]) -> Trackers {
    let tiers: Vec<Vec<String>> =
        tiers.iter().map(|tier| tier.iter().map(ToString::to_string).collect()).collect();
    Trackers::new(&tiers, &mut Rng::new(1))
}

fn at(s: u64) -> Instant {
    Instant::from_millis(s * 1000)
}

fn every(s: u64) -> Result<AnnounceAnswer, String> {
    Ok(AnnounceAnswer { interval: Duration::from_secs(s), ..AnnounceAnswer::default() })
}

fn refused() -> Result<AnnounceAnswer, String> {
    Err("it is down".into())
}

/// Polls at `s` and answers; gives the address that was asked and the event.
fn ask(trackers: &mut Trackers, s: u64, answer: &Result<AnnounceAnswer, String>) -> (String, AnnounceEvent) {
    let (key, event) = trackers.poll(at(s), false).expect("an announce is due");
    assert_eq!(trackers.poll(at(s), false), None, "one at a time");
    assert!(trackers.handle_answer(&Config::default(), at(s), key, answer));
    (trackers.url(key).to_string(), event)
}

#[test]
fn the_first_announce_is_started_and_the_next_ones_keep_the_interval() {
    let mut one = trackers(&[&["a"]]);
    assert_eq!((one.poll(at(0), true), one.next_at(true)), (None, None), "not before the start");
    one.start(at(5));
    assert_eq!(ask(&mut one, 5, &every(1800)).1, Started);
    assert_eq!(one.next_at(false), Some(at(1805)));
    assert_eq!(one.poll(at(1804), false), None);
    assert_eq!(ask(&mut one, 1805, &every(0)).1, Regular);
    assert_eq!(one.next_at(false), Some(at(1835)), "never sooner than the shortest interval");
}

#[test]
fn wanting_peers_asks_sooner_but_not_below_the_trackers_minimum() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    let answer = AnnounceAnswer {
        interval: Duration::from_secs(1800),
        min_interval: Some(Duration::from_secs(60)),
        ..AnnounceAnswer::default()
    };
    ask(&mut one, 0, &Ok(answer));
    assert_eq!((one.next_at(true), one.next_at(false)), (Some(at(60)), Some(at(1800))));
}

#[test]
fn tiers_are_tried_in_order_and_success_moves_to_the_front_of_its_tier() {
    let mut many = trackers(&[&["a1", "a2", "a3"], &["b1"]]);
    many.start(at(0));
    let first = ask(&mut many, 0, &refused()).0;
    let second = ask(&mut many, 0, &every(100)).0;
    assert!(first.starts_with('a') && second.starts_with('a') && first != second);
    assert_eq!(ask(&mut many, 100, &every(100)), (second.clone(), Regular));
    // Now all of the first tier fail.
    let tried: Vec<String> = (0..3).map(|_| ask(&mut many, 200, &refused()).0).collect();
    assert_eq!(tried[0], second);
    assert_eq!(ask(&mut many, 200, &every(100)), ("b1".into(), Started));
}

#[test]
fn a_failing_tracker_is_left_alone_twice_as_long_each_time() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..12 {
        ask(&mut one, now, &refused());
        let next = one.next_at(true).expect("it is tried again").micros() / 1_000_000;
        waits.push(next - now);
        now = next;
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800]);
    assert_eq!(one.snapshots(false)[0].error.as_deref(), Some("it is down"));
    ask(&mut one, now, &every(60));
    assert_eq!(one.snapshots(false)[0].error, None);
}

#[test]
fn a_tracker_that_says_nothing_is_not_waited_for() {
    let mut two = trackers(&[&["a"], &["b"]]);
    two.start(at(0));
    let (silent, _) = two.poll(at(0), true).expect("started");
    assert_eq!((two.poll(at(9), true), two.next_at(true)), (None, Some(at(10))));
    let (other, event) = two.poll(at(10), true).expect("the next one is asked beside it");
    assert_eq!((two.url(silent), two.url(other), event), ("a", "b", Started));
    assert_eq!((two.poll(at(30), true), two.next_at(true)), (None, None), "there is nobody else");
    assert!(two.handle_answer(&Config::default(), at(31), other, &every(1800)));
    assert_eq!(two.next_at(false), Some(at(1831)), "the silent one is asked already");
    assert!(two.handle_answer(&Config::default(), at(45), silent, &refused()));
    assert_eq!(two.next_at(false), Some(at(1831)));
}

#[test]
fn a_silent_tracker_does_not_keep_others_from_hearing_that_we_leave() {
    let mut two = trackers(&[&["a"], &["b"]]);
    two.start(at(0));
    ask(&mut two, 0, &refused());
    assert_eq!(ask(&mut two, 0, &every(60)), ("b".into(), Started));
    let (silent, _) = two.poll(at(60), false).expect("the first tier again");
    assert_eq!(two.url(silent), "a");
    two.stop();
    let (told, event) = two.poll(at(61), false).expect("the other one is told");
    assert_eq!((two.url(told), event), ("b", Stopped));
    assert_eq!((two.poll(at(61), false), two.next_at(false)), (None, None));
}

#[test]
fn a_start_ends_the_back_off() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    for now in [0, 5, 15, 35] {
        ask(&mut one, now, &refused());
    }
    one.stop();
    one.start(at(36));
    ask(&mut one, 36, &refused());
    assert_eq!(one.next_at(false), Some(at(41)), "and begins with the shortest wait again");
}

#[test]
fn a_warning_is_shown_until_the_next_answer() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    let warning = Some("your client is old".to_owned());
    ask(&mut one, 0, &Ok(AnnounceAnswer { warning, ..AnnounceAnswer::default() }));
    assert_eq!(one.snapshots(false)[0].error.as_deref(), Some("the tracker warns: your client is old"));
    ask(&mut one, 30, &every(60));
    assert_eq!(one.snapshots(false)[0].error, None);
}

#[test]
fn completion_is_told_at_once_and_once() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    ask(&mut one, 0, &every(1800));
    one.completed(at(10));
    assert_eq!(one.next_at(false).map(|due| due <= at(10)), Some(true));
    assert_eq!(ask(&mut one, 10, &refused()).1, Completed);
    assert_eq!(one.next_at(false), Some(at(15)));
    assert_eq!(ask(&mut one, 15, &every(1800)).1, Completed);
    assert_eq!(ask(&mut one, 1815, &every(1800)).1, Regular);
}

#[test]
fn leaving_is_told_to_who_knows_us_even_if_it_learns_of_us_late() {
    let mut one = trackers(&[&["a", "b"]]);
    one.start(at(0));
    let (key, _) = one.poll(at(0), false).expect("started");
    one.stop();
    assert_eq!(one.poll(at(1), false), None, "the first announce is still under way");
    one.handle_answer(&Config::default(), at(2), key, &every(60));
    assert_eq!(one.poll(at(2), false), Some((key, Stopped)));
    one.handle_answer(&Config::default(), at(3), key, &refused());
    assert_eq!((one.poll(at(4), false), one.next_at(false)), (None, None), "told once");
    one.start(at(5));
    assert_eq!(ask(&mut one, 5, &every(60)).1, Started);
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut one = trackers(&[&["a"]]);
    assert!(!one.handle_answer(&Config::default(), at(0), TrackerKey(0), &every(1)));
    assert!(!one.handle_answer(&Config::default(), at(0), TrackerKey(9), &every(1)));
}

/// The trackers in the order in which they are tried now, which is at random within a tier.
fn order(trackers: &Trackers) -> Vec<String> {
    trackers.order.iter().map(|key| trackers.url(*key).to_owned()).collect()
}

/// Announces at `s`; trackers in `up` answer. Gives those that were tried, in their order.
fn announce(trackers: &mut Trackers, s: u64, up: &[&str]) -> Vec<String> {
    let mut tried = Vec::new();
    loop {
        let (key, _) = trackers.poll(at(s), false).expect("an announce is due");
        let url = trackers.url(key).to_owned();
        let is_up = up.contains(&url.as_str());
        let result = if is_up { every(100) } else { refused() };
        assert!(trackers.handle_answer(&Config::default(), at(s), key, &result));
        tried.push(url);
        if is_up {
            return tried;
        }
    }
}

#[test]
fn bep_12_first_example_backups_are_asked_in_order_on_each_announce() {
    let mut list = trackers(&[&["tracker1"], &["backup1"], &["backup2"]]);
    list.start(at(0));
    for s in [0, 100, 200] {
        assert_eq!(announce(&mut list, s, &["backup2"]), ["tracker1", "backup1", "backup2"]);
    }
}

#[test]
fn bep_12_second_example_who_answers_goes_to_the_front_of_its_tier() {
    let mut list = trackers(&[&["x", "y", "z"]]);
    let shuffled = order(&list);
    let [t1, t2, t3] = &shuffled[..] else { panic!("three trackers") };
    list.start(at(0));
    assert_eq!(announce(&mut list, 0, &[t2]), [t1.clone(), t2.clone()]);
    assert_eq!(order(&list), [t2.clone(), t1.clone(), t3.clone()]);
    assert_eq!(announce(&mut list, 100, &[t3]), [t2.clone(), t1.clone(), t3.clone()]);
    assert_eq!(order(&list), [t3.clone(), t2.clone(), t1.clone()]);
    assert_eq!(announce(&mut list, 200, &[t3, t2]), std::slice::from_ref(t3));
}

#[test]
fn bep_12_third_example_a_tier_is_tried_whole_before_the_next() {
    let mut list = trackers(&[&["tracker1", "tracker2"], &["backup1"]]);
    let first_tier = order(&list)[..2].to_vec();
    list.start(at(0));
    for s in [0, 100] {
        let tried = announce(&mut list, s, &["backup1"]);
        assert_eq!((&tried[..2], tried[2].as_str()), (&first_tier[..], "backup1"));
    }
}

#[test]
fn tiers_are_shuffled_within_and_never_across() {
    let tiers = [vec!["a1".to_owned(), "a2".to_owned(), "a3".to_owned()], vec!["b".to_owned()]];
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let order = order(&Trackers::new(&tiers, &mut Rng::new(seed)));
        assert_eq!(order[3], "b");
        seen.insert(order);
    }
    assert_eq!(seen.len(), 6, "every order of three comes about");
}

#[test]
fn what_a_tracker_calls_us_is_kept_until_it_says_otherwise() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    let named = |id: Option<&[u8]>| {
        Ok(AnnounceAnswer { tracker_id: id.map(<[u8]>::to_vec), ..AnnounceAnswer::default() })
    };
    assert_eq!(one.tracker_id(TrackerKey(0)), None);
    ask(&mut one, 0, &named(Some(b"7")));
    ask(&mut one, 30, &named(None));
    assert_eq!(one.tracker_id(TrackerKey(0)), Some(&b"7"[..]));
    ask(&mut one, 60, &named(Some(b"8")));
    assert_eq!(one.tracker_id(TrackerKey(0)), Some(&b"8"[..]));
}

#[test]
fn a_tracker_that_answers_is_scraped_at_most_once_in_the_scrape_interval() {
    let mut one = trackers(&[&["a"]]);
    let config = Config::default();
    one.start(at(0));
    assert_eq!(one.poll_scrape(&config, at(0)), None, "not before it has answered");
    ask(&mut one, 0, &every(600));
    assert_eq!(one.poll_scrape(&config, at(0)), Some(TrackerKey(0)));
    assert_eq!(one.poll_scrape(&config, at(0)), None);
    let counts = ScrapeAnswer { complete: 3, downloaded: 20, incomplete: 9 };
    one.handle_scrape(TrackerKey(0), &Ok(counts));
    let shown = &one.snapshots(false)[0];
    assert_eq!((shown.complete, shown.downloaded, shown.incomplete), (Some(3), Some(20), Some(9)));
    for (s, expected) in [(600, None), (1200, None), (1800, Some(TrackerKey(0)))] {
        ask(&mut one, s, &every(600));
        assert_eq!(one.poll_scrape(&config, at(s)), expected, "{s}");
    }
}

#[test]
fn an_announce_that_names_no_counts_keeps_those_of_the_scrape() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    ask(&mut one, 0, &every(600));
    one.handle_scrape(TrackerKey(0), &Ok(ScrapeAnswer { complete: 3, downloaded: 20, incomplete: 9 }));
    ask(&mut one, 600, &every(600));
    one.handle_scrape(TrackerKey(0), &Err("no".into()));
    one.handle_scrape(TrackerKey(7), &Err("no".into()));
    let shown = &one.snapshots(false)[0];
    assert_eq!((shown.complete, shown.downloaded, shown.error.clone()), (Some(3), Some(20), None));
}

#[test]
fn nobody_is_scraped_once_we_leave() {
    let mut one = trackers(&[&["a"]]);
    one.start(at(0));
    ask(&mut one, 0, &every(600));
    one.stop();
    assert_eq!(one.poll_scrape(&Config::default(), at(0)), None);
}
