//! The page of `--ui`, asked as a browser asks, and as those ask that it is not for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::play::{self, Going, Play, hello};

/// A watch with a page.
struct Served {
    going: Going,
    host: String,
    token: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Served {
    fn start(play: &Play) -> Self {
        Self::of(play, "watch")
    }

    fn of(play: &Play, command: &str) -> Self {
        let mut going = play.start(&[command, "--ui", "--json"]);
        let page: Value = serde_json::from_str(&play::next_line(&mut going)).unwrap();
        assert_eq!(page["event"], "page");
        let url = page["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        let (host, token) = url.trim_end_matches('/').split_once('/').unwrap();
        let served = Self { going, host: host.to_owned(), token: token.to_owned() };
        assert!(served.host.starts_with("127.0.0.1:") && served.token.len() == 32, "{url}");
        served
    }

    fn until(&mut self, event: &str) {
        while !play::next_line(&mut self.going).contains(&format!("\"event\":\"{event}\"")) {}
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let own = [("Host", self.host.as_str()), ("Connection", "close")];
        let own = own.into_iter().filter(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        let lines: String =
            own.chain(headers.iter().copied()).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(stream, "GET {path} HTTP/1.1\r\n{lines}\r\n").unwrap();
        stream
    }

    fn raw(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut bytes = Vec::new();
        self.ask(path, headers).read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Something of the page.
    fn get(&self, name: &str) -> Answer {
        self.raw(&format!("/{}/{name}", self.token), &[])
    }

    fn end(self) {
        play::signal(&self.going, "INT");
        assert_eq!(play::finish(self.going).code, 130);
    }
}

#[test]
fn whoever_has_the_address_sees_the_page_and_nobody_else() {
    let play = Play::with(hello());
    let mut served = Served::start(&play);
    served.until("watching");
    let page = served.get("");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("Content-Security-Policy: default-src 'self'"), "{}", page.head);
    assert!(page.body.contains("page.js") && !page.body.contains("http"), "nothing comes from elsewhere");
    let script = "text/javascript";
    let parts =
        ["page.js", "base.js", "film.js", "timeline.js", "gantt.js", "nodes.js"].map(|name| (name, script));
    for (name, media) in parts.into_iter().chain([("page.css", "text/css")]) {
        let answer = served.get(name);
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains(media), "{}", answer.head);
    }
    let path = format!("/{}/", served.token);
    let other = "0".repeat(32);
    assert_eq!(served.raw("/", &[]).status, 403);
    assert_eq!(served.raw(&format!("/{other}/"), &[]).status, 403);
    assert_eq!(served.raw(&path, &[("Host", "evil.example")]).status, 403, "a name that leads here");
    assert_eq!(served.raw(&path, &[("Origin", "http://evil.example")]).status, 403);
    assert_eq!(served.raw(&path, &[("Sec-Fetch-Site", "cross-site")]).status, 403);
    let own = format!("http://{}", served.host);
    assert_eq!(served.raw(&path, &[("Origin", own.as_str())]).status, 200);
    assert_eq!(served.get("../../etc/passwd").status, 404);
    served.end();
}

#[test]
fn an_address_that_was_given_stays_the_same() {
    let play = Play::with(hello());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = format!("0.0.0.0:{port}");
    let mut urls = Vec::new();
    for _ in 0..2 {
        let mut going = play.start(&["watch", "--ui-at", &at, "--json"]);
        let page: Value = serde_json::from_str(&play::next_line(&mut going)).unwrap();
        let url = page["url"].as_str().unwrap().to_owned();
        let token = url.trim_end_matches('/').rsplit_once('/').unwrap().1.to_owned();
        let served = Served { going, host: format!("127.0.0.1:{port}"), token };
        assert_eq!(served.get("").status, 200);
        let path = format!("/{}/", served.token);
        assert_eq!(
            served.raw(&path, &[("Host", "192.0.2.7:8080")]).status,
            200,
            "through whatever leads here"
        );
        assert_eq!(served.raw(&path, &[("Host", "evil.example")]).status, 403, "a name that leads here");
        served.end();
        urls.push(url);
    }
    assert_eq!(urls[0], urls[1]);
    assert_eq!(play.reel(&["build", "--ui-at", "nowhere"]).code, 2);
}

#[test]
fn connections_that_are_kept_keep_nobody_waiting() {
    let play = Play::with(hello());
    let mut served = Served::start(&play);
    served.until("watching");
    // Browsers open several connections at once, some of them in advance; here all are there before any is looked at.
    play::signal(&served.going, "STOP");
    let idle: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(&served.host).unwrap()).collect();
    let path = format!("/{}/page.css", served.token);
    let asked: Vec<TcpStream> = (0..8).map(|_| served.ask(&path, &[("Connection", "keep-alive")])).collect();
    play::signal(&served.going, "CONT");
    for mut stream in &asked {
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).expect("an answer");
        assert_eq!(&begin, b"HTTP/1.1 200");
    }
    drop(idle);
    served.end();
}

#[test]
fn outputs_come_in_parts_and_only_those_that_were_made() {
    let play = Play::with(hello());
    play.write("secret.txt", "not an output");
    let mut served = Served::start(&play);
    served.until("watching");
    let whole = served.get("output?name=again");
    assert_eq!((whole.status, whole.body.as_str()), (200, "hello world, again"));
    assert!(whole.head.contains("Accept-Ranges: bytes"), "{}", whole.head);
    let path = format!("/{}/output?name=again", served.token);
    let part = served.raw(&path, &[("Range", "bytes=6-10")]);
    assert_eq!((part.status, part.body.as_str()), (206, "world"));
    assert!(part.head.contains("Content-Range: bytes 6-10/18"), "{}", part.head);
    assert_eq!(served.raw(&path, &[("Range", "bytes=99-")]).status, 416);
    for name in ["secret.txt", "../secret.txt", "/etc/passwd", ""] {
        assert_eq!(served.get(&format!("output?name={name}")).status, 404, "{name}");
    }
    served.end();
}

#[test]
fn what_happens_is_told_while_it_does() {
    let play = Play::with(hello());
    let mut served = Served::start(&play);
    served.until("watching");
    let graph: Value = serde_json::from_str(&served.get("graph.json").body).unwrap();
    assert_eq!(graph["nodes"][0]["state"], "fresh", "{graph}");
    assert!(served.get("graph.svg").body.starts_with("<svg "));
    let node: Value = serde_json::from_str(&served.get("node?name=hello").body).unwrap();
    assert!(node["result"].as_str().unwrap().starts_with("made in"), "{node}");
    assert_eq!(node["why"]["message"], "fresh: ran in the last build, for the first time");
    assert_eq!(
        node["inputs"][1],
        serde_json::json!({ "slot": "parts.1", "from": [{ "file": "world.txt" }] })
    );
    assert_eq!(node["artifacts"][0]["port"], "text");
    assert!(node["manifest"].as_array().unwrap().iter().any(|field| field["note"] == "world.txt"), "{node}");
    assert_eq!(served.get("node?name=nobody").status, 404);
    let mut events = BufReader::new(served.ask(&format!("/{}/events", served.token), &[])).lines();
    let mut event = |name: &str| -> Value {
        loop {
            let line = events.next().unwrap().unwrap();
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let event: Value = serde_json::from_str(data).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    };
    assert_eq!(event("finished")["ran"], 2, "what happened before is told, too");
    play.write("world.txt", "moon");
    assert_eq!(event("changed")["files"], serde_json::json!(["world.txt"]));
    event("began");
    assert_eq!(event("will-run")["node"], "hello");
    assert_eq!(event("finished")["ran"], 2);
    assert_eq!(served.get("output?name=again").body, "hello moon, again");
    play.write("reel.yaml", "version: [");
    assert_eq!(event("diagnostic")["code"], "R001");
    assert_eq!(served.get("graph.json").status, 409);
    assert_eq!(served.get("output?name=again").body, "hello moon, again", "the last good one stays");
    served.end();
}

#[test]
fn artifacts_are_those_of_nodes_of_this_project() {
    let play = Play::with(hello());
    let mut served = Served::start(&play);
    served.until("watching");
    let whole = served.get("artifact?node=hello&port=text");
    assert_eq!((whole.status, whole.body.as_str()), (200, "hello world"));
    assert!(whole.head.contains("text/plain") && whole.head.contains("nosniff"), "{}", whole.head);
    let path = format!("/{}/artifact?node=hello&port=text", served.token);
    let part = served.raw(&path, &[("Range", "bytes=-5")]);
    assert_eq!((part.status, part.body.as_str()), (206, "world"));
    for wrong in [
        "artifact?node=hello&port=words",
        "artifact?node=nobody&port=text",
        "artifact?node=../hello&port=text",
        "artifact?node=hello",
        "artifact",
        "film?name=nobody",
    ] {
        assert_eq!(served.get(wrong).status, 404, "{wrong}");
    }
    assert_eq!(served.get("film?name=again").body, "null", "a text is no film");
    served.end();
}

#[test]
fn a_build_with_a_page_stays_until_it_is_told_to_go() {
    let play = Play::with(hello());
    let mut served = Served::of(&play, "build");
    served.until("finished");
    assert_eq!(served.get("output?name=again").body, "hello world, again");
    play::signal(&served.going, "INT");
    assert_eq!(play::finish(served.going).code, 0, "the build was right");

    let mut again = Served::of(&play, "build");
    again.until("finished");
    assert_eq!(again.get("artifact?node=again&port=text").body, "hello world, again", "nothing ran");
    play::signal(&again.going, "TERM");
    assert_eq!(play::finish(again.going).code, 0);

    std::fs::remove_file(play.path("world.txt")).unwrap();
    assert_eq!(play.reel(&["build", "--ui"]).code, 2, "a project that is wrong has no page");
}
