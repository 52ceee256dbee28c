//! Requests and answers: who may ask, what is there, parts of files. It knows no build.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use serde_json::Value;

use super::wire::Request;
use super::{Bytes, Desk};

/// What is said of every answer: nothing is kept, nothing is guessed, and nobody else may show it.
const ALWAYS: [(&str, &str); 6] = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    ),
];

/// What the page runs.
const SCRIPTS: [(&str, &str); 6] = [
    ("page.js", include_str!("page.js")),
    ("base.js", include_str!("base.js")),
    ("film.js", include_str!("film.js")),
    ("timeline.js", include_str!("timeline.js")),
    ("gantt.js", include_str!("gantt.js")),
    ("nodes.js", include_str!("nodes.js")),
];

/// How often is said that the page is still there.
const ALIVE: Duration = Duration::from_secs(10);

/// Answers a request. Whoever asked may be gone by then, which is as good.
pub(super) fn answer(desk: &Desk, request: Request) {
    if !may(desk, &request) {
        return say(request, 403, "text/plain", "this page is for whoever has its address".to_owned());
    }
    if !matches!(request.method(), "GET" | "HEAD") {
        return say(request, 405, "text/plain", "this page is only read".to_owned());
    }
    let target = request.target().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let Some(path) = path.strip_prefix('/').and_then(|path| path.strip_prefix(&desk.token)) else {
        return say(request, 403, "text/plain", "this page is for whoever has its address".to_owned());
    };
    match path {
        "/" => say(request, 200, "text/html; charset=utf-8", include_str!("index.html").to_owned()),
        "/page.css" => say(request, 200, "text/css; charset=utf-8", include_str!("page.css").to_owned()),
        "/events" => tell_events(desk, request),
        "/graph.svg" | "/graph.json" => match desk.told.graph() {
            Ok((svg, _)) if path == "/graph.svg" => say(request, 200, "image/svg+xml", svg),
            Ok((_, json)) => say(request, 200, "application/json", json),
            Err(why) => say(request, 409, "text/plain", why),
        },
        "/film" => tell(request, desk.told.film(&value(query, "name"))),
        "/node" => tell(request, desk.told.node(&value(query, "name"))),
        "/artifact" => match desk.told.artifact(&value(query, "node"), &value(query, "port")) {
            Ok(content) => send(request, content.bytes, shown_as(&content.media)),
            Err(why) => say(request, 404, "text/plain", why),
        },
        "/output" => match desk.hub.output(&value(query, "name")) {
            Some(file) => {
                let media = media(&file);
                send(request, Bytes::File(file), media);
            }
            None => say(request, 404, "text/plain", "there is no such output".to_owned()),
        },
        _ => match SCRIPTS.into_iter().find(|(name, _)| path.strip_prefix('/') == Some(*name)) {
            Some((_, script)) => say(request, 200, "text/javascript; charset=utf-8", script.to_owned()),
            None => say(request, 404, "text/plain", "there is no such page".to_owned()),
        },
    }
}

/// Whether this machine's own page, or its user, asks.
fn may(desk: &Desk, request: &Request) -> bool {
    let host = request.field("Host").filter(|host| desk.is_host(host));
    let same = |origin: &str| host.is_some_and(|host| origin == format!("http://{host}"));
    host.is_some()
        && request.field("Origin").is_none_or(same)
        && request.field("Sec-Fetch-Site").is_none_or(|site| site != "cross-site" && site != "same-site")
}

fn say(request: Request, status: u16, media: &str, text: String) {
    let fields: Vec<(&str, &str)> = ALWAYS.into_iter().chain([("Content-Type", media)]).collect();
    let _ = request.answer(status, &fields, text.as_bytes(), text.len() as u64);
}

/// What happens, line by line, until nobody listens.
fn tell_events(desk: &Desk, request: Request) {
    let fields: Vec<(&str, &str)> =
        ALWAYS.into_iter().chain([("Content-Type", "text/event-stream")]).collect();
    let Ok(mut out) = request.go_on(&fields) else { return };
    let (before, heard) = desk.hub.listen();
    let mut put = |text: &str| out.write_all(text.as_bytes());
    // Written at once: there may be thousands.
    let told = before.iter().fold("retry: 1000\n\n".to_owned(), |told, line| told + &event(line));
    if put(&told).is_err() {
        return;
    }
    loop {
        let told = match heard.recv_timeout(ALIVE) {
            Ok(line) => put(&heard.try_iter().fold(event(&line), |told, line| told + &event(&line))),
            Err(RecvTimeoutError::Timeout) => put(": still there\n\n"),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if told.is_err() {
            return;
        }
    }
}

fn event(line: &str) -> String {
    format!("data: {line}\n\n")
}

/// What is known of something, or why nothing is.
fn tell(request: Request, known: Result<Value, String>) {
    match known {
        Ok(known) => say(request, 200, "application/json", known.to_string()),
        Err(why) => say(request, 404, "text/plain", why),
    }
}

/// What is read from some place in it on.
trait Readable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Readable for T {}

/// Bytes, or the part of them that was asked for.
fn send(request: Request, bytes: Bytes, media: &'static str) {
    let opened: io::Result<(Box<dyn Readable>, u64)> = match bytes {
        Bytes::File(path) => File::open(path)
            .and_then(|file| file.metadata().map(|meta| (Box::new(file) as Box<dyn Readable>, meta.len()))),
        Bytes::Memory(bytes) => {
            let length = bytes.len() as u64;
            Ok((Box::new(Cursor::new(bytes)), length))
        }
    };
    let Ok((mut source, length)) = opened else {
        return say(request, 404, "text/plain", "it is not there".to_owned());
    };
    let asked = request.field("Range").map(|asked| range(asked, length));
    let part = match asked {
        Some(None) => return say(request, 416, "text/plain", "there is no such part".to_owned()),
        Some(Some(part)) => Some(part),
        None => None,
    };
    let whole = part.clone().unwrap_or(0..length);
    if source.seek(SeekFrom::Start(whole.start)).is_err() {
        return say(request, 500, "text/plain", "it cannot be read".to_owned());
    }
    let mut fields: Vec<(&str, &str)> = ALWAYS.to_vec();
    fields.extend([("Content-Type", media), ("Accept-Ranges", "bytes")]);
    let said = part.as_ref().map(|part| format!("bytes {}-{}/{length}", part.start, part.end - 1));
    fields.extend(said.as_deref().map(|said| ("Content-Range", said)));
    let status = if part.is_some() { 206 } else { 200 };
    let _ = request.answer(status, &fields, source, whole.end - whole.start);
}

/// As what an artifact is given to a browser: what it can show and what runs nothing; the rest as bytes.
fn shown_as(media: &str) -> &'static str {
    const SHOWN: [&str; 17] = [
        "video/mp4",
        "video/quicktime",
        "video/webm",
        "audio/mp4",
        "audio/wav",
        "audio/flac",
        "audio/mpeg",
        "audio/ogg",
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/gif",
        "image/bmp",
        "application/json",
        "text/vtt",
        "application/ogg",
        "image/avif",
    ];
    let known = SHOWN.into_iter().find(|known| *known == media);
    let text = media.starts_with("text/") || media == "application/x-subrip";
    known.unwrap_or(if text { "text/plain; charset=utf-8" } else { "application/octet-stream" })
}

/// The part of so many bytes that `bytes=a-b`, `bytes=a-` or `bytes=-n` means; only one.
fn range(asked: &str, length: u64) -> Option<Range<u64>> {
    let (start, end) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let part = match (start.trim(), end.trim()) {
        ("", last) => length.saturating_sub(last.parse().ok()?)..length,
        (start, "") => start.parse().ok()?..length,
        (start, end) => start.parse().ok()?..end.parse::<u64>().ok()?.checked_add(1)?.min(length),
    };
    (part.start < part.end).then_some(part)
}

fn media(path: &Path) -> &'static str {
    let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
    match end.as_deref() {
        Some("mp4" | "m4v") => "video/mp4",
        Some("mov") => "video/quicktime",
        Some("webm") => "video/webm",
        Some("m4a") => "audio/mp4",
        Some("wav") => "audio/wav",
        Some("flac") => "audio/flac",
        Some("mp3") => "audio/mpeg",
        Some("ogg" | "opus") => "audio/ogg",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("vtt") => "text/vtt",
        Some("mkv") => "application/octet-stream",
        // Whatever else a project makes is shown as text, and nothing of it runs.
        _ => "text/plain; charset=utf-8",
    }
}

/// A value of the query, decoded.
fn value(query: &str, name: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let raw = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = |byte: u8| char::from(byte).to_digit(16);
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let code = hex(*high).unwrap_or_default() * 16 + hex(*low).unwrap_or_default();
                bytes.push(code as u8);
                rest = after;
            }
            _ => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_file_are_as_browsers_ask_for_them() {
        assert_eq!(range("bytes=0-", 10), Some(0..10));
        assert_eq!(range("bytes=2-3", 10), Some(2..4));
        assert_eq!(range("bytes=2-99", 10), Some(2..10));
        assert_eq!(range("bytes=-3", 10), Some(7..10));
        assert_eq!(range("bytes=10-", 10), None);
        assert_eq!(range("lines=1-2", 10), None);
    }

    #[test]
    fn artifacts_are_shown_as_what_runs_nothing() {
        assert_eq!(shown_as("video/mp4"), "video/mp4");
        assert_eq!(shown_as("text/html"), "text/plain; charset=utf-8");
        assert_eq!(shown_as("text/javascript"), "text/plain; charset=utf-8");
        for other in ["image/svg+xml", "application/javascript", "application/x-reel-still", ""] {
            assert_eq!(shown_as(other), "application/octet-stream", "{other}");
        }
    }

    #[test]
    fn values_are_decoded() {
        assert_eq!(value("a=1&node=hook%2Fsay+1%", "node"), "hook/say 1%");
        assert_eq!(value("a=1", "node"), "");
    }
}
