//! Why: each reason with how often it was given, and the decisions one by one as they are taken.

use std::rc::Rc;

use yew::prelude::*;

use super::super::format;
use super::super::log_book::{Entry, Group, LogBook};
use super::super::names::Names;
use crate::messages::ReasonCount;

/// Entries of the log shown at a time.
const ENTRIES_SHOWN: usize = 60;

/// What the panels show.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct DecisionsProps {
    pub(super) reasons: Vec<ReasonCount>,
    pub(super) log: Rc<LogBook>,
    pub(super) names: Rc<Names>,
}

/// Reasons and log, side by side where there is room.
#[component]
pub(super) fn Decisions(props: &DecisionsProps) -> Html {
    html! {
        <div class="decisions">
            <Reasons reasons={props.reasons.clone()} />
            <Log log={props.log.clone()} names={props.names.clone()} />
        </div>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct ReasonsProps {
    reasons: Vec<ReasonCount>,
}

/// All reasons of the engine, those of picks, then those of chokes; those that were never given show on demand.
#[component]
fn Reasons(props: &ReasonsProps) -> Html {
    let shows_all = use_state_eq(|| false);
    let on_all = {
        let shows_all = shows_all.clone();
        Callback::from(move |_: MouseEvent| shows_all.set(!*shows_all))
    };
    let never_given = props.reasons.iter().filter(|reason| reason.count == 0).count();
    let list = |kind: &'static str, title: &'static str| {
        let reasons: Vec<&ReasonCount> = props.reasons.iter().filter(|reason| reason.kind == kind).collect();
        let most = reasons.iter().map(|reason| reason.count).max().unwrap_or_default().max(1);
        html! {
            <>
                <h4>{ title }</h4>
                <ul class={classes!("reasons", (!*shows_all).then_some("given"))}>
                    { for reasons.into_iter().map(|reason| reason_item(reason, most)) }
                </ul>
            </>
        }
    };
    html! {
        <section class="panel" aria-labelledby="reasons-title">
            <div class="panel-head">
                <h3 id="reasons-title">{ "Reasons" }</h3>
                if never_given > 0 {
                    <button type="button" data-testid="reasons-all" onclick={on_all}
                        aria-expanded={if *shows_all { "true" } else { "false" }}>
                        { if *shows_all { "Only those given".to_owned() } else { format!("{never_given} more") } }
                    </button>
                }
            </div>
            { list("pick", "Why a block is asked of a peer") }
            { list("choke", "Why a peer is choked or unchoked") }
        </section>
    }
}

fn reason_item(reason: &ReasonCount, most: u64) -> Html {
    let never = (reason.count == 0).then_some("never");
    html! {
        <li key={reason.code.clone()} class={classes!("reason", never)} data-testid="reason"
            data-kind={reason.kind.clone()} data-code={reason.code.clone()} data-count={reason.count.to_string()}>
            <span class="reason-code">{ &reason.code }</span>
            <span class="reason-count">{ format::count(reason.count) }</span>
            <progress max={most.to_string()} value={reason.count.to_string()} aria-hidden="true" />
            <span class="reason-text">{ &reason.text }</span>
        </li>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct LogProps {
    log: Rc<LogBook>,
    names: Rc<Names>,
}

/// The newest lines first. It can be held, to read it or to talk about it.
#[component]
fn Log(props: &LogProps) -> Html {
    let group = use_state_eq(|| None::<Group>);
    let held = use_state(|| None::<Rc<LogBook>>);
    let shown = (*held).as_ref().unwrap_or(&props.log).clone();
    let entries = use_memo((shown, *group), |(log, group)| log.newest(*group, ENTRIES_SHOWN));
    let filter = |choice: Option<Group>, label: &'static str| {
        let on_click = {
            let group = group.setter();
            Callback::from(move |_: MouseEvent| group.set(choice))
        };
        html! {
            <button type="button" aria-pressed={if *group == choice { "true" } else { "false" }} onclick={on_click}
                data-testid="log-filter">{ label }</button>
        }
    };
    let on_hold = {
        let (held, log) = (held.clone(), props.log.clone());
        Callback::from(move |_: MouseEvent| held.set(if held.is_some() { None } else { Some(log.clone()) }))
    };
    html! {
        <section class="panel" aria-labelledby="log-title">
            <div class="panel-head">
                <h3 id="log-title">{ "Decisions" }</h3>
                <button type="button" class="hold" aria-pressed={if held.is_some() { "true" } else { "false" }}
                    onclick={on_hold} data-testid="log-hold">{ if held.is_some() { "Go on" } else { "Hold" } }</button>
            </div>
            <div class="filter" role="group" aria-label="Which lines">
                { filter(None, "All") }
                { for Group::ALL.into_iter().map(|group| filter(Some(group), group.label())) }
            </div>
            // No live region: it would read aloud without end.
            <ol class="log scroller" tabindex="0" aria-labelledby="log-title">
                { for entries.iter().map(|entry| log_item(entry, &props.names)) }
            </ol>
            if entries.is_empty() {
                <p class="waiting">{ "Nothing yet." }</p>
            }
        </section>
    }
}

fn log_item(entry: &Entry, names: &Names) -> Html {
    let line = &entry.line;
    html! {
        <li key={line.number} data-testid="log-line" data-kind={line.kind.clone()} data-reason={line.reason.clone()}
            data-peer={line.peer.map(|peer| peer.to_string())} data-piece={line.piece.map(|piece| piece.to_string())}
            title={line.text.clone()}>
            <time>{ format::clock(line.at_ms) }</time>
            <span class="kind">{ &line.kind }</span>
            <span class="text">{ names.words(entry) }</span>
            if let Some(reason) = &line.reason {
                <span class="why">{ reason }</span>
            }
        </li>
    }
}
