//! Fields of settings: they show what the engine keeps to, and tell what the user wants instead.
//!
//! What is in a field changes only when the engine tells something else: reports come several times a second and must
//! not take away what somebody is typing.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// A number, or nothing.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct NumberFieldProps {
    /// Id in the document, and for scripts.
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    /// Stands behind the number.
    pub(super) unit: &'static str,
    /// The unit in those in which the engine counts.
    #[prop_or(1)]
    pub(super) per_unit: u64,
    /// Least and most, as the engine counts.
    pub(super) range: (u64, u64),
    /// What an empty field means.
    pub(super) if_empty: &'static str,
    /// What the engine keeps to.
    pub(super) told: Option<u64>,
    /// The user wants this; `None`: the field was emptied.
    pub(super) on_change: Callback<Option<u64>>,
}

/// A field for a number. What cannot be is said where it was typed, and not handed on.
#[component]
pub(super) fn NumberField(props: &NumberFieldProps) -> Html {
    let field = use_node_ref();
    let complaint = use_state_eq(|| None::<String>);
    use_effect_with((props.told, props.per_unit), {
        let (field, complaint) = (field.clone(), complaint.clone());
        move |(told, per_unit)| {
            put(&field, &shown(*told, *per_unit));
            complaint.set(None);
        }
    });
    let on_input = {
        let (field, complaint) = (field.clone(), complaint.clone());
        Callback::from(move |_: InputEvent| {
            complaint.set(None);
            if let Some(input) = field.cast::<HtmlInputElement>() {
                input.set_custom_validity("");
            }
        })
    };
    let on_change = {
        let (field, props, complaint) = (field.clone(), props.clone(), complaint.clone());
        Callback::from(move |_: Event| {
            let Some(input) = field.cast::<HtmlInputElement>() else { return };
            match wanted(&input.value(), props.per_unit, props.range) {
                Some(wanted) => {
                    // Where the engine has a value of its own, it is back at once.
                    input.set_value(&shown(wanted.or(props.told), props.per_unit));
                    props.on_change.emit(wanted);
                }
                None => {
                    let text = range_in_words(&props);
                    input.set_custom_validity(&text);
                    complaint.set(Some(text));
                }
            }
        })
    };
    html! {
        <div class="field">
            <label for={props.id}>{ props.label }</label>
            <span class="with-unit">
                <input ref={field} id={props.id} data-testid={props.id} type="text" inputmode="decimal"
                    autocomplete="off" placeholder={props.if_empty} oninput={on_input} onchange={on_change} />
                <span>{ props.unit }</span>
            </span>
            if let Some(text) = &*complaint {
                <p class="complaint" role="alert">{ text }</p>
            }
        </div>
    }
}

/// One of several.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct ChoiceProps {
    /// Id in the document, and for scripts.
    pub(super) id: AttrValue,
    /// For those who do not see where it stands.
    #[prop_or_default]
    pub(super) label: Option<AttrValue>,
    /// Values and what they are called.
    pub(super) choices: Vec<(&'static str, &'static str)>,
    /// What the engine keeps to.
    pub(super) told: AttrValue,
    /// The user wants this.
    pub(super) on_change: Callback<AttrValue>,
}

/// A list to choose from.
#[component]
pub(super) fn Choice(props: &ChoiceProps) -> Html {
    let list = use_node_ref();
    use_effect_with(props.told.clone(), {
        let list = list.clone();
        move |told| {
            if let Some(list) = list.cast::<HtmlSelectElement>() {
                list.set_value(told);
            }
        }
    });
    let on_change = {
        let (list, on_change) = (list.clone(), props.on_change.clone());
        Callback::from(move |_: Event| {
            if let Some(list) = list.cast::<HtmlSelectElement>() {
                on_change.emit(list.value().into());
            }
        })
    };
    html! {
        <select ref={list} id={props.id.clone()} data-testid={props.id.clone()} data-told={props.told.clone()}
            aria-label={props.label.clone()} onchange={on_change}>
            { for props.choices.iter().map(|(value, name)| html! { <option value={*value}>{ *name }</option> }) }
        </select>
    }
}

fn put(field: &NodeRef, text: &str) {
    if let Some(input) = field.cast::<HtmlInputElement>() {
        input.set_value(text);
        input.set_custom_validity("");
    }
}

/// As it stands in the field: three decimals at most, and none that say nothing.
fn shown(value: Option<u64>, per_unit: u64) -> String {
    let units = |value| (value as f64 / per_unit as f64 * 1000.0).round() / 1000.0;
    value.map(|value| units(value).to_string()).unwrap_or_default()
}

/// What somebody typed, as the engine counts; `None` if it is no number in the range.
fn wanted(text: &str, per_unit: u64, (least, most): (u64, u64)) -> Option<Option<u64>> {
    let text = text.trim().replace(',', ".");
    if text.is_empty() {
        return Some(None);
    }
    let units: f64 = text.parse().ok().filter(|units: &f64| units.is_finite() && *units >= 0.0)?;
    let value = (units * per_unit as f64).round() as u64;
    (least..=most).contains(&value).then_some(Some(value))
}

fn range_in_words(props: &NumberFieldProps) -> String {
    let (least, most) = props.range;
    format!(
        "A number from {} to {}, or nothing: {}.",
        shown(Some(least), props.per_unit),
        shown(Some(most), props.per_unit),
        props.if_empty
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_means_the_same_when_it_is_typed() {
        for (value, per_unit, text) in [
            (500_000, 1000, "500"),
            (1_500, 1000, "1.5"),
            (4, 1, "4"),
            (5_000, 3600, "1.389"),
            (86_400, 3600, "24"),
        ] {
            assert_eq!(shown(Some(value), per_unit), text);
            let typed = wanted(text, per_unit, (1, u64::MAX)).flatten().unwrap_or_default();
            assert!(typed.abs_diff(value) <= per_unit / 1000, "{text} means {typed}");
        }
        assert_eq!(shown(None, 1000), "");
    }

    #[test]
    fn an_empty_field_is_a_wish_and_what_is_no_number_in_the_range_is_none() {
        assert_eq!(wanted("  ", 1000, (1000, 9000)), Some(None));
        assert_eq!(wanted(" 1,5 ", 1000, (1000, 9000)), Some(Some(1500)));
        for text in ["0", "0.9", "9.1", "-1", "much", "1e99", "NaN", "inf", "1 2"] {
            assert_eq!(wanted(text, 1000, (1000, 9000)), None, "{text}");
        }
    }
}
