//! Every example renders, the schema for editors is the one that `reel` prints, and examples follow it.

use std::fs;

use reel_tests::film::pictures;
use reel_tests::has;
use reel_tests::repository;
use reel_tests::space::TestSpace;

/// Renders an example twice, and gives the place where it was rendered.
fn render(name: &str, more: &[&str]) -> TestSpace {
    let space = TestSpace::example(name);
    let first = space.build(more);
    assert_eq!(first.code, Some(0), "{}", first.all());
    let finished = first.finished();
    assert!(!finished.outputs.is_empty());
    for output in &finished.outputs {
        assert!(fs::metadata(output).unwrap().len() > 0, "{}", output.display());
    }
    space.build(more).ok().assert_nothing_ran();
    space
}

#[test]
fn the_example_eclipse_renders() {
    let space = render("eclipse", &[]);
    if has("the_example_eclipse_renders", "ffmpeg") {
        let film = pictures(&space.path("out/short.mp4"));
        assert_eq!((film.width, film.height), (1080, 1920));
        let seconds = film.frames.len() / 30;
        assert!((20..60).contains(&seconds), "{seconds} s");
    }
    let words = String::from_utf8(space.read("out/short.srt")).unwrap();
    assert!(words.contains("1700"), "{words}");
}

#[test]
fn the_example_slides_renders() {
    let space = render("slides", &[]);
    if has("the_example_slides_renders", "ffmpeg") {
        assert_eq!(pictures(&space.path("out/slides.mp4")).frames.len(), 25 * 29 / 2 + 1, "14.5 s");
    }
}

#[test]
fn the_example_clips_renders() {
    let space = render("clips", &[]);
    if has("the_example_clips_renders", "ffmpeg") {
        assert!(pictures(&space.path("out/clips.mp4")).frames.len() > 25 * 7);
    }
}

#[test]
fn the_example_nodes_renders() {
    let space = TestSpace::example("nodes");
    let untrusted = space.build(&[]);
    assert_eq!(untrusted.code, Some(2), "{}", untrusted.all());
    let space = render("nodes", &["--allow-exec"]);
    assert!(space.read("out/spoken.txt").starts_with(b"Good evening. "));
}

#[test]
fn the_example_two_formats_renders() {
    let space = render("two-formats", &[]);
    if has("the_example_two_formats_renders", "ffmpeg") {
        let [tall, square] = ["tall", "square"].map(|name| pictures(&space.path(&format!("out/{name}.mp4"))));
        assert_eq!((tall.width, tall.height, square.width, square.height), (720, 1280, 720, 720));
        assert_eq!(tall.frames.len(), square.frames.len());
    }
}

#[test]
fn the_example_layers_renders() {
    let space = render("layers", &[]);
    if has("the_example_layers_renders", "ffmpeg") {
        let film = pictures(&space.path("out/layers.mp4"));
        assert_eq!(film.frames.len(), 25 * 19 / 2 + 1, "9.5 s");
        // The bar is full at the end of each scene and begins again with the next.
        let [full, empty] = [99, 101].map(|frame| film.pixel(frame, 1200, 717)[0]);
        assert!(full > 200.0 && empty < 100.0, "{full} {empty}");
    }
}

#[test]
fn the_example_catalog_renders_a_film_for_each_row_and_a_changed_row_again() {
    let space = render("catalog", &[]);
    let films = ["mug", "lamp", "clock"].map(|id| format!("out/{id}.mp4"));
    if has("the_example_catalog_renders", "ffmpeg") {
        for film in &films {
            let film = pictures(&space.path(film));
            assert_eq!((film.width, film.height, film.frames.len()), (640, 360, 25 * 7 / 2 + 1), "3.5 s");
        }
    }
    let before = films.clone().map(|film| space.read(&film));
    let rows = String::from_utf8(space.read("products.csv")).unwrap();
    assert!(rows.contains("Desk lamp"), "{rows}");
    space.write("products.csv", rows.replace("Desk lamp", "Reading lamp"));
    let built = space.build(&[]).ok();
    let after = films.map(|film| space.read(&film));
    assert_eq!([0, 1, 2].map(|i| before[i] == after[i]), [true, false, true]);
    let others: Vec<String> = built.ran().into_iter().filter(|node| !node.starts_with("[lamp]/")).collect();
    assert_eq!(others, Vec::<String>::new(), "only what the row is in runs again");
}

#[test]
fn every_example_is_rendered_by_a_test() {
    let here = include_str!("examples.rs");
    for entry in fs::read_dir(repository().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(here.contains(&format!("render(\"{name}\"")), "no test renders `{name}`");
            let project = fs::read_to_string(path.join("reel.yaml")).unwrap();
            assert!(
                project.starts_with("# yaml-language-server: $schema=../../schemas/reel.schema.json\n"),
                "`{name}` tells editors its schema"
            );
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the wish to write the schema anew")]
fn the_schema_is_the_one_that_reel_prints() {
    let space = TestSpace::of("");
    let printed = space.reel(&["schema"]).ok().stdout;
    let path = repository().join("schemas/reel.schema.json");
    if std::env::var_os("REEL_UPDATE").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == printed,
        "schemas/reel.schema.json is not what `reel schema` prints; REEL_UPDATE=1 writes it anew"
    );
}
