//! What comes over the network: pinned, locked, offline, and from servers that mean no good.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use reel_tests::repository;
use reel_tests::space::TestSpace;

/// What the server answers, by path.
#[derive(Clone)]
enum Answer {
    /// A body with a status.
    Body(u16, Vec<u8>),
    /// Elsewhere.
    Redirect(String),
    /// A body without an end.
    Endless,
    /// Fewer bytes than announced.
    Short,
}

/// A small server of this machine.
struct Server {
    address: String,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = Arc::new(Mutex::new(BTreeMap::<String, Answer>::new()));
        let asked = Arc::new(AtomicUsize::new(0));
        let (known, count) = (Arc::clone(&answers), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let known = Arc::clone(&known);
                // A client that goes away is none of the server's business.
                thread::spawn(move || drop(serve(stream, &known)));
            }
        });
        Self { address, answers, asked }
    }

    fn put(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, known: &Mutex<BTreeMap<String, Answer>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = known.lock().unwrap().get(&path).cloned().unwrap_or(Answer::Body(404, b"no".to_vec()));
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{more}\r\n");
    match answer {
        Answer::Body(status, body) => {
            stream.write_all(head(status, &format!("Content-Length: {}\r\n", body.len())).as_bytes())?;
            stream.write_all(&body)
        }
        Answer::Redirect(to) => {
            stream.write_all(head(302, &format!("Location: {to}\r\nContent-Length: 0\r\n")).as_bytes())
        }
        Answer::Short => {
            stream.write_all(head(200, "Content-Length: 5000\r\n").as_bytes())?;
            stream.write_all(b"\xff\xd8\xff and no more")
        }
        Answer::Endless => {
            stream.write_all(head(200, "").as_bytes())?;
            loop {
                stream.write_all(&[0xff; 4096])?;
            }
        }
    }
}

fn picture() -> Vec<u8> {
    std::fs::read(repository().join("examples/two-formats/assets/tide.jpg")).unwrap()
}

fn film_of(url: &str) -> TestSpace {
    TestSpace::of(&format!(
        "version: 1\nname: web\nformat: {{ size: 96x96, fps: 25 }}\nscenes:\n  - {{ id: a, show: {{ image: \"{url}\" }}, for: 0.4s }}\noutputs: {{ film: out/film.mp4 }}\n"
    ))
}

const ALLOW: &str = "--allow-private-network";

#[test]
fn a_picture_of_the_web_is_pinned_and_asked_for_once() {
    let server = Server::start();
    server.put("/tide.jpg", Answer::Redirect(server.url("/real.jpg")));
    server.put("/real.jpg", Answer::Body(200, picture()));
    let url = server.url("/tide.jpg");
    let space = film_of(&url);
    assert_eq!(space.build(&["--locked", ALLOW]).code, Some(1), "nothing is pinned yet");
    assert_eq!(server.asked(), 0, "and so nobody is asked");
    let _ = space.build(&[ALLOW]).ok();
    let asked = server.asked();
    let lock = space.json("reel.lock");
    assert_eq!(lock["fetched"][&url]["type"], "image/jpeg", "{lock}");
    assert_eq!(lock["fetched"][&url]["size"], picture().len(), "{lock}");
    let film = space.read("out/film.mp4");
    for more in [&[][..], &["--offline"], &["--locked"]] {
        space.build(more).ok().assert_nothing_ran();
    }
    assert_eq!(server.asked(), asked);

    // Elsewhere, with the lock file from Git and nothing in the cache.
    let twin = space.twin();
    let offline = twin.build(&["--offline", ALLOW]);
    assert_eq!(offline.code, Some(1), "{}", offline.all());
    assert!(offline.all().contains("offline"), "{}", offline.all());
    let _ = twin.build(&["--locked", ALLOW]).ok();
    assert!(twin.read("out/film.mp4") == film);
    assert_eq!(twin.read("reel.lock"), space.read("reel.lock"));

    // The server gives other bytes now.
    let pinned = lock["fetched"][&url]["digest"].as_str().unwrap().to_owned();
    server.put(
        "/real.jpg",
        Answer::Body(200, std::fs::read(repository().join("examples/two-formats/assets/moon.jpg")).unwrap()),
    );
    let third = space.twin();
    let changed = third.build(&["--locked", ALLOW]);
    assert_eq!(changed.code, Some(1), "{}", changed.all());
    let message = changed.events_of("did-fail")[0].to_string();
    assert!(message.contains(&pinned[..8]), "the old digest: {message}");
    let digests = message.split(|c: char| !c.is_ascii_hexdigit()).filter(|part| part.len() >= 8).count();
    assert!(digests >= 2, "both digests: {message}");
    assert!(!third.path("out/film.mp4").exists());
    assert_eq!(third.read("reel.lock"), space.read("reel.lock"));
}

#[test]
fn a_missing_page_fails_its_branch_only() {
    let server = Server::start();
    let space = film_of(&server.url("/none.jpg"));
    space.append("nodes: { good: { uses: text, with: { parts: [fine] } } }\n");
    space.edit("outputs: {", "outputs: { good: { from: \"${good.text}\", file: out/good.txt },");
    let ran = space.build(&[ALLOW, "--keep-going"]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(ran.events_of("did-fail")[0]["message"].as_str().unwrap().contains("404"), "{}", ran.all());
    assert_eq!(space.read("out/good.txt"), b"fine");
    let finished = ran.finished();
    assert_eq!((finished.failed, finished.outputs), (1, vec![space.path("out/good.txt")]));
    assert!(
        !space.path("reel.lock").exists()
            || space.json("reel.lock")["fetched"].as_object().unwrap().is_empty()
    );
    // What failed is tried again.
    server.put("/none.jpg", Answer::Body(200, picture()));
    let _ = space.build(&[ALLOW]).ok();
}

#[test]
fn private_addresses_are_refused() {
    let server = Server::start();
    server.put("/tide.jpg", Answer::Body(200, picture()));
    let port = server.address.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"] {
        let ran = film_of(&format!("http://{host}:{port}/tide.jpg")).build(&[]);
        assert_eq!(ran.code, Some(1), "{host}: {}", ran.all());
        assert!(ran.all().contains(ALLOW), "{host}: {}", ran.all());
    }
    assert_eq!(server.asked(), 0, "nobody was asked");
}

#[test]
fn hostile_servers_get_nowhere() {
    let server = Server::start();
    server.put("/page.jpg", Answer::Body(200, b"<!DOCTYPE html><p>pay first".to_vec()));
    server.put("/empty.jpg", Answer::Body(200, Vec::new()));
    server.put("/short.jpg", Answer::Short);
    server.put("/file.jpg", Answer::Redirect("file:///etc/passwd".into()));
    server.put("/loop.jpg", Answer::Redirect(server.url("/loop.jpg")));
    server.put("/lie.jpg", Answer::Body(200, [&picture()[..200], &[0; 9000]].concat()));
    for (path, says) in [
        ("/page.jpg", "text/html"),
        ("/empty.jpg", "empty"),
        ("/short.jpg", "short.jpg"),
        ("/file.jpg", "no URL"),
        ("/loop.jpg", "redirects"),
        ("/lie.jpg", "a.image.1"),
    ] {
        let space = film_of(&server.url(path));
        let ran = space.build(&[ALLOW]);
        assert_eq!(ran.code, Some(1), "{path}: {}", ran.all());
        assert!(
            ran.events_of("did-fail").iter().any(|event| event.to_string().contains(says)),
            "{path}: {}",
            ran.all()
        );
        assert!(!space.path("out/film.mp4").exists());
    }
    server.put("/endless", Answer::Endless);
    let space = TestSpace::of(&format!(
        "version: 1\nname: endless\nnodes: {{ f: {{ uses: fetch, with: {{ url: \"{}\", limit: 1MiB }} }} }}\noutputs: {{ f: {{ from: \"${{f.file}}\", file: out/f.bin }} }}\n",
        server.url("/endless")
    ));
    let ran = space.build(&[ALLOW]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(ran.all().contains("1048576"), "{}", ran.all());
}
