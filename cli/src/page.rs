//! The page of `--ui`: a server for this machine and for whoever has its address alone. It knows no project;
//! what it shows, others tell it.
//!
//! Nobody else gets in: it listens on the loopback address, everything lies beneath a path that cannot be guessed, the
//! host that was asked for must be this one (so no name of somebody else's leads here), and no page of another origin
//! is answered. It only reads.

mod answer;
mod hub;
mod wire;

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
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
    /// The hosts that may be asked for.
    hosts: [String; 2],
}

/// Serves the page from now on, on any free port; the answer is its address.
///
/// # Errors
/// When there is no port, or no randomness.
pub(crate) fn serve(told: Arc<dyn Told>, hub: Hub) -> Result<String, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let token = token().map_err(|error| format!("cannot make an address that nobody can guess: {error}"))?;
    let hosts = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"));
    let url = format!("http://{}/{token}/", hosts[0]);
    let desk = Arc::new(Desk { told, hub, token, hosts });
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

/// 128 random bits.
fn token() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text = String::new();
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
