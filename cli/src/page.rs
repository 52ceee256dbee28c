//! The page of `--ui`: a server for this machine and for whoever has its address alone. It knows no project;
//! what it shows, others tell it.
//!
//! Nobody else gets in: it listens on the loopback address unless it is told another one, everything lies beneath a path
//! that cannot be guessed, the host that was asked for must be this one (so no name of somebody else's leads here), and
//! no page of another origin is answered. It only reads.

mod answer;
mod hub;
mod wire;

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

pub(crate) use hub::Hub;
use wire::Request;

/// How long is waited when nobody can be let in.
const REST: Duration = Duration::from_millis(50);

/// Who knows what the page shows beside what happens.
pub(crate) trait Told: Send + Sync {
    /// The graph, drawn, and as data.
    fn graph(&self) -> Result<(String, String), String>;
    /// What is where in a film, by the name of an output; null for one that was not joined from segments.
    fn film(&self, output: &str) -> Result<Value, String>;
    /// All that is known of a node.
    fn node(&self, name: &str) -> Result<Value, String>;
    /// What a node of the project put on a port.
    fn artifact(&self, node: &str, port: &str) -> Result<Content, String>;
}

/// Something that can be seen or heard, or read.
pub(crate) struct Content {
    /// Where it is.
    pub(crate) bytes: Bytes,
    /// What it is, such as `image/png`.
    pub(crate) media: String,
}

/// Where bytes are.
pub(crate) enum Bytes {
    /// In a file that is only read.
    File(PathBuf),
    /// Here.
    Memory(Arc<[u8]>),
}

/// What every answer needs.
struct Desk {
    told: Arc<dyn Told>,
    hub: Hub,
    token: String,
    /// The port that it listens on.
    port: u16,
    /// Whether whoever asks may come from another machine.
    is_open: bool,
}

impl Desk {
    /// Whether this is a host that may be asked for: a name would do for anybody whom a name server calls so, so beyond
    /// this machine's own it is an address.
    fn is_host(&self, host: &str) -> bool {
        let own = ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{}", self.port));
        // With the port or without, and with another where something passes on what it is asked.
        let is_address = || host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok();
        own || (self.is_open && is_address())
    }
}

/// Where the page is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The address to listen on; without it, any free port of the loopback address.
    pub(crate) address: Option<SocketAddr>,
    /// Where the part of the address that cannot be guessed is kept, so that an address that was given stays the same.
    pub(crate) kept: &'a Path,
}

/// Serves the page from now on; the answer is its address.
///
/// # Errors
/// When there is no such port, or no randomness.
pub(crate) fn serve(told: Arc<dyn Told>, hub: Hub, place: Place<'_>) -> Result<String, String> {
    let wanted = place.address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    let listener = TcpListener::bind(wanted).map_err(|error| format!("{wanted}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let token = if place.address.is_some() { kept_token(place.kept) } else { token() };
    let token = token.map_err(|error| format!("cannot make an address that nobody can guess: {error}"))?;
    let is_open = !address.ip().is_loopback();
    let url = format!("http://{address}/{token}/");
    let desk = Arc::new(Desk { told, hub, token, port: address.port(), is_open });
    let listen = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // There are too many files open, for a moment.
                thread::sleep(REST);
                continue;
            };
            let desk = Arc::clone(&desk);
            let serve = move || {
                // Whoever asks for nothing is not answered.
                if let Ok(request) = Request::read(stream) {
                    answer::answer(&desk, request);
                }
            };
            // Without a thread this one is not answered, which a browser asks for again.
            let _ = thread::Builder::new().name("reel-page".into()).spawn(serve);
        }
    };
    thread::Builder::new().name("reel-pages".into()).spawn(listen).map_err(|error| error.to_string())?;
    Ok(url)
}

/// The token that was kept, or a new one that is kept from now on, for nobody else to read.
fn kept_token(file: &Path) -> io::Result<String> {
    let is_token = |text: &String| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(kept) = fs::read_to_string(file).ok().filter(is_token) {
        return Ok(kept);
    }
    let token = token()?;
    let written = File::options().write(true).create(true).truncate(true).mode(0o600).open(file);
    // Where it cannot be kept the next address is another.
    let _ = written.and_then(|mut file| io::Write::write_all(&mut file, token.as_bytes()));
    Ok(token)
}

/// 128 random bits.
fn token() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text = String::new();
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
