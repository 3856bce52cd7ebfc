//! Hosts that are refused.

use yew::prelude::*;

use super::super::controls::use_controls;
use super::super::format;
use crate::messages::BanRow;

/// What is shown.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct BansProps {
    pub(super) info_hash: AttrValue,
    pub(super) bans: Vec<BanRow>,
}

/// The list, each with a way to lift the ban; nothing where nobody is refused.
#[component]
pub(super) fn Bans(props: &BansProps) -> Html {
    let controls = use_controls();
    if props.bans.is_empty() {
        return html! {};
    }
    let item = |ban: &BanRow| {
        let on_lift = {
            let (controls, info_hash, ip) = (controls.clone(), props.info_hash.to_string(), ban.ip.clone());
            Callback::from(move |_: MouseEvent| controls.lift_ban(info_hash.clone(), ip.clone()))
        };
        let addr = addr(ban);
        html! {
            <li key={addr.clone()} data-testid="ban" data-ip={ban.ip.clone()} data-reason={ban.reason.clone()}>
                <code>{ &addr }</code>
                <span class="told">{ format!("{} For another {}.", ban.text, format::duration(ban.left_s)) }</span>
                <button type="button" data-testid="lift" title="Let this host connect again"
                    aria-label={format!("Lift the ban of {addr}")} onclick={on_lift}>{ "Lift" }</button>
            </li>
        }
    };
    html! {
        <div class="bans">
            <h4>{ "Refused" }</h4>
            <ul>{ for props.bans.iter().map(item) }</ul>
        </div>
    }
}

/// The host, and the port if only that is refused.
fn addr(ban: &BanRow) -> String {
    match ban.port {
        Some(port) if ban.ip.contains(':') => format!("[{}]:{port}", ban.ip),
        Some(port) => format!("{}:{port}", ban.ip),
        None => ban.ip.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_shown_where_only_that_is_refused() {
        let shown = |ip: &str, port| {
            let (ip, reason, text) = (ip.to_owned(), String::new(), String::new());
            addr(&BanRow { ip, port, reason, text, left_s: 0 })
        };
        assert_eq!(shown("192.0.2.7", None), "192.0.2.7");
        assert_eq!(shown("127.77.0.2", Some(6881)), "127.77.0.2:6881");
        assert_eq!(shown("::1", Some(6881)), "[::1]:6881");
    }
}
