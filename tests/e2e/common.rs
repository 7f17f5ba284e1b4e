//! What the tests share: a data directory, the command, a server, tables.
//!
//! What always holds: no child outlives its test, and none runs longer than [`PATIENCE`].

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The clock of every test that does not say otherwise.
pub const NOW: &str = "2026-10-20T12:00:00Z";
/// How long any one command may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Says out loud what was not tested. Written past the test harness, which keeps what a passing test prints.
pub fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr has each of these texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in:\n{}", self.stderr);
        }
        self
    }

    /// Asserts that no output has the value.
    #[track_caller]
    pub fn hides(self, value: &str) -> Self {
        assert!(!self.stdout.contains(value) && !self.stderr.contains(value), "{value:?} is shown:\n{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// Waits for a child, and kills it when it takes too long.
pub fn wait(child: &mut Child, patience: Duration) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            return status.code();
        }
        if started.elapsed() > patience {
            child.kill().expect("own child");
            child.wait().expect("own child");
            panic!("a child ran longer than {patience:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe reads");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs a command to its end.
pub fn run(mut command: Command) -> Ran {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let stdout = collect(child.stdout.take().expect("piped"));
    let stderr = collect(child.stderr.take().expect("piped"));
    let code = wait(&mut child, PATIENCE);
    Ran { code, stdout: stdout.join().expect("read"), stderr: stderr.join().expect("read") }
}

/// A data directory of its own, with room for files beside it.
pub struct Home {
    dir: tempfile::TempDir,
    data: PathBuf,
    /// The fixed clock; none lets the wall clock run.
    pub now: Option<String>,
    /// More of the environment, such as the engines.
    pub env: Vec<(&'static str, String)>,
}

impl Home {
    /// Made by `init`.
    pub fn new() -> Self {
        let home = Self::bare();
        let identity = home.path("identity.txt");
        home.run(&["init", "--identity-out", &identity]).exits(0);
        home
    }

    /// Before `init`.
    pub fn bare() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        Self { dir, data, now: Some(NOW.to_owned()), env: Vec::new() }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Moves the data directory elsewhere, such as to a small file system.
    pub fn set_data(&mut self, data: PathBuf) {
        self.data = data;
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file beside the data directory.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// The command with nothing of the caller's environment that would change it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testigo"));
        self.dress(&mut command);
        command.args(arguments);
        command
    }

    /// The environment and data directory of this home.
    pub fn dress(&self, command: &mut Command) {
        command.current_dir(self.dir.path()).env("TESTIGO_DATA", &self.data);
        for name in ["RUST_LOG", "TESTIGO_NOW"] {
            command.env_remove(name);
        }
        if let Some(now) = &self.now {
            command.env("TESTIGO_NOW", now);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments))
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        self.run(&all).exits(0).json()
    }

    /// Adds a source of Washington; returns its token.
    pub fn source(&self, name: &str) -> String {
        let arguments = ["source", "add", name, "--kind", "hotline", "--state", "WA", "--zone", "America/Los_Angeles"];
        let token = self.run(&arguments).exits(0).stdout.trim().to_owned();
        assert!(token.len() == 43 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        token
    }

    /// `status --json`, whose sums add up: in all, and by source.
    #[track_caller]
    pub fn status(&self) -> Value {
        let status = self.json(&["status"]);
        let n = |v: &Value, key: &str| v[key].as_u64().unwrap_or_else(|| panic!("{key}: {v}"));
        let parts = ["coded", "revisions", "repeats", "rejected", "waiting"];
        let sources = status["sources"].as_array().expect("an array");
        for sums in sources.iter().chain([&status]) {
            assert_eq!(n(sums, "received"), parts.iter().map(|key| n(sums, key)).sum::<u64>(), "{status}");
        }
        for key in parts.iter().chain(&["received"]) {
            assert_eq!(n(&status, key), sources.iter().map(|s| n(s, key)).sum::<u64>(), "{status}");
        }
        status
    }

    /// Every stored version, as `export reports --history` gives it.
    pub fn history(&self) -> Vec<Value> {
        let out = self.path("history.ndjson");
        self.run(&["export", "reports", "--format", "ndjson", "--history", "--out", &out]).exits(0);
        lines(&std::fs::read_to_string(&out).expect("written"))
    }

    /// Publishes the brief of a month, and has it verified.
    #[track_caller]
    pub fn brief(&self, period: &str, name: &str) -> PathBuf {
        let out = self.path(name);
        self.run(&["brief", "--period", period, "--out", &out]).exits(0);
        self.run(&["verify", &out]).exits(0);
        PathBuf::from(out)
    }
}

/// NDJSON as values.
pub fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Counts of a status by these keys.
pub fn counts(status: &Value, keys: &[&str]) -> Vec<u64> {
    keys.iter().map(|key| status[*key].as_u64().expect("a count")).collect()
}

/// A table's rows by column.
pub type Row = BTreeMap<String, String>;

/// Reads a table of a published directory.
pub fn table(dir: &Path, name: &str) -> Vec<Row> {
    let path = dir.join("tables").join(format!("{name}.csv"));
    csv::Reader::from_path(&path).expect("the table opens").deserialize().map(|row| row.expect("a row reads")).collect()
}

/// Every file of a directory with its bytes, by its path in it.
pub fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(&next).expect("a directory reads") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file reads");
                all.insert(path.strip_prefix(dir).expect("in it").to_owned(), bytes);
            }
        }
    }
    all
}

/// A running `serve`.
pub struct Server {
    child: Child,
    pub url: String,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        Self::spawn(home.command(&all))
    }

    /// Starts a command that is, or runs, `serve`; returns when it listens.
    pub fn spawn(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let stderr = Arc::new(Mutex::new(String::new()));
        let url = loop {
            let Some(line) = lines.next() else {
                panic!("serve ended before it listened:\n{}", stderr.lock().expect("no panic in there"));
            };
            let line = line.expect("stderr is UTF-8");
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
            stderr.lock().expect("no panic in there").push_str(&(line + "\n"));
        };
        let all = Arc::clone(&stderr);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                all.lock().expect("no panic in there").push_str(&(line + "\n"));
            }
        });
        Self { child, url, stderr, reader: Some(reader) }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("own child");
        self.child.wait().expect("own child");
    }

    /// Waits for its end.
    pub fn ends(mut self) -> Option<i32> {
        wait(&mut self.child, Duration::from_secs(30))
    }

    /// SIGTERM; returns the exit code and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        terminate(self.child.id());
        let code = wait(&mut self.child, Duration::from_secs(30));
        if let Some(reader) = self.reader.take() {
            reader.join().expect("read to its end");
        }
        let stderr = self.stderr.lock().expect("no panic in there").clone();
        (code, stderr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends SIGTERM to an own child.
pub fn terminate(id: u32) {
    let status = Command::new("kill").args(["-TERM", &id.to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// A sender of reports.
#[derive(Clone)]
pub struct Sender {
    agent: ureq::Agent,
    token: String,
}

impl Sender {
    pub fn new(token: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(15)))
            .build();
        Self { agent: config.into(), token: token.to_owned() }
    }

    /// Posts; none where the server was not there or went away before it answered.
    pub fn try_post(&self, url: &str, body: &[u8], headers: &[(&str, &str)]) -> Option<(u16, Value)> {
        let mut request =
            self.agent.post(format!("{url}/v1/reports")).header("Authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        Some((response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    #[track_caller]
    pub fn post(&self, url: &str, body: impl AsRef<[u8]>, headers: &[(&str, &str)]) -> (u16, Value) {
        self.try_post(url, body.as_ref(), headers).expect("the server answers")
    }

    #[track_caller]
    pub fn get(&self, url: &str, path: &str) -> (u16, String) {
        let mut response = self.agent.get(format!("{url}{path}")).call().expect("the server answers");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("a text"))
    }
}

/// A plain report of an arrest in Seattle.
pub fn arrest(id: &str, day: &str) -> Value {
    json!({"external_id": id, "occurred": day, "place": "Seattle, WA", "event_kind": "arrest"})
}

/// A store with reports of two months.
pub fn with_reports() -> Home {
    let home = Home::new();
    home.source("hot");
    let of = |month: &str, n: u32| {
        let report = |i| arrest(&format!("{month}-{i}"), &format!("{month}-{i:02}")).to_string();
        (1..=n).map(report).collect::<Vec<_>>()
    };
    let file = home.write("a.ndjson", [of("2026-08", 12), of("2026-09", 17)].concat().join("\n"));
    home.json(&["import", "--source", "hot", &file]);
    home
}

/// A worker that is killed and started again.
pub fn worker(home: &Home) -> Child {
    home.command(&["work"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts")
}

pub fn kill(child: &mut Child) {
    child.kill().expect("own child");
    child.wait().expect("own child");
}

/// Tells the senders to stop, also when the test fails half way.
pub struct StopAtEnd<'a>(pub &'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The receipts of an answer, in order; refused items have none.
pub fn receipts(answer: &Value) -> Vec<Option<String>> {
    let items = answer["items"].as_array().unwrap_or_else(|| panic!("no items: {answer}"));
    items.iter().map(|item| item["receipt"].as_str().map(str::to_owned)).collect()
}

/// Numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Waits until a condition holds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}
