//! Small pictures beside words. They carry no meaning of their own and are hidden from screen readers.

use yew::prelude::*;

/// A picture of 16 by 16 units, drawn in lines of the text's colour.
fn line_icon(path: &'static str) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6"
            stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
            <path d={path} />
        </svg>
    }
}

/// Two bars.
pub(super) fn pause() -> Html {
    line_icon("M5.5 3.5v9M10.5 3.5v9")
}

/// A triangle.
pub(super) fn play() -> Html {
    line_icon("M5 3.2l7.5 4.8L5 12.8z")
}

/// An arrow in a circle.
pub(super) fn check_again() -> Html {
    line_icon("M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.6h-2.6")
}

/// An arrow into a tray.
pub(super) fn save() -> Html {
    line_icon("M8 2.5v7.2M4.8 6.8L8 9.9l3.2-3.1M2.8 11.2v2.3h10.4v-2.3")
}

/// A bin.
pub(super) fn remove() -> Html {
    line_icon("M3 4.5h10M6.3 4.5V2.8h3.4v1.7M4.3 4.5l.6 8.7h6.2l.6-8.7")
}

/// A cross.
pub(super) fn close() -> Html {
    line_icon("M4 4l8 8M12 4l-8 8")
}

/// A sheet with a folded corner.
pub(super) fn file() -> Html {
    line_icon("M4 2.5h5l3 3v8H4zM9 2.5v3h3")
}

/// Three sliders.
pub(super) fn sliders() -> Html {
    line_icon("M2.5 4h5M11.5 4h2M9.5 2.4v3.2M2.5 8h1.5M8 8h5.5M6 6.4v3.2M2.5 12h6M12.5 12h1M10.5 10.4v3.2")
}

/// Two sheets.
pub(super) fn copy() -> Html {
    line_icon("M5.5 5.5h7.5v8H5.5zM10.5 5.5v-3H3v8h2.5")
}

/// Downwards.
pub(super) fn down() -> Html {
    line_icon("M8 2.8v10M4 9l4 4 4-4")
}

/// Upwards.
pub(super) fn up() -> Html {
    line_icon("M8 13.2v-10M4 7l4-4 4 4")
}

/// Sun, moon, or half of each.
pub(super) fn theme(theme: super::settings::Theme) -> Html {
    use super::settings::Theme;
    match theme {
        Theme::System => line_icon("M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11M10 4v8M12 5.4v5.2"),
        Theme::Light => line_icon(
            "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 \
             3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
        ),
        Theme::Dark => line_icon("M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z"),
    }
}

/// A swarm of seven peers under a lens; the one in the middle is us.
pub(super) fn logo() -> Html {
    html! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <circle class="logo-lens" cx="14" cy="14" r="11.5" />
            <path class="logo-handle" d="M22.6 22.6L29 29" />
            <g class="logo-peers">
                <circle cx="14" cy="7.6" r="1.9" />
                <circle cx="19.5" cy="10.8" r="1.9" />
                <circle cx="19.5" cy="17.2" r="1.9" />
                <circle cx="14" cy="20.4" r="1.9" />
                <circle cx="8.5" cy="17.2" r="1.9" />
                <circle cx="8.5" cy="10.8" r="1.9" />
            </g>
            <circle class="logo-self" cx="14" cy="14" r="2.6" />
        </svg>
    }
}
