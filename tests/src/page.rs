//! The page through its stable hooks, as a script of a user's would see it.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::chromium::Browser;
use crate::content::Content;
use crate::wait;

/// The page in a browser.
#[derive(Debug)]
pub struct Page<'a> {
    /// The browser that shows it.
    pub browser: &'a Browser,
}

/// A torrent as the list shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    /// 40 hexadecimal digits.
    pub info_hash: String,
    /// As `data-state` has it.
    pub state: String,
    /// Verified bytes over wanted bytes.
    pub progress: f64,
    /// Payload received.
    pub down_bytes: u64,
    /// Payload sent.
    pub up_bytes: u64,
    /// Connected peers.
    pub peers: u32,
    /// The error shown with it, empty if none.
    pub error: String,
}

/// A line of the log of decisions.
#[derive(Clone, Debug, Deserialize)]
pub struct LogLine {
    /// What happened.
    pub kind: String,
    /// Code of its reason, empty if it has none.
    pub reason: String,
    /// As a person reads it.
    pub text: String,
}

/// A reason of picks or chokes, with how often it was given.
#[derive(Clone, Debug, Deserialize)]
pub struct Reason {
    /// `pick` or `choke`.
    pub kind: String,
    /// Its code.
    pub code: String,
    /// How often it was given.
    pub count: u64,
    /// Its sentence.
    pub text: String,
}

impl<'a> Page<'a> {
    /// Loads the page and waits until it is connected to its relay.
    pub async fn open(browser: &'a Browser, url: &str) -> Self {
        let page = Self::load(browser, url).await;
        page.wait_for_relay("connected").await;
        page
    }

    /// Loads the page and waits until its form is there.
    pub async fn load(browser: &'a Browser, url: &str) -> Self {
        browser.open(url).await;
        browser.element("[data-testid=add-confirm]").await;
        Self { browser }
    }

    /// Adds a torrent file, as a person who chooses it would.
    ///
    /// # Panics
    /// When the form does not take it.
    pub async fn add_file(&self, torrent: &Path) {
        let field = self.browser.element("[data-testid=add-file]").await;
        let path = torrent.to_str().expect("a path of ours is text");
        field.send_keys(path).await.expect("the file field takes a path");
        self.browser.click("[data-testid=add-confirm]").await;
    }

    /// Adds a torrent by the address of its file.
    ///
    /// # Panics
    /// When the form does not take it.
    pub async fn add_link(&self, link: &str) {
        let field = self.browser.element("[data-testid=add-link]").await;
        field.send_keys(link).await.expect("the link field takes text");
        self.browser.click("[data-testid=add-confirm]").await;
    }

    /// All torrents of the list.
    pub async fn rows(&self) -> Vec<Row> {
        self.browser.run(ROWS, vec![]).await
    }

    /// One torrent of the list.
    pub async fn row(&self, content: &Content) -> Option<Row> {
        self.rows().await.into_iter().find(|row| row.info_hash == content.info_hash)
    }

    /// Waits until a torrent of the list is as `is_so` wants it.
    ///
    /// # Panics
    /// When it is not in time; the message shows how it is.
    pub async fn wait_for(&self, content: &Content, what: &str, is_so: impl Fn(&Row) -> bool) -> Row {
        let deadline = tokio::time::Instant::now() + wait::LONG;
        loop {
            let row = self.row(content).await;
            if let Some(row) = row.as_ref().filter(|row| is_so(row)) {
                return row.clone();
            }
            if tokio::time::Instant::now() > deadline {
                let notices = self.notices().await;
                let console = self.browser.console().await.join("\n");
                panic!(
                    "{} never became {what}: {row:?}, notices {notices:?}, console:\n{console}",
                    content.name
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for a state.
    pub async fn wait_for_state(&self, content: &Content, state: &str) -> Row {
        self.wait_for(content, state, |row| row.state == state).await
    }

    /// Waits until at least this share is verified.
    pub async fn wait_for_progress(&self, content: &Content, share: f64) -> Row {
        self.wait_for(content, &format!("verified up to {share}"), |row| row.progress >= share).await
    }

    /// Waits until the link to the relay is in this state, and gives the text for the user.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn wait_for_relay(&self, state: &str) -> String {
        wait::until(&format!("the relay's state {state}"), wait::LONG, async || {
            let [now, text]: [String; 2] = self.browser.run(RELAY_STATE, vec![]).await;
            (now == state).then_some(text)
        })
        .await
    }

    /// Presses a button of a torrent: `pause`, `resume`, `save`, `recheck` or `remove`.
    ///
    /// # Panics
    /// When there is none that can be pressed in time.
    pub async fn press(&self, content: &Content, button: &str) {
        let css = format!(
            "[data-testid=torrent][data-info-hash='{}'] [data-testid={button}]:not(:disabled)",
            content.info_hash
        );
        self.browser.click(&css).await;
    }

    /// Removes a torrent through the dialog.
    ///
    /// # Panics
    /// When it is still in the list after a while.
    pub async fn remove(&self, content: &Content, with_data: bool) {
        self.press(content, "remove").await;
        if with_data {
            self.browser.click("[data-testid=remove-data]").await;
        }
        self.browser.click("[data-testid=remove-confirm]").await;
        wait::until_true("the torrent to leave the list", wait::LONG, async || {
            self.row(content).await.is_none()
        })
        .await;
    }

    /// The texts of the messages that are shown.
    pub async fn notices(&self) -> Vec<String> {
        self.texts("[data-testid=notice] p").await
    }

    /// Waits until a message is shown that contains `part`.
    ///
    /// # Panics
    /// When there is none in time; the panic shows those that there are.
    pub async fn wait_for_notice(&self, part: &str) -> String {
        self.wait_for_text("[data-testid=notice] p", part).await
    }

    /// Waits until an element that fits a CSS selector has a text that contains `part`, in whatever case.
    ///
    /// # Panics
    /// When there is none in time; the panic shows those that there are.
    pub async fn wait_for_text(&self, css: &str, part: &str) -> String {
        let deadline = tokio::time::Instant::now() + wait::LONG;
        loop {
            let texts = self.texts(css).await;
            let is_it = |text: &&String| text.to_lowercase().contains(&part.to_lowercase());
            if let Some(text) = texts.iter().find(is_it) {
                return text.clone();
            }
            assert!(tokio::time::Instant::now() < deadline, "no {css} says {part:?}: {texts:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Texts of all elements that fit a CSS selector.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        self.browser.run(TEXTS, vec![json!(css)]).await
    }

    /// Shows a torrent in detail.
    ///
    /// # Panics
    /// When it does not appear in time.
    pub async fn show_detail(&self, content: &Content) {
        self.browser
            .run::<()>("location.hash = 'torrent=' + arguments[0]", vec![json!(content.info_hash)])
            .await;
        self.browser.element("[data-testid=detail]").await;
    }

    /// The log of the torrent shown in detail.
    pub async fn log(&self) -> Vec<LogLine> {
        self.browser.run(LOG, vec![]).await
    }

    /// Waits until the log has a line that `is_it`.
    ///
    /// # Panics
    /// When it has none in time; the panic shows the log's last lines.
    pub async fn wait_for_log(&self, what: &str, is_it: impl Fn(&LogLine) -> bool) -> LogLine {
        let deadline = tokio::time::Instant::now() + wait::LONG;
        loop {
            let log = self.log().await;
            if let Some(line) = log.iter().find(|line| is_it(line)) {
                return line.clone();
            }
            assert!(tokio::time::Instant::now() < deadline, "no line of the log tells of {what}: {log:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The reasons shown for the torrent in detail.
    pub async fn reasons(&self) -> Vec<Reason> {
        self.browser.run(REASONS, vec![]).await
    }
}

const ROWS: &str = r"
    return [...document.querySelectorAll('[data-testid=torrent]')].map(row => ({
        info_hash: row.dataset.infoHash,
        state: row.dataset.state,
        progress: Number(row.dataset.progress),
        down_bytes: Number(row.dataset.downBytes),
        up_bytes: Number(row.dataset.upBytes),
        peers: Number(row.dataset.peers),
        error: row.querySelector('[data-testid=torrent-error]')?.textContent ?? '',
    }));
";

const RELAY_STATE: &str = r"
    const element = document.querySelector('[data-testid=relay-state]');
    return [element?.dataset.state ?? '', element?.textContent.trim() ?? ''];
";

const TEXTS: &str = r"
    return [...document.querySelectorAll(arguments[0])].map(element => element.textContent.trim());
";

const LOG: &str = r"
    return [...document.querySelectorAll('[data-testid=log-line]')].map(line => ({
        kind: line.dataset.kind ?? '',
        reason: line.dataset.reason ?? '',
        text: line.textContent.trim(),
    }));
";

const REASONS: &str = r"
    return [...document.querySelectorAll('[data-testid=reason]')].map(reason => ({
        kind: reason.dataset.kind,
        code: reason.dataset.code,
        count: Number(reason.dataset.count),
        text: reason.textContent.trim(),
    }));
";
