//! A browser that nobody sees, driven as the WebDriver standard says. It knows no page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::has;
use crate::space::TestSpace;

/// How long a page may take for what it should do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page; it ends when dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one that keeps its things in the space; `None`, and counted as skipped, where there is none.
    #[must_use]
    pub fn start(test: &str, space: &TestSpace) -> Option<Self> {
        if !["chromium", "chromedriver"].into_iter().all(|program| has(test, program)) {
            return None;
        }
        let mut command = Command::new("chromedriver");
        space.surround(&mut command);
        let mut driver = command
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("it speaks")).lines();
        let port = loop {
            let line = lines.next().expect("it says its port").expect("in text");
            if let Some((_, port)) = line.rsplit_once("started successfully on port ") {
                break port.trim_end_matches('.').parse().expect("a port");
            }
        };
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = space.root().join("browser");
        let mut browser = Self { driver, port, session: String::new() };
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--autoplay-policy=no-user-gesture-required",
            "--window-size=1280,900",
        ];
        let flags: Vec<String> = flags
            .iter()
            .map(|flag| (*flag).to_owned())
            .chain([format!("--user-data-dir={}", profile.display())])
            .collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            // Whoever waits says for what.
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": flags },
        } } });
        let made = browser.ask("POST", "/session", &wanted);
        browser.session =
            made["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {made}")).to_owned();
        Some(browser)
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.call("/url", &json!({ "url": url }));
    }

    /// What a script gives, which may be a promise.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        let whole = format!(
            "const done = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(done, (error) => done(`failed: ${{error}}`));"
        );
        let found = self.call("/execute/async", &json!({ "script": whole, "args": [] }));
        assert!(!found.as_str().is_some_and(|text| text.starts_with("failed: ")), "{found} in {script}");
        found
    }

    /// Waits until a script gives something that counts as true, and gives that.
    #[track_caller]
    pub fn until(&self, script: &str) -> Value {
        let begin = Instant::now();
        loop {
            let found = self.run(script);
            if !matches!(found, Value::Null | Value::Bool(false)) && found != 0 && found != "" {
                return found;
            }
            if begin.elapsed() > PATIENCE {
                let page = self.run("return document.body.innerText.slice(0, 2000)");
                panic!(
                    "never came true: {script}\nthe page says:\n{}\nand:\n{:#?}",
                    page.as_str().unwrap_or(""),
                    self.complaints()
                );
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Tells the page that its screen is so wide, and whether it is dark.
    pub fn look_as(&self, (width, height): (u32, u32), dark: bool) {
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
        let value = if dark { "dark" } else { "light" };
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", &scheme);
    }

    /// Presses keys where the focus is.
    pub fn press(&self, keys: &str) {
        let each = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|type_| json!({ "type": type_, "value": key })));
        let actions: Vec<Value> = each.collect();
        self.call("/actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }));
    }

    /// What the page complained of since the last call.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let told = self.call("/se/log", &json!({ "type": "browser" }));
        let severe = |it: &&Value| it["level"] == "SEVERE" || it["level"] == "WARNING";
        told.as_array().into_iter().flatten().filter(severe).map(|it| it["message"].to_string()).collect()
    }

    fn devtools(&self, command: &str, params: &Value) -> Value {
        self.call("/goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    #[track_caller]
    fn call(&self, path: &str, body: &Value) -> Value {
        let found = self.ask("POST", &format!("/session/{}{path}", self.session), body);
        assert!(found.get("error").is_none(), "{path}: {found}");
        found
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("chromedriver listens");
        stream.set_read_timeout(Some(PATIENCE * 2)).expect("a time to wait");
        let body = body.to_string();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .expect("chromedriver hears");
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a head");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).expect("all of the answer");
        let mut answer: Value = serde_json::from_slice(&answer).expect("JSON");
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        // One that has ended is as good.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
