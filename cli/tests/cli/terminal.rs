//! What people see on a terminal: the real program in one, and what stands on its screen after all it wrote.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::play::{self, Play, hello};

/// A terminal with reel in it.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<Screen>>,
}

struct Screen {
    parser: vt100::Parser,
    /// Everything that was written.
    all: String,
}

const fn size(rows: u16, columns: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    fn start(play: &Play, args: &[&str], rows: u16, columns: u16) -> Self {
        let pair = native_pty_system().openpty(size(rows, columns)).unwrap();
        let mut command = CommandBuilder::new(play::REEL);
        command.args(args);
        command.cwd(play.path(""));
        command.env_clear();
        for (name, value) in play.env() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(rows, columns, 500);
        let screen = Arc::new(Mutex::new(Screen { parser, all: String::new() }));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let written = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = reader.read(&mut bytes) {
                if count == 0 {
                    return;
                }
                let mut screen = written.lock().unwrap();
                screen.parser.process(&bytes[..count]);
                screen.all.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { master: pair.master, child, keys, screen }
    }

    fn shown(&self) -> String {
        self.screen.lock().unwrap().parser.screen().contents()
    }

    fn all(&self) -> String {
        self.screen.lock().unwrap().all.clone()
    }

    /// Waits until the screen shows something.
    #[track_caller]
    fn until(&self, what: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let shown = self.shown();
            if what(&shown) {
                return shown;
            }
            assert!(
                began.elapsed().as_secs() < 15,
                "it never came; the screen:\n{shown}\nall:\n{:?}",
                self.all()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
    }

    fn resize(&self, rows: u16, columns: u16) {
        self.master.resize(size(rows, columns)).unwrap();
        self.screen.lock().unwrap().parser.screen_mut().set_size(rows, columns);
    }

    /// Whether keys are shown as they are typed, as a shell wants it.
    fn echoes(&self) -> bool {
        use nix::sys::termios::{LocalFlags, tcgetattr};
        let terminal =
            std::fs::File::options().read(true).write(true).open(self.master.tty_name().unwrap()).unwrap();
        tcgetattr(&terminal).unwrap().local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON)
    }

    fn end(mut self) -> u32 {
        self.child.wait().unwrap().exit_code()
    }
}

fn rests(screen: &str) -> bool {
    screen.trim_end().lines().last().is_some_and(|line| line.contains("q quit"))
}

#[test]
fn keys_build_tell_why_and_quit() {
    let play = Play::with(hello());
    let mut terminal = Terminal::start(&play, &["watch"], 24, 90);
    let first = terminal.until(rests);
    assert!(first.contains("planned 2 = ran 2 + cached 0"), "{first}");
    assert!(!terminal.echoes(), "keys are not shown");
    play.write("world.txt", "moon");
    let second = terminal.until(|screen| screen.matches("planned 2 = ran 2").count() == 2 && rests(screen));
    assert!(second.contains("changed: world.txt"), "{second}");
    terminal.press("w");
    let why = terminal.until(|screen| screen.contains("again (text)") && rests(screen));
    assert!(why.contains("world.txt"), "{why}");
    terminal.press("r");
    terminal.until(|screen| screen.contains("nothing to do") && rests(screen));
    terminal.press("d");
    terminal
        .until(|screen| screen.contains("drafts from now on") && screen.contains("d full") && rests(screen));
    terminal.press("g");
    terminal.until(|screen| screen.contains(".reel/graph.html") && rests(screen));
    assert!(play.read(".reel/graph.html").starts_with("<!doctype html>"));
    terminal.press("x");
    assert!(!terminal.shown().contains('x') || !terminal.shown().ends_with('x'), "{}", terminal.shown());
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_terminal_is_given_back_as_it_was() {
    let play = Play::with(hello());
    for end in ["q", "\u{3}"] {
        let mut terminal = Terminal::start(&play, &["watch"], 24, 90);
        terminal.until(rests);
        assert!(!terminal.echoes());
        terminal.press(end);
        let began = Instant::now();
        while !terminal.echoes() {
            assert!(began.elapsed().as_secs() < 5, "after {end:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(terminal.end(), if end == "q" { 0 } else { 130 });
    }
}

#[test]
fn a_pause_gives_the_terminal_back_and_keys_are_heard_after_it() {
    let play = Play::with(hello());
    let mut terminal = Terminal::start(&play, &["watch"], 24, 90);
    terminal.until(rests);
    terminal.press("\u{1a}");
    let until = |terminal: &Terminal, echoes: bool| {
        let began = Instant::now();
        while terminal.echoes() != echoes {
            assert!(began.elapsed().as_secs() < 5, "keys are shown: {}", !echoes);
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    until(&terminal, true);
    let pid = nix::unistd::Pid::from_raw(terminal.child.process_id().unwrap() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    until(&terminal, false);
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn errors_of_the_project_are_shown_while_the_build_goes_on() {
    let run = "sleep 1.081; cat $in/world.txt > $out/x.txt";
    let play = Play::with(&format!(
        "version: 1\nnodes:\n  slow: {{ uses: exec, with: {{ run: \"{run}\", in: {{ world.txt: world.txt }}, \
         tools: [sleep, cat], out: [x.txt] }} }}\n"
    ));
    let text = play.read("reel.yaml");
    let mut terminal = Terminal::start(&play, &["watch", "--allow-exec"], 24, 90);
    terminal.until(|screen| screen.contains("slow"));
    play.write("reel.yaml", &text.replace("exec,", "exce,"));
    let both = terminal.until(|screen| screen.contains("did you mean `exec`?"));
    assert!(!rests(&both), "it goes on: {both}");
    terminal.until(|screen| screen.contains("planned 1 = ran 1") && rests(screen));
    play.write("reel.yaml", &text);
    terminal.until(|screen| screen.contains("nothing to do") && rests(screen));
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

/// A project of so many commands that take their time.
fn crowd(count: usize) -> Play {
    let node = |n: usize| {
        let run = format!("sleep 0.4; printf {n} > $out/x.txt");
        format!(
            "  command-with-a-rather-long-name-number-{n}: {{ uses: exec, with: {{ run: \"{run}\", tools: [sleep], \
             out: [x.txt] }}, resources: {{ cpu: 0.1 }} }}\n"
        )
    };
    let nodes: String = (0..count).map(node).collect();
    Play::with(&format!("version: 1\nnodes:\n{nodes}"))
}

#[test]
fn what_runs_fits_into_any_terminal_and_leaves_nothing_behind() {
    for (rows, columns) in [(24, 80), (6, 40), (4, 24)] {
        let play = crowd(24);
        let terminal = Terminal::start(&play, &["build", "--allow-exec", "--jobs", "2"], rows, columns);
        let mut most = 0;
        let begin = Instant::now();
        while !terminal.shown().contains("planned 24") {
            let shown = terminal.shown();
            most = most.max(shown.lines().filter(|line| !line.trim().is_empty()).count());
            assert!(begin.elapsed().as_secs() < 30, "{shown}");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(most <= usize::from(rows), "{most} lines in {rows} rows");
        assert!(most > 1, "something was drawn in {rows} rows: {:?}", terminal.all());
        let all = terminal.all();
        let screen = terminal.until(|screen| screen.contains("planned 24 = ran 24"));
        assert!(!screen.contains("making"), "nothing of it is left: {screen}");
        assert!(all.contains("/24") && all.contains(" more"), "{all:?}");
        assert_eq!(terminal.end(), 0);
    }
}

#[test]
fn a_terminal_that_changes_its_size_stays_whole() {
    let play = crowd(30);
    let terminal = Terminal::start(&play, &["build", "--allow-exec", "--jobs", "2"], 24, 100);
    terminal.until(|screen| screen.contains("making"));
    terminal.resize(8, 44);
    std::thread::sleep(Duration::from_millis(400));
    let small = terminal.shown();
    assert!(small.lines().filter(|line| line.contains("making")).count() <= 2, "{small}");
    terminal.resize(20, 90);
    let end = terminal.until(|screen| screen.contains("planned 30 = ran 30"));
    assert!(end.trim_end().lines().last().unwrap().contains("planned 30"), "{end}");
    assert_eq!(terminal.end(), 0);
}
