//! Acknowledged means durable: the system calls say so.
//!
//! The checker reads a trace of `strace -f -yy`: after a connection's request was read and before its 202 is written, a
//! flush of the queue's log must have begun and ended well. It is tested on doctored traces too.

use std::collections::HashMap;
use std::process::Command;

use crate::common::{Home, Sender, Server, arrest, skipped, terminate};

/// The file that must be flushed.
const LOG: &str = "queue.sqlite-wal";
const CALLS: &str = "trace=fsync,fdatasync,read,write,recvfrom,sendto,readv,writev,recvmsg,sendmsg";

/// Checks a trace; returns how many answers of 202 it has, or the first that nothing made durable.
fn check(trace: &str) -> Result<usize, String> {
    // By socket: the line at which its request was read.
    let mut asked: HashMap<String, usize> = HashMap::new();
    // Flushes under way by thread, with the line at which they began; and those that ended well.
    let mut begun: HashMap<&str, usize> = HashMap::new();
    let mut flushed: Vec<usize> = Vec::new();
    // A call that another interrupted in the trace is split in two lines: the first has the arguments.
    let mut split: HashMap<&str, String> = HashMap::new();
    let mut answers = 0;
    for (number, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let flush = rest.starts_with("fdatasync(") || rest.starts_with("fsync(");
        if flush && rest.contains(LOG) {
            if rest.ends_with("= 0") {
                flushed.push(number);
            } else if rest.contains("<unfinished") {
                begun.insert(thread, number);
            }
            continue;
        }
        if rest.starts_with("<... fdatasync resumed") || rest.starts_with("<... fsync resumed") {
            if let Some(from) = begun.remove(thread)
                && rest.ends_with("= 0")
            {
                flushed.push(from);
            }
            continue;
        }
        let whole = if rest.starts_with("<... ") {
            let Some(first) = split.remove(thread) else { continue };
            first + rest
        } else {
            if rest.contains("<unfinished") {
                split.insert(thread, rest.to_owned());
            }
            rest.to_owned()
        };
        let Some(socket) = whole.split_once('<').and_then(|(_, r)| r.split_once('>')).map(|(s, _)| s.to_owned()) else {
            continue;
        };
        if whole.contains("POST /v1/reports") {
            asked.insert(socket, number);
        } else if whole.contains("HTTP/1.1 202") && !rest.starts_with("<... ") {
            let Some(at) = asked.remove(&socket) else { return Err(format!("an answer without a request: {whole}")) };
            if !flushed.iter().any(|begun| *begun > at) {
                return Err(format!("line {}: a 202 before a flush that began after its request", number + 1));
            }
            answers += 1;
        }
    }
    Ok(answers)
}

#[test]
fn a_202_is_written_after_the_log_is_flushed() {
    if Command::new("strace").arg("--version").output().is_err() {
        return skipped("strace is not installed: whether a 202 waits for fdatasync was not seen");
    }
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let trace = home.path("trace");
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-yy", "-s", "64", "-e", CALLS, "-o", &trace]);
    tracer.args([env!("CARGO_BIN_EXE_testigo"), "serve", "--listen", "127.0.0.1:0", "--no-worker"]);
    home.dress(&mut tracer);
    let allowed = Command::new("strace").args(["-o", "/dev/null", "true"]).status().expect("strace runs");
    if !allowed.success() {
        return skipped("strace may not trace here: whether a 202 waits for fdatasync was not seen");
    }
    let server = Server::spawn(tracer);
    for n in 0..20 {
        let (status, _) = sender.post(&server.url, arrest(&n.to_string(), "2026-09-01").to_string(), &[]);
        assert_eq!(status, 202);
    }
    // strace passes no signal on: its child is told to end, and it ends with it.
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.id())).expect("its child");
    for child in children.split_whitespace() {
        terminate(child.parse().expect("a process id"));
    }
    assert_eq!(server.ends(), Some(0));
    let text = String::from_utf8_lossy(&std::fs::read(&trace).expect("a trace")).into_owned();
    assert_eq!(check(&text), Ok(20));

    // The same trace as if the flushes had not been: the checker must see it.
    let without: String = text
        .lines()
        .filter(|l| !l.contains("sync(") && !l.contains("sync resumed"))
        .map(|l| format!("{l}\n"))
        .collect();
    assert!(check(&without).is_err(), "a trace without flushes does not pass");
    let failed = text.replace(&format!("{LOG}>) = 0"), &format!("{LOG}>) = -1 EIO (Input/output error)"));
    if failed != text {
        assert!(
            check(&failed.replace("sync resumed>) = 0", "sync resumed>) = -1 EIO")).is_err(),
            "nor one whose flushes fail"
        );
    }
}

#[test]
fn the_checker_tells_a_flush_in_time_from_one_that_is_not() {
    let asked = "7 recvfrom(9<TCP:[127.0.0.1:80->127.0.0.1:5]>, \"POST /v1/reports HTTP/1.1\", 8192, 0) = 24\n";
    let answer = "7 sendto(9<TCP:[127.0.0.1:80->127.0.0.1:5]>, \"HTTP/1.1 202 Accepted\", 21, 0) = 21\n";
    let flush = format!("8 fdatasync(4</d/{LOG}>) = 0\n");
    let begun = format!("8 fdatasync(4</d/{LOG}> <unfinished ...>\n");
    let ended = "8 <... fdatasync resumed>) = 0\n";
    let failed = "8 <... fdatasync resumed>) = -1 EIO (Input/output error)\n";
    let other = "8 fdatasync(4</d/store.sqlite-wal>) = 0\n";
    assert_eq!(check(&[asked, &flush, answer].concat()), Ok(1));
    assert_eq!(check(&[asked, &begun, ended, answer].concat()), Ok(1));
    assert!(check(&[asked, answer].concat()).is_err(), "no flush");
    assert!(check(&[flush.as_str(), asked, answer].concat()).is_err(), "a flush before the request");
    assert!(check(&[asked, answer, &flush].concat()).is_err(), "a flush after the answer");
    assert!(check(&[begun.as_str(), asked, ended, answer].concat()).is_err(), "a flush that began too early");
    assert!(check(&[asked, &begun, answer, ended].concat()).is_err(), "a flush that ended too late");
    assert!(check(&[asked, &begun, failed, answer].concat()).is_err(), "a flush that failed");
    assert!(check(&[asked, other, answer].concat()).is_err(), "a flush of another file");
}
