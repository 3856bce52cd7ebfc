//! What the user may set for one torrent.

use engine::Strategy;
use yew::prelude::*;

use super::super::common_limits::RATE_RANGE;
use super::super::controls::use_controls;
use super::super::fields::{Choice, NumberField};
use super::super::format;
use crate::messages::TorrentSettings;

/// Orders of pieces: value, name, sentence.
const ORDERS: [(&str, &str, &str); 3] = [
    (
        "rarest-first",
        "rarest first",
        "Pieces that the fewest peers have come first: best for the swarm, and in the end for you.",
    ),
    ("in-order", "in order", "From the beginning to the end, whatever others need."),
    (
        "playing",
        "in time for a player",
        "For watching or listening while it loads: what a player that began now with the first wanted file shows within a \
         minute comes first, the rest rarest first.",
    ),
];
/// Bytes a second of a film, until the user says otherwise.
const PLAY_RATE: u64 = 500_000;
/// What a seed shows: value, name, sentence.
const SEEDINGS: [(&str, &str, &str); 2] = [
    ("everything", "everything that we have", "Each peer sees all pieces and takes what it likes."),
    (
        "one-by-one",
        "one piece after another",
        "Each peer sees another piece, and the next one when it has passed that on: the first seed of a new torrent with a \
         slow line sends each piece little more than once. It counts for peers who come from now on.",
    ),
];
/// Slots at most; the worker takes no more.
const SLOTS_MAX: u64 = 500;
/// A ratio goal of 0.01 to 1000, in thousandths.
const RATIO_RANGE: (u64, u64) = (10, 1_000_000);
/// A goal of a minute to ten years of seeding, in seconds.
const SEEDING_RANGE: (u64, u64) = (60, 315_360_000);

/// What the panel shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct OptionsProps {
    pub(super) info_hash: AttrValue,
    /// What the engine keeps to.
    pub(super) settings: TorrentSettings,
    /// Uploaded over downloaded, so far.
    pub(super) ratio: Option<f64>,
    /// Time as a seed, so far.
    pub(super) seeding_s: u64,
}

/// The panel; closed it says in short what is set.
#[component]
pub(super) fn Options(props: &OptionsProps) -> Html {
    let set = use_setter(props);
    let settings = &props.settings;
    let order = order(settings);
    let seeding = SEEDINGS[usize::from(settings.super_seed)];
    let strategy: Strategy =
        settings.strategy.as_deref().and_then(|code| code.parse().ok()).unwrap_or_default();
    let strategies = Strategy::ALL.map(|strategy| (strategy.code(), strategy_name(strategy)));
    let ratio = props.ratio.map_or_else(|| "none".to_owned(), |ratio| format!("{ratio:.2}"));
    html! {
        <details class="panel options" data-testid="options">
            <summary>
                <h3>{ "Settings" }</h3>
                <span class="told">{ in_short(settings) }</span>
            </summary>
            <div class="groups">
                <fieldset>
                    <legend>{ "Limits" }</legend>
                    <NumberField id="down-limit" label="Download" unit="kB/s" per_unit=1000 range={RATE_RANGE}
                        if_empty="no limit" told={settings.down_rate_max}
                        on_change={set.number(|settings, wanted| settings.down_rate_max = wanted)} />
                    <NumberField id="up-limit" label="Upload" unit="kB/s" per_unit=1000 range={RATE_RANGE}
                        if_empty="no limit" told={settings.up_rate_max}
                        on_change={set.number(|settings, wanted| settings.up_rate_max = wanted)} />
                    <NumberField id="slots" label="Upload slots" unit="peers" range={(0, SLOTS_MAX)}
                        if_empty="as usual" told={settings.slots.map(u64::from)}
                        on_change={set.number(|settings, wanted| settings.slots = small(wanted))} />
                    <p class="hint">{ "So many peers are served at a time, and one more that is chosen by chance." }</p>
                </fieldset>
                <fieldset>
                    <legend>{ "Stop seeding" }</legend>
                    <NumberField id="ratio-goal" label="At a ratio of" unit="" per_unit=1000 range={RATIO_RANGE}
                        if_empty="never" told={settings.ratio_permille.map(u64::from)}
                        on_change={set.number(|settings, wanted| settings.ratio_permille = small(wanted))} />
                    <NumberField id="time-goal" label="After" unit="hours" per_unit=3600 range={SEEDING_RANGE}
                        if_empty="never" told={settings.seeding_s}
                        on_change={set.number(|settings, wanted| settings.seeding_s = wanted)} />
                    <p class="hint">
                        { format!("So far: ratio {ratio}, {} as a seed.", format::duration(props.seeding_s)) }
                    </p>
                </fieldset>
                <fieldset>
                    <legend>{ "Which piece next" }</legend>
                    <Choice id="order" label="Order of pieces" told={order.0}
                        choices={ORDERS.map(|(value, name, _)| (value, name)).to_vec()}
                        on_change={set.choice(|settings, wanted| {
                            settings.in_order = wanted == ORDERS[1].0;
                            settings.play_rate = (wanted == ORDERS[2].0).then_some(PLAY_RATE);
                        })} />
                    if settings.play_rate.is_some() {
                        <NumberField id="play-rate" label="Shown" unit="kB/s" per_unit=1000 range={RATE_RANGE}
                            if_empty="500" told={settings.play_rate}
                            on_change={set.number(|settings, wanted| {
                                settings.play_rate = wanted.or(Some(PLAY_RATE));
                            })} />
                    }
                    <p class="hint">{ order.2 }</p>
                </fieldset>
                <fieldset>
                    <legend>{ "As a seed" }</legend>
                    <Choice id="super-seed" label="Peers see" told={seeding.0}
                        choices={SEEDINGS.map(|(value, name, _)| (value, name)).to_vec()}
                        on_change={set.choice(|settings, wanted| settings.super_seed = wanted == SEEDINGS[1].0)} />
                    <p class="hint">{ seeding.2 }</p>
                </fieldset>
                <fieldset>
                    <legend>{ "Who may download from us" }</legend>
                    <Choice id="strategy" label="Strategy of the choker" told={strategy.code()}
                        choices={strategies.to_vec()}
                        on_change={set.choice(|settings, wanted| settings.strategy = Some(wanted.to_string()))} />
                    <p class="hint">{ strategy.text() }</p>
                    <details class="letters">
                        <summary>{ "All of them, for the curious" }</summary>
                        <dl>
                            { for Strategy::ALL.iter().map(|strategy| html! {
                                <div><dt>{ strategy_name(*strategy) }</dt><dd>{ strategy.text() }</dd></div>
                            }) }
                        </dl>
                    </details>
                </fieldset>
            </div>
        </details>
    }
}

/// Makes what is called when a field changes.
struct Setter {
    settings: std::rc::Rc<std::cell::RefCell<TorrentSettings>>,
    send: Callback<TorrentSettings>,
}

impl Setter {
    fn number(&self, change: fn(&mut TorrentSettings, Option<u64>)) -> Callback<Option<u64>> {
        self.with(change)
    }

    fn choice(&self, change: fn(&mut TorrentSettings, AttrValue)) -> Callback<AttrValue> {
        self.with(change)
    }

    fn with<V: 'static>(&self, change: fn(&mut TorrentSettings, V)) -> Callback<V> {
        let (settings, send) = (self.settings.clone(), self.send.clone());
        Callback::from(move |wanted| {
            change(&mut settings.borrow_mut(), wanted);
            send.emit(settings.borrow().clone());
        })
    }
}

/// All settings travel together. So those asked for last are kept: the engine may not have told of the first of two
/// changes when the second is made.
#[hook]
fn use_setter(props: &OptionsProps) -> Setter {
    let controls = use_controls();
    let settings = use_mut_ref(|| props.settings.clone());
    use_effect_with(props.settings.clone(), {
        let settings = settings.clone();
        move |told: &TorrentSettings| *settings.borrow_mut() = told.clone()
    });
    let info_hash = props.info_hash.to_string();
    let send = Callback::from(move |settings| controls.set_torrent(info_hash.clone(), settings));
    Setter { settings, send }
}

fn order(settings: &TorrentSettings) -> (&'static str, &'static str, &'static str) {
    ORDERS[if settings.play_rate.is_some() { 2 } else { usize::from(settings.in_order) }]
}

fn small(wanted: Option<u64>) -> Option<u32> {
    wanted.map(|wanted| u32::try_from(wanted).unwrap_or(u32::MAX))
}

const fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Standard => "Standard: tit for tat",
        Strategy::FastestUpload => "Fastest upload",
        Strategy::BitTyrant => "BitTyrant",
        Strategy::BitTyrantSelfish => "BitTyrant, selfish",
        Strategy::PropShare => "Proportional share",
        Strategy::FreeRider => "Free rider",
    }
}

/// What is set, other than by itself.
fn in_short(settings: &TorrentSettings) -> String {
    let mut parts = Vec::new();
    parts.extend(settings.down_rate_max.map(|max| format!("down to {}", format::rate(max))));
    parts.extend(settings.up_rate_max.map(|max| format!("up to {}", format::rate(max))));
    if parts.is_empty() {
        parts.push("no limits".to_owned());
    }
    parts.extend(settings.slots.map(|slots| format::plural(slots.into(), "slot", "slots")));
    parts.push(order(settings).1.to_owned());
    let strategy: Option<Strategy> = settings.strategy.as_deref().and_then(|code| code.parse().ok());
    parts.extend(
        strategy.filter(|strategy| *strategy != Strategy::default()).map(|s| strategy_name(s).to_owned()),
    );
    parts.extend(settings.super_seed.then(|| "super-seeding".to_owned()));
    parts.extend(settings.ratio_permille.map(|goal| format!("until ratio {}", f64::from(goal) / 1000.0)));
    parts.extend(settings.seeding_s.map(|goal| format!("seed for {}", format::duration(goal))));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(settings: &TorrentSettings) -> String {
        in_short(settings).replace('\u{a0}', " ")
    }

    #[test]
    fn closed_the_panel_says_what_is_set() {
        let usual = TorrentSettings {
            slots: Some(4),
            strategy: Some("standard".to_owned()),
            ..TorrentSettings::default()
        };
        assert_eq!(short(&usual), "no limits · 4 slots · rarest first");
        let playing = TorrentSettings { in_order: true, play_rate: Some(9), ..usual.clone() };
        assert_eq!(short(&playing), "no limits · 4 slots · in time for a player");
        let own = TorrentSettings {
            up_rate_max: Some(50_000),
            in_order: true,
            super_seed: true,
            strategy: Some("prop-share".to_owned()),
            ratio_permille: Some(1500),
            seeding_s: Some(7200),
            ..usual
        };
        assert_eq!(
            short(&own),
            "up to 50.0 kB/s · 4 slots · in order · Proportional share · super-seeding · until ratio 1.5 · seed for 2 h"
        );
    }
}
