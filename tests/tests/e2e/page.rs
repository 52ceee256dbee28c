//! The page of `--ui` in a browser: it shows what happens while it does, and does not stand still. Without a browser this
//! is skipped.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};

use reel_tests::browser::Browser;
use reel_tests::space::TestSpace;
use serde_json::Value;

/// A build or a watch with a page.
struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
}

impl Served {
    fn start(space: &TestSpace, args: &[&str]) -> Self {
        let mut child = space.start(args);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut served = Self { child, stdout, url: String::new() };
        served.url = served.until("page")["url"].as_str().unwrap().to_owned();
        served
    }

    /// The next event of this name.
    fn until(&mut self, name: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended before `{name}`");
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_page_of_five_thousand_nodes_does_not_stutter() {
    let each: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let many = format!("matrix: {{ n: [{}] }}", each.join(", "));
    let node = |scene: u32| {
        let with = format!("{{ parts: [\"{scene} ${{matrix.n}} \", {{ file: word.txt }}] }}");
        format!("  scene{scene}: {{ {many}, uses: text, with: {with} }}\n")
    };
    let project = format!("version: 1\nnodes:\n{}", (0..100).map(node).collect::<String>());
    let space = TestSpace::of(&project);
    space.write("word.txt", "one");
    let Some(browser) = Browser::start("five thousand nodes on the page", &space) else { return };
    let mut served = Served::start(&space, &["watch", "--ui", "--json"]);
    served.until("watching");
    browser.open(&served.url);
    browser.until("return document.querySelectorAll('#groups details').length === 100");
    browser.run(
        "window.gap = 0; let last = performance.now();
         const look = () => { const now = performance.now(); window.gap = Math.max(window.gap, now - last); last = now; requestAnimationFrame(look); };
         requestAnimationFrame(look)",
    );
    space.write("word.txt", "two");
    assert_eq!(served.until("finished")["ran"], 5000);
    browser.until("return /ran 5000/.test(document.getElementById('state').textContent)");
    let gap = browser.run("return window.gap");
    // A third of a second where everything else runs as well; other tests may take the cores.
    assert!(gap.as_f64().unwrap() < 1500.0, "the page stood still for {gap} ms");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
