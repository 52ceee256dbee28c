//! The page of `--ui` in a browser: it shows what happens while it does, plays the newest film, and tells what is behind a
//! moment. Without a browser these are skipped.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};

use reel_tests::browser::Browser;
use reel_tests::space::TestSpace;
use serde_json::{Value, json};

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

const DONE: &str =
    "return document.querySelector('.light.good') && document.querySelector('video')?.readyState >= 2";

#[test]
fn a_film_is_seen_while_it_is_made_and_what_is_behind_each_moment() {
    let space = TestSpace::story();
    let Some(browser) = Browser::start("a film on the page", &space) else { return };
    let mut served = Served::start(&space, &["watch", "--ui", "--json"]);
    browser.open(&served.url);
    browser.until(
        "return [...document.querySelectorAll('.counts')].some((it) => /running/.test(it.textContent))",
    );
    browser
        .until("return [...document.querySelectorAll('.counts')].some((it) => / ran/.test(it.textContent))");
    browser.until(DONE);
    served.until("watching");
    plays(&browser);
    has_a_line(&browser);
    tells_what_is_behind(&browser);
    shows_what_nodes_made(&browser);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    swaps(&browser, &space, &mut served);
    fits_on_a_phone(&browser);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    space.write("reel.yaml", "version: [");
    browser.until("return !document.getElementById('trouble').hidden && /R001/.test(document.getElementById('trouble').textContent)");
    assert_eq!(
        browser.run("return document.querySelector('video').error"),
        Value::Null,
        "the last good film stays"
    );
}

fn plays(browser: &Browser) {
    let film = "const film = document.querySelector('video');";
    let begin = browser.run(&format!("{film} return film.currentTime")).as_f64().unwrap();
    browser.run(&format!("{film} film.muted = true; await film.play()"));
    browser.until(&format!("{film} return film.currentTime > {begin} + 0.4"));
    browser.run(&format!("{film} film.pause()"));
    assert_eq!(browser.run(&format!("{film} return [film.videoWidth, film.videoHeight]")), json!([160, 284]));
}

/// Scenes with pictures out of the film, captions, sound, segments.
fn has_a_line(browser: &Browser) {
    browser.until("return document.querySelectorAll('#scenes [data-drawn]').length === 3");
    let middle = browser.run(
        "const it = document.querySelector('#scenes canvas');
         return [...it.getContext('2d').getImageData(45, 20, 1, 1).data].slice(0, 3)",
    );
    let middle: Vec<i64> = middle.as_array().unwrap().iter().map(|it| it.as_i64().unwrap()).collect();
    let wanted = [0x33, 0x66, 0x99];
    assert!(middle.iter().zip(wanted).all(|(seen, wanted)| (seen - wanted).abs() < 12), "{middle:?}");
    let loud = browser.until(
        "const it = document.getElementById('wave');
         if (!it.dataset.drawn) return null;
         const { data, width, height } = it.getContext('2d').getImageData(0, 0, it.width, it.height);
         const tall = (x) => { let n = 0; for (let y = 0; y < height; y += 1) if (data[(y * width + x) * 4 + 3]) n += 1; return n / height; };
         return Math.max(...Array.from({ length: width }, (_, x) => tall(x)))",
    );
    assert!(loud.as_f64().unwrap() > 0.2, "speech is loud: {loud}");
    let captions = browser.run("return document.getElementById('captions').innerText");
    assert!(captions.as_str().unwrap().contains("Red apples"), "{captions}");
    assert!(
        browser.run("return document.querySelectorAll('#segments button').length").as_u64().unwrap() >= 4
    );
}

fn behind(browser: &Browser) -> String {
    browser.run("return document.getElementById('behind').innerText").as_str().unwrap().to_owned()
}

fn tells_what_is_behind(browser: &Browser) {
    browser.run("document.querySelector('#scenes [data-scene=mid]').click()");
    browser.until("return document.querySelector('#behind [data-role=transition]')");
    let told = behind(browser);
    for part in
        ["mid.timeline", "mid.encode.1", "fade", "tide.jpg", "#336699", "bed.wav", "film.mix", "film.mux"]
    {
        assert!(told.contains(part), "no {part} in:\n{told}");
    }
    // A quarter of a second further the first word is said.
    browser.run("const it = document.querySelector('video'); it.currentTime += 0.5");
    browser.until("return /Red apples fall down/.test(document.getElementById('behind').innerText)");
    assert!(behind(browser).contains("mid.say.1"), "{}", behind(browser));
    // By the keyboard, frame by frame.
    let before = browser
        .run("document.getElementById('seek').focus(); return document.getElementById('seek').valueAsNumber");
    browser.press("\u{e014}\u{e014}");
    let after = before.as_u64().unwrap() + 2;
    browser.until(&format!(
        "return Math.round(document.querySelector('video').currentTime * 30 - 0.03) === {after}"
    ));
    let said = browser.run("return document.getElementById('seek').getAttribute('aria-valuetext')");
    assert!(said.as_str().unwrap().contains("scene mid"), "{said}");
}

fn shows_what_nodes_made(browser: &Browser) {
    let open = |name: &str| {
        browser.run(&format!(
            "const it = document.getElementById('find'); it.value = '{name}'; it.dispatchEvent(new Event('input'))"
        ));
        browser.until(&format!("return document.querySelector('#groups .node-link[data-name=\"{name}\"]')"));
        browser.run(&format!("document.querySelector('#groups .node-link[data-name=\"{name}\"]').click()"));
        browser.until(&format!("return document.querySelector('#about h2')?.textContent === '{name}'"));
    };
    open("mid.level.1");
    browser.until("return document.querySelector('#about audio')?.duration > 0.5");
    let told = browser.run("return document.getElementById('about').innerText");
    for part in ["level", "mid.say.1", "film.mix", "ran in the last build", "made in"] {
        assert!(told.as_str().unwrap().contains(part), "no {part} in:\n{told}");
    }
    let facts = browser.run("return document.querySelectorAll('#about table tr').length");
    assert!(facts.as_u64().unwrap() >= 3, "what is in its key: {facts}");
    open("mid.image.1");
    browser.until("return document.querySelector('#about img')?.naturalWidth > 0");
    open("mid.encode.1");
    browser.until("return document.querySelector('#about video')?.videoWidth === 160");
    open("mid.timeline");
    browser.until("return /sentences/.test(document.querySelector('#about pre')?.textContent)");
    browser.press("\u{e00c}");
    browser.until("return document.getElementById('about').hidden");
}

/// A new film takes the place of the old one where it was seen, on a page that stays.
fn swaps(browser: &Browser, space: &TestSpace, served: &mut Served) {
    browser.run("window.stays = true; document.querySelector('video').currentTime = 2");
    browser.until("return !document.querySelector('video').seeking");
    let before = browser.run("return document.querySelector('video').src");
    space.edit("Red apples fall down.", "Red apples fall up.");
    served.until("finished");
    browser.until(
        "return document.querySelector('.light.good') && /fall up/.test(document.getElementById('captions').innerText)",
    );
    browser.until(
        "const it = document.querySelector('video'); return it.readyState >= 2 && Math.abs(it.currentTime - 2) < 0.05",
    );
    assert_ne!(browser.run("return document.querySelector('video').src"), before);
    assert_eq!(browser.run("return window.stays"), true, "it was not loaded anew");
    plays(browser);
}

fn fits_on_a_phone(browser: &Browser) {
    for dark in [true, false] {
        browser.look_as((375, 812), dark);
        assert_eq!(browser.run("return document.documentElement.scrollWidth"), 375, "nothing sticks out");
    }
    browser.run("document.querySelector('#behind .node-link').click()");
    browser.until("return !document.getElementById('about').hidden");
    let wide = browser.run("return document.getElementById('about').getBoundingClientRect().width");
    assert_eq!(wide, 375);
    browser.run("document.querySelector('#about .close').click()");
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
