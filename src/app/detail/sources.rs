//! Where peers and content come from: trackers and web seeds.

use yew::prelude::*;

use super::super::format;
use crate::messages::{TrackerRow, WebSeedRow};

/// The trackers.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct TrackersProps {
    pub(super) trackers: Vec<TrackerRow>,
}

/// The table of trackers.
#[component]
pub(super) fn Trackers(props: &TrackersProps) -> Html {
    let or_unknown =
        |count: Option<u32>| count.map_or_else(|| "?".to_owned(), |count| format::count(count.into()));
    html! {
        <section class="panel" aria-labelledby="trackers-title">
            <div class="panel-head"><h3 id="trackers-title">{ "Trackers" }</h3></div>
            if props.trackers.is_empty() {
                <p class="waiting">{ "This torrent names no tracker." }</p>
            } else {
                <div class="scroller" role="region" aria-labelledby="trackers-title" tabindex="0">
                    <table class="trackers">
                        <thead>
                            <tr>
                                <th scope="col" class="number">{ "Tier" }</th>
                                <th scope="col">{ "Address" }</th>
                                <th scope="col">{ "State" }</th>
                                <th scope="col" class="number">{ "Seeds" }</th>
                                <th scope="col" class="number">{ "Downloaders" }</th>
                                <th scope="col" class="number">{ "Completed" }</th>
                                <th scope="col" class="number">{ "Asked again in" }</th>
                            </tr>
                        </thead>
                        <tbody>
                            { for props.trackers.iter().map(|tracker| html! {
                                <tr key={tracker.url.clone()} data-testid="tracker" data-url={tracker.url.clone()}>
                                    // People count from one.
                                    <td class="number">{ tracker.tier + 1 }</td>
                                    <th scope="row"><code>{ &tracker.url }</code></th>
                                    <td class="reason">{ &tracker.status }</td>
                                    <td class="number">{ or_unknown(tracker.seeds) }</td>
                                    <td class="number">{ or_unknown(tracker.downloaders) }</td>
                                    <td class="number">{ or_unknown(tracker.downloads) }</td>
                                    <td class="number">{ tracker.next_s.map(format::duration).unwrap_or_default() }</td>
                                </tr>
                            }) }
                        </tbody>
                    </table>
                </div>
            }
        </section>
    }
}

/// The web seeds.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct WebSeedsProps {
    pub(super) web_seeds: Vec<WebSeedRow>,
}

/// The table of web seeds; nothing for the many torrents without any.
#[component]
pub(super) fn WebSeeds(props: &WebSeedsProps) -> Html {
    if props.web_seeds.is_empty() {
        return html! {};
    }
    html! {
        <section class="panel" aria-labelledby="web-seeds-title">
            <div class="panel-head"><h3 id="web-seeds-title">{ "Web seeds" }</h3></div>
            <div class="scroller" role="region" aria-labelledby="web-seeds-title" tabindex="0">
                <table class="trackers">
                    <thead>
                        <tr>
                            <th scope="col">{ "Address" }</th>
                            <th scope="col">{ "State" }</th>
                            <th scope="col" class="number">{ "Down" }</th>
                            <th scope="col" class="number">{ "In all" }</th>
                            <th scope="col" class="number">{ "Asked again in" }</th>
                        </tr>
                    </thead>
                    <tbody>
                        { for props.web_seeds.iter().map(|seed| html! {
                            <tr key={seed.url.clone()} data-testid="web-seed" data-url={seed.url.clone()}
                                data-down-bytes={seed.down_bytes.to_string()}>
                                <th scope="row"><code>{ &seed.url }</code></th>
                                <td class="reason">{ &seed.status }</td>
                                <td class="number">{ format::rate(seed.down_rate) }</td>
                                <td class="number">{ format::bytes(seed.down_bytes) }</td>
                                <td class="number">{ seed.next_s.map(format::duration).unwrap_or_default() }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            </div>
        </section>
    }
}
