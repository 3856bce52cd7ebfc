//! The files of the torrent: how far each is, and how much it is wanted.

use yew::prelude::*;

use super::super::controls::use_controls;
use super::super::fields::Choice;
use super::super::format;
use crate::messages::{FilePriority, FileRow};

/// Values and names, from not at all to first.
const PRIORITIES: [(FilePriority, &str, &str); 4] = [
    (FilePriority::Skip, "skip", "skip"),
    (FilePriority::Low, "low", "low"),
    (FilePriority::Normal, "normal", "normal"),
    (FilePriority::High, "high", "high"),
];

/// What the panel shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct FilesProps {
    pub(super) info_hash: AttrValue,
    pub(super) files: Vec<FileRow>,
    /// More than are listed are counted.
    pub(super) total: u32,
}

/// The table of files.
#[component]
pub(super) fn Files(props: &FilesProps) -> Html {
    let controls = use_controls();
    let total = u64::from(props.total);
    let more = total.saturating_sub(props.files.len() as u64);
    let on_wish = {
        let (controls, info_hash) = (controls.clone(), props.info_hash.clone());
        use_callback(info_hash, move |wish: (u32, FilePriority), info_hash| {
            controls.set_file_priorities(info_hash.to_string(), vec![wish]);
        })
    };
    let want_all = |is_wanted: bool| {
        let wishes = all_wishes(&props.files, is_wanted);
        let (controls, info_hash) = (controls.clone(), props.info_hash.clone());
        let is_done = wishes.is_empty();
        let on_click = Callback::from(move |_: MouseEvent| {
            controls.set_file_priorities(info_hash.to_string(), wishes.clone());
        });
        (is_done, on_click)
    };
    let ((no_all, on_all), (no_none, on_none)) = (want_all(true), want_all(false));
    html! {
        <section class="panel" aria-labelledby="files-title">
            <div class="panel-head">
                <h3 id="files-title">{ "Files" }</h3>
                <span class="told">{ told(&props.files, total) }</span>
                if props.files.len() > 1 && more == 0 {
                    <span class="wishes">
                        <button type="button" data-testid="files-all" disabled={no_all} onclick={on_all}
                            title="Download every file">{ "All" }</button>
                        <button type="button" data-testid="files-none" disabled={no_none} onclick={on_none}
                            title="Skip every file, to choose some">{ "None" }</button>
                    </span>
                }
            </div>
            if props.files.is_empty() {
                <p class="waiting">{ "Which files there are is not known yet." }</p>
            } else {
                <div class="scroller" role="region" aria-labelledby="files-title" tabindex="0">
                    <table class="files">
                        <thead>
                            <tr>
                                <th scope="col">{ "Path" }</th>
                                <th scope="col">{ "Has" }</th>
                                <th scope="col" class="number">{ "Size" }</th>
                                <th scope="col">{ "Priority" }</th>
                            </tr>
                        </thead>
                        <tbody>
                            { for props.files.iter().map(|file| html! {
                                <FileLine key={file.number} file={file.clone()}
                                    on_wish={on_wish.clone()} />
                            }) }
                        </tbody>
                    </table>
                </div>
            }
            if more > 0 {
                <p class="hint">{ format!("and {} more", format::count(more)) }</p>
            }
        </section>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct FileLineProps {
    file: FileRow,
    on_wish: Callback<(u32, FilePriority)>,
}

#[component]
fn FileLine(props: &FileLineProps) -> Html {
    let file = &props.file;
    let share = if file.len == 0 { 1.0 } else { file.verified_bytes as f64 / file.len as f64 };
    let on_change = {
        let (number, on_wish) = (file.number, props.on_wish.clone());
        Callback::from(move |wanted: AttrValue| {
            if let Some((priority, ..)) = PRIORITIES.iter().find(|(_, value, _)| wanted == *value) {
                on_wish.emit((number, *priority));
            }
        })
    };
    let told = PRIORITIES.iter().find(|(priority, ..)| *priority == file.priority);
    let is_skipped = file.priority == FilePriority::Skip;
    html! {
        <tr class={classes!(is_skipped.then_some("is-skipped"))} data-testid="file" data-path={file.path.clone()}
            data-progress={share.to_string()}>
            <th scope="row">{ &file.path }</th>
            <td class="has">
                <progress max="1" value={share.to_string()} aria-label="Verified share" />
                <span>{ format::percent(share) }</span>
            </td>
            <td class="number">{ format::bytes(file.len) }</td>
            <td>
                <Choice id={format!("file-{}", file.number)} label={format!("Priority of {}", file.path)}
                    choices={PRIORITIES.map(|(_, value, name)| (value, name)).to_vec()}
                    told={told.map_or("normal", |(_, value, _)| *value)} {on_change} />
            </td>
        </tr>
    }
}

/// What to ask for so that all files are wanted, or none: of those that are wanted already, each as much as before.
fn all_wishes(files: &[FileRow], is_wanted: bool) -> Vec<(u32, FilePriority)> {
    let wish = if is_wanted { FilePriority::Normal } else { FilePriority::Skip };
    let is_other = |file: &&FileRow| (file.priority != FilePriority::Skip) != is_wanted;
    files.iter().filter(is_other).map(|file| (file.number, wish)).collect()
}

/// How many files there are, and how many of them are wanted if that is not all.
fn told(files: &[FileRow], total: u64) -> String {
    let all = format::plural(total, "file", "files");
    let skipped = files.iter().filter(|file| file.priority == FilePriority::Skip).count() as u64;
    if skipped == 0 {
        all
    } else {
        format!("{} of {all} wanted", format::count(total.saturating_sub(skipped)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(priorities: &[FilePriority]) -> Vec<FileRow> {
        let file = |(number, priority): (u32, &FilePriority)| FileRow {
            number,
            path: format!("{number}.bin"),
            len: 10,
            verified_bytes: 0,
            priority: *priority,
        };
        (0..).zip(priorities).map(file).collect()
    }

    #[test]
    fn all_and_none_leave_alone_what_is_so_already() {
        let files = files(&[FilePriority::High, FilePriority::Skip, FilePriority::Low]);
        assert_eq!(all_wishes(&files, true), [(1, FilePriority::Normal)]);
        assert_eq!(all_wishes(&files, false), [(0, FilePriority::Skip), (2, FilePriority::Skip)]);
    }

    #[test]
    fn skipped_files_are_told_where_there_are_any() {
        let told = |priorities: &[FilePriority]| {
            told(&files(priorities), priorities.len() as u64).replace('\u{a0}', " ")
        };
        assert_eq!(told(&[FilePriority::Low; 2]), "2 files");
        assert_eq!(told(&[FilePriority::Low, FilePriority::Skip]), "1 of 2 files wanted");
    }
}
