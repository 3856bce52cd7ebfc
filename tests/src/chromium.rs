//! A real Chromium without a window, driven through its WebDriver.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::{By, Capabilities, WebDriver, WebElement};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::places::{Scratch, fresh_addr};
use crate::process::Process;
use crate::{proc_tree, wait};

/// Browsers that run at the same time in one test program: more only make each other slow.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// A profile folder, which outlives the browsers that use it one after the other, and one of the places for browsers.
#[derive(Debug)]
pub struct Profile {
    folder: PathBuf,
    /// Where the browser puts what it downloads.
    pub downloads: PathBuf,
    log_dir: PathBuf,
    _place: SemaphorePermit<'static>,
}

impl Profile {
    /// A new profile, as soon as there is a place for a browser.
    ///
    /// # Panics
    /// Never: the places are never closed.
    pub async fn new(scratch: &Scratch) -> Self {
        let place = BROWSERS.acquire().await.expect("invariant: the semaphore is never closed");
        Self {
            folder: scratch.folder("chromium-profile"),
            downloads: scratch.folder("chromium-downloads"),
            log_dir: scratch.path().to_owned(),
            _place: place,
        }
    }

    /// Starts a browser on it. The one before must have ended.
    pub async fn browser(&self) -> Browser {
        self.browser_with(&[]).await
    }

    /// As [`Profile::browser`] with more of Chromium's switches.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn browser_with(&self, switches: &[&str]) -> Browser {
        let addr = fresh_addr();
        // chromedriver listens on 127.0.0.1 whatever it is told, so only the port is its own.
        let addr = std::net::SocketAddr::from(([127, 0, 0, 1], crate::places::free_port(addr.ip())));
        let args = [format!("--port={}", addr.port())];
        let mut chromedriver = Process::start("chromedriver", "chromedriver", args, &self.log_dir);
        chromedriver.wait_for_port(addr).await;
        let capabilities = self.capabilities(switches);
        let driver = WebDriver::new(format!("http://{addr}"), capabilities).await.expect("Chromium starts");
        Browser { driver: Some(driver), chromedriver }
    }

    /// Deletes its folders, and with them all that pages have stored.
    ///
    /// # Panics
    /// When that is not possible, for instance while a browser uses it.
    pub fn delete(self) {
        for folder in [&self.folder, &self.downloads] {
            std::fs::remove_dir_all(folder).expect("a profile that nobody uses can be deleted");
        }
    }

    fn capabilities(&self, switches: &[&str]) -> Capabilities {
        let mut args = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--hide-crash-restore-bubble".to_owned(),
            "--window-size=1280,900".to_owned(),
            format!("--user-data-dir={}", self.folder.display()),
        ];
        args.extend(switches.iter().map(ToString::to_string));
        let prefs = json!({
            "download.default_directory": self.downloads,
            "download.prompt_for_download": false,
            "profile.default_content_setting_values.automatic_downloads": 1,
        });
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": args, "prefs": prefs },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it was written as an object") };
        capabilities.into()
    }
}

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    driver: Option<WebDriver>,
    chromedriver: Process,
}

impl Browser {
    /// The WebDriver session.
    ///
    /// # Panics
    /// Never: it is there until the browser is killed, which takes the browser.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("invariant: the session ends with this value")
    }

    /// Process id of the browser's main process, the parent of all others.
    ///
    /// # Panics
    /// When it is gone.
    #[must_use]
    pub fn pid(&self) -> u32 {
        *proc_tree::pids(self.chromedriver.pid()).get(1).expect("chromedriver has started Chromium")
    }

    /// Loads a page.
    ///
    /// # Panics
    /// When it does not load.
    pub async fn open(&self, url: &str) {
        self.driver().goto(url).await.expect("the page loads");
    }

    /// Runs a function body in the page and gives what it returns.
    ///
    /// # Panics
    /// When it throws, or returns something else than a `T`.
    pub async fn run<T: DeserializeOwned>(&self, script: &str, args: Vec<Value>) -> T {
        let result = self.driver().execute(script, args).await.expect("the script runs");
        result.convert().expect("the script returns what it should")
    }

    /// As [`Browser::run`] for a script that ends by calling its last argument with the result.
    ///
    /// # Panics
    /// When it throws, or gives something else than a `T`, or takes longer than `limit`.
    pub async fn run_async<T: DeserializeOwned>(&self, script: &str, args: Vec<Value>, limit: Duration) -> T {
        self.driver().set_script_timeout(limit).await.expect("Chromium takes a time limit");
        let result = self.driver().execute_async(script, args).await.expect("the script runs to its end");
        result.convert().expect("the script gives what it should")
    }

    /// A command of the Chrome DevTools Protocol.
    ///
    /// # Panics
    /// When it fails.
    pub async fn devtools(&self, method: &str, params: Value) -> Value {
        self.driver().cdp().send_raw(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The first element that fits a CSS selector, as soon as there is one.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn element(&self, css: &str) -> WebElement {
        wait::until(&format!("an element {css}"), wait::LONG, async || {
            self.driver().find(By::Css(css.to_owned())).await.ok()
        })
        .await
    }

    /// Clicks the first element that fits a CSS selector, as soon as it can be clicked.
    ///
    /// # Panics
    /// When it cannot in time.
    pub async fn click(&self, css: &str) {
        wait::until(&format!("a click on {css}"), wait::LONG, async || {
            self.driver().find(By::Css(css.to_owned())).await.ok()?.click().await.ok()
        })
        .await;
    }

    /// What the page and its workers wrote to the console since the last call.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.driver().browser_log().await.unwrap_or_default();
        entries.into_iter().map(|entry| format!("{entry:?}")).collect()
    }

    /// Ends every process of the browser at once, as a power cut would: nothing is saved, nobody is told.
    pub async fn kill(mut self) {
        self.chromedriver.kill().await;
    }

    /// Closes it as a person would.
    pub async fn close(mut self) {
        if let Some(driver) = self.driver.take() {
            // A browser that has crashed meanwhile is as closed as it can be.
            let _ = driver.quit().await;
        }
        self.chromedriver.kill().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            // The processes end with `chromedriver`; without this the session would try to say goodbye to them.
            let _ = driver.leak();
        }
    }
}

/// Waits until a file of this name is complete in a browser's download folder.
///
/// # Panics
/// When it is not in time.
pub async fn wait_for_download(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    wait::until_true(&format!("the download of {name}"), wait::LONG, async || {
        // Chromium writes to another name and renames the finished file.
        let unfinished = std::fs::read_dir(folder)
            .expect("the download folder is there")
            .filter_map(Result::ok)
            .any(|entry| entry.path().extension().is_some_and(|extension| extension == "crdownload"));
        path.exists() && !unfinished
    })
    .await;
    path
}
