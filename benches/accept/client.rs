//! The load: connections that each post one report, wait for the whole answer, and post the next.
//!
//! What always holds: every report has an external id of its own and exactly as many bytes as asked for; an answer counts
//! as an acknowledgement only when it is a 202 that was read to its end; the load ends after a number of reports or a
//! time, whichever comes first, and then no request is under way. Everything runs on one thread and takes little of the
//! processor, so that what is measured is the service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much to send.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub connections: usize,
    pub reports: u64,
    pub at_most: Duration,
    /// Of a report's JSON.
    pub bytes: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Answered {
    pub acknowledged: u64,
    /// Answers other than 202, and connections that broke.
    pub errors: u64,
    /// What the first of the errors was.
    pub first_error: Option<String>,
    pub elapsed: Duration,
    /// From before the first byte was written until the last of the answer was read; sorted.
    latencies: Vec<Duration>,
}

impl Answered {
    /// Acknowledged reports a second.
    pub fn rate(&self) -> f64 {
        self.acknowledged as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that so many per thousand of the acknowledgements did not exceed, in milliseconds.
    pub fn latency_ms(&self, per_mille: usize) -> f64 {
        let rank = (self.latencies.len() * per_mille).div_ceil(1000).max(1);
        self.latencies.get(rank - 1).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }
}

/// Sends the load to a service. `first` is the number of the first report: two loads on one service begin at different ones.
pub fn send(address: SocketAddr, token: &str, load: Load, first: u64) -> Result<Answered> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connections = Vec::with_capacity(load.connections);
        for _ in 0..load.connections {
            let stream = TcpStream::connect(address).await.context("the service takes no connection")?;
            stream.set_nodelay(true)?;
            connections.push(stream);
        }
        let numbers = Arc::new(AtomicU64::new(first));
        let end = first + load.reports;
        let started = Instant::now();
        let mut senders = tokio::task::JoinSet::new();
        for stream in connections {
            let sender = Sender { stream, numbers: Arc::clone(&numbers), end, until: started + load.at_most };
            senders.spawn(sender.run(Requests::new(address, token, load.bytes)?));
        }
        let (mut latencies, mut errors, mut first_error) = (Vec::new(), 0, None);
        while let Some(done) = senders.join_next().await {
            let (of_one, failed) = done.context("a sender panicked")?;
            latencies.extend(of_one);
            if let Err(error) = failed {
                errors += 1;
                first_error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
        let elapsed = started.elapsed();
        latencies.sort_unstable();
        Ok(Answered { acknowledged: latencies.len() as u64, errors, first_error, elapsed, latencies })
    })
}

/// One connection.
struct Sender {
    stream: TcpStream,
    /// The number of the next report, shared by all connections.
    numbers: Arc<AtomicU64>,
    end: u64,
    until: Instant,
}

impl Sender {
    /// Posts until the load ends. The first error ends this connection: what it left half read cannot be made sense of.
    async fn run(mut self, mut requests: Requests) -> (Vec<Duration>, Result<()>) {
        let mut latencies = Vec::new();
        let mut answer = Vec::with_capacity(4096);
        while Instant::now() < self.until {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            if number >= self.end {
                break;
            }
            let request = requests.numbered(number);
            let before = Instant::now();
            match post(&mut self.stream, request, &mut answer).await {
                Ok(()) => latencies.push(before.elapsed()),
                Err(error) => return (latencies, Err(error)),
            }
        }
        (latencies, Ok(()))
    }
}

/// Posts one request and reads its answer to the end.
async fn post(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> Result<()> {
    stream.write_all(request).await?;
    answer.clear();
    loop {
        ensure!(stream.read_buf(answer).await? > 0, "the connection was closed before its answer was whole");
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        if answer.len() >= head + 4 + content_length(&answer[..head])? {
            break;
        }
    }
    if !answer.starts_with(b"HTTP/1.1 202 ") {
        bail!("answered {:?}", String::from_utf8_lossy(answer));
    }
    Ok(())
}

/// The length that an answer's head declares. A service that streams its answer in chunks is not one of ours.
fn content_length(head: &[u8]) -> Result<usize> {
    const NAME: &[u8] = b"content-length:";
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME));
    let value = line.context("an answer without its length")?[NAME.len()..].trim_ascii();
    Ok(std::str::from_utf8(value)?.parse()?)
}

/// What the reports tell, in turn. Everything in them is invented.
const NARRATIVES: [&str; 4] = [
    "Caller says that four or five officers waited in two unmarked cars outside the building since about six in the \
     morning. They stopped her neighbor when he came out to go to work, asked for his name and put him in the second car. \
     No warrant was shown. The family asks for a lawyer; call back at 555-0142 after five.",
    "Llamó la hermana: dos agentes vestidos de civil lo esperaban en el pasillo del juzgado, junto al ascensor, y se lo \
     llevaron antes de la audiencia. Uno dijo que era de la policía. No enseñaron ningún papel. Había otras personas \
     mirando. Pide que le hablen por la noche al 555-0187.",
    "Observer at the courthouse: three people in plain clothes, one with a mask, stood by the doors of part 2 from nine \
     until noon and left with a man in handcuffs. Court officers opened the side door for them. A second observer took \
     notes. She does not know the man.",
    "Vecinos avisan que hay camionetas sin placas en la esquina de la tienda y que preguntan por un trabajador de la obra. \
     No se sabe si son agentes. Nadie fue detenido hasta ahora. Volveremos a llamar a quien avisó, 555-0119, para saber \
     qué pasó al final.",
];

/// Where a report's number stands in its external id, so that it can be changed in place.
const DIGITS: usize = 12;

/// A whole request, kept ready; only its report's number changes.
struct Requests {
    ready: Vec<(Vec<u8>, usize)>,
}

impl Requests {
    fn new(address: SocketAddr, token: &str, bytes: usize) -> Result<Self> {
        let one = |narrative: &str| {
            let body = report(narrative, bytes)?;
            let head = format!(
                "POST /v1/reports HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let digits = body.find(&"0".repeat(DIGITS)).context("a report has a number")? + head.len();
            Ok(((head + &body).into_bytes(), digits))
        };
        Ok(Self { ready: NARRATIVES.into_iter().map(one).collect::<Result<_>>()? })
    }

    fn numbered(&mut self, number: u64) -> &[u8] {
        let turn = (number % NARRATIVES.len() as u64) as usize;
        let (request, digits) = &mut self.ready[turn];
        let mut rest = number;
        for place in request[*digits..*digits + DIGITS].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        request
    }
}

/// A report of exactly so many bytes: its narrative is cut, or goes on in plain words.
fn report(narrative: &str, bytes: usize) -> Result<String> {
    let with = |narrative: &str| {
        serde_json::json!({
            "external_id": format!("line-{}", "0".repeat(DIGITS)),
            "reported_at": "2026-09-14T15:12:00Z",
            "occurred": "this morning",
            "place": "Jamaica, Queens",
            "state": "NY",
            "event_kind": "arrest",
            "tactics": ["unmarked_vehicle", "plainclothes"],
            "agents": {"min": 4, "max": 5, "at_least": false},
            "persons_arrested": 1,
            "narrative": narrative,
        })
        .to_string()
    };
    let room = bytes.checked_sub(with("").len()).context("a report needs more bytes than that")?;
    let mut text = narrative.to_owned();
    while text.len() < room {
        text.push_str(" Nothing more is known.");
    }
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push_str(&".".repeat(room - end));
    let report = with(&text);
    ensure!(report.len() == bytes, "a report has {} bytes, not {bytes}", report.len());
    Ok(report)
}
