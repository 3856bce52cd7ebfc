//! Limits of all torrents together: a button in the bar, and what it opens.

use yew::prelude::*;

use super::controls::use_controls;
use super::fields::NumberField;
use super::{format, icons};
use crate::messages::GlobalLimits;

/// Least and most bytes a second that a limit may be: less is no use, and more is none.
pub(super) const RATE_RANGE: (u64, u64) = (1000, 1_000_000_000_000);

/// What is shown.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct CommonLimitsProps {
    /// What the engine keeps to.
    pub(super) limits: GlobalLimits,
}

/// The button and its pane. The browser itself closes the pane on Escape and on a press elsewhere.
#[component]
pub(super) fn CommonLimits(props: &CommonLimitsProps) -> Html {
    let controls = use_controls();
    let limits = props.limits;
    // As asked for last: the engine may not have told of the first of two changes when the second is made.
    let asked = use_mut_ref(|| limits);
    use_effect_with(limits, {
        let asked = asked.clone();
        move |told| *asked.borrow_mut() = *told
    });
    let set = |change: fn(&mut GlobalLimits, Option<u64>)| {
        let (controls, asked) = (controls.clone(), asked.clone());
        Callback::from(move |wanted| {
            change(&mut asked.borrow_mut(), wanted);
            controls.set_global_limits(*asked.borrow());
        })
    };
    let words = words(limits);
    html! {
        <>
            <button type="button" class={classes!("quiet", (limits != GlobalLimits::default()).then_some("is-on"))}
                popovertarget="common-limits" data-testid="common-limits" title={words.clone()}
                aria-label={words}>
                { icons::sliders() }
            </button>
            <section id="common-limits" class="popover" popover="auto" aria-labelledby="common-limits-title">
                <h2 id="common-limits-title">{ "All torrents together" }</h2>
                <div class="fields">
                    <NumberField id="common-down-limit" label="Download limit" unit="kB/s" per_unit=1000
                        range={RATE_RANGE} if_empty="no limit" told={limits.down_rate_max}
                        on_change={set(|limits, wanted| limits.down_rate_max = wanted)} />
                    <NumberField id="common-up-limit" label="Upload limit" unit="kB/s" per_unit=1000
                        range={RATE_RANGE} if_empty="no limit" told={limits.up_rate_max}
                        on_change={set(|limits, wanted| limits.up_rate_max = wanted)} />
                </div>
                <p class="hint">{ "Counts at once and after a restart. Each torrent has limits of its own in its detail view." }</p>
            </section>
        </>
    }
}

fn words(limits: GlobalLimits) -> String {
    let part = |name: &str, max: Option<u64>| max.map(|max| format!("{name} {}", format::rate(max)));
    let parts = [part("download", limits.down_rate_max), part("upload", limits.up_rate_max)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "Limits of all torrents: none".to_owned()
    } else {
        format!("Limits of all torrents: {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_button_says_which_limits_there_are() {
        let words = |down_rate_max, up_rate_max| {
            words(GlobalLimits { up_rate_max, down_rate_max }).replace('\u{a0}', " ")
        };
        assert_eq!(words(None, None), "Limits of all torrents: none");
        assert_eq!(words(None, Some(50_000)), "Limits of all torrents: upload 50.0 kB/s");
        assert_eq!(
            words(Some(1_000_000), Some(50_000)),
            "Limits of all torrents: download 1.00 MB/s, upload 50.0 kB/s"
        );
    }
}
