//! One download, with limits of time, size and redirects, and a look at every address before it is asked.
//! It knows no lock file.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use reel_engine::operation::{Call, Failure, FailureCode};
use reqwest::header::LOCATION;
use reqwest::{Client, Response, redirect};
use url::Url;

use super::address::is_public;
use crate::media::sniff;

/// How much a download may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) bytes: u64,
    pub(super) redirects: usize,
    pub(super) connect: Duration,
    /// Longest time in which nothing comes.
    pub(super) silence: Duration,
    pub(super) whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 << 20,
            redirects: 5,
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            whole: Duration::from_secs(600),
        }
    }
}

/// What came.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) media: Option<&'static str>,
    pub(super) log: String,
}

/// Fetches `url` into the file `path`.
pub(super) fn download(
    url: Url,
    path: &Path,
    limits: Limits,
    allow_private: bool,
    call: &Call<'_>,
) -> Result<Got, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of(FailureCode::Machine, format!("cannot use the network: {error}")))?;
    let shown = url.clone();
    let result = runtime.block_on(async {
        tokio::select! {
            got = fetch(url, path, limits, allow_private, call) => got,
            () = cancelled(call) => Err(Failure::of(FailureCode::Cancelled, "cancelled")),
            () = tokio::time::sleep(limits.whole) => {
                Err(network(format!("`{shown}` takes longer than {} s", limits.whole.as_secs())))
            }
        }
    });
    // A name look-up that hangs must not hold the build.
    runtime.shutdown_background();
    result
}

async fn cancelled(call: &Call<'_>) {
    while !(call.cancelled)() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn network(message: impl Into<String>) -> Failure {
    Failure::of(FailureCode::Network, message)
}

async fn fetch(
    mut url: Url,
    path: &Path,
    limits: Limits,
    allow_private: bool,
    call: &Call<'_>,
) -> Result<Got, Failure> {
    let mut log = String::new();
    for _ in 0..=limits.redirects {
        let client = client(&url, limits, allow_private).await?;
        let response = client.get(url.clone()).send().await.map_err(|error| explain(&url, &error))?;
        let _ = writeln!(log, "{} {url}", response.status());
        if response.status().is_redirection() {
            url = target(&url, &response)?;
            continue;
        }
        if !response.status().is_success() {
            return Err(network(format!("`{url}` answers {}", response.status())).log(log));
        }
        let media = save(&url, response, path, limits, call).await?;
        return Ok(Got { media, log });
    }
    Err(network(format!("`{url}` is the end of more than {} redirects", limits.redirects)).log(log))
}

/// A client that asks only addresses that were looked at: the name is not looked up a second time.
async fn client(url: &Url, limits: Limits, allow_private: bool) -> Result<Client, Failure> {
    let host = url.host_str().ok_or_else(|| network(format!("`{url}` names no host")))?;
    let port = url.port_or_known_default().unwrap_or(443);
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, port))
        .await
        .map_err(|error| network(format!("`{host}` cannot be found: {error}")))?
        .collect();
    let allowed: Vec<SocketAddr> =
        found.iter().copied().filter(|address| allow_private || is_public(address.ip())).collect();
    // One private address among public ones is refused, too: a server may answer differently each time.
    if allowed.len() < found.len() || allowed.is_empty() {
        let address = found.first().map(|address| address.ip().to_string()).unwrap_or_default();
        return Err(network(format!("`{host}` is at {address}, which is not on the public network"))
            .help("`--allow-private-network` lets reel ask private and loopback addresses"));
    }
    // Whoever set another one before is right, too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .resolve_to_addrs(host, &allowed)
        .connect_timeout(limits.connect)
        .read_timeout(limits.silence)
        .user_agent(concat!("reel/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Failure::of(FailureCode::Machine, format!("cannot use the network: {error}")))
}

fn target(url: &Url, response: &Response) -> Result<Url, Failure> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| url.join(location).ok());
    match next {
        Some(next) if matches!(next.scheme(), "http" | "https") => Ok(next),
        _ => Err(network(format!("`{url}` leads to no URL that can be fetched"))),
    }
}

/// Writes the body to a file and tells what it begins like.
async fn save(
    url: &Url,
    mut response: Response,
    path: &Path,
    limits: Limits,
    call: &Call<'_>,
) -> Result<Option<&'static str>, Failure> {
    let too_large =
        || network(format!("`{url}` is larger than {} bytes", limits.bytes)).help("raise `limit`");
    let announced = response.content_length();
    if announced.is_some_and(|length| length > limits.bytes) {
        return Err(too_large());
    }
    let machine =
        |error: std::io::Error| Failure::of(FailureCode::Machine, format!("cannot keep `{url}`: {error}"));
    let mut file = File::create(path).map_err(machine)?;
    let (mut head, mut written) = (Vec::new(), 0_u64);
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(url, &error))? {
        written += chunk.len() as u64;
        if written > limits.bytes {
            return Err(too_large());
        }
        head.extend(chunk.iter().take(sniff::HEAD.saturating_sub(head.len())));
        file.write_all(&chunk).map_err(machine)?;
        let thousandths = announced.filter(|&all| all > 0).map_or(0, |all| written * 1000 / all);
        (call.progress)(thousandths.min(1000) as u16);
    }
    if written == 0 {
        return Err(network(format!("`{url}` is empty")));
    }
    Ok(sniff::media_type(&head))
}

/// A failed request with its innermost cause, which says more than the outer one.
fn explain(url: &Url, error: &reqwest::Error) -> Failure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    network(format!("cannot fetch `{url}`: {cause}"))
}
