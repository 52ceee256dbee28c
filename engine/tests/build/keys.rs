//! Each row of the table of what is in a key and what is not, as builds see it.

use crate::world::World;

const PROJECT: &str = "
version: 1
nodes:
  a: { uses: join, with: { parts: [{ file: a.txt }, x], between: '-' } }
  b: { uses: length, with: { text: '${a.text}' } }
outputs:
  out: { from: '${b.text}', file: out.txt }
";

fn world() -> World {
    let world = World::new(PROJECT);
    world.write("a.txt", "one");
    world.build();
    world
}

/// Builds after `edit` and tells which nodes ran.
fn after(edit: impl FnOnce(&mut World)) -> Vec<String> {
    let mut world = world();
    edit(&mut world);
    world.build().ran
}

#[test]
fn a_parameter_is_in_the_key() {
    let ran = after(|world| world.write("reel.yaml", &PROJECT.replace("'-'", "'+'")));
    assert_eq!(ran, ["a", "b"]);
}

#[test]
fn the_kind_and_its_version_are_in_the_key() {
    let ran = after(|world| *world.outside.version.lock().unwrap() = 2);
    assert_eq!(ran, ["a"], "`a` makes the same bytes, so `b` hits");
}

#[test]
fn the_content_of_an_input_is_in_the_key() {
    assert_eq!(after(|world| world.write("a.txt", "three")), ["a", "b"]);
}

#[test]
fn the_identity_of_a_tool_is_in_the_key() {
    let ran = after(|world| drop(world.tools.insert("hammer".into(), "2.0".into())));
    assert_eq!(ran, ["a"]);
}

#[test]
fn comments_order_and_written_defaults_are_not() {
    let rewritten = "
# a comment
outputs:
  out: { file: out.txt, from: '${b.text}' }
nodes:
  b: { with: { text: '${a.text}' }, uses: length }
  a:
    uses: join
    with:
      cores: 1   # the default
      between: '-'
      parts: [{ file: a.txt }, x]
version: 1
";
    assert_eq!(after(|world| world.write("reel.yaml", rewritten)), [""; 0]);
}

#[test]
fn names_of_nodes_are_not() {
    let renamed = PROJECT.replace("  a:", "  first:").replace("${a.text}", "${first.text}");
    assert_eq!(after(|world| world.write("reel.yaml", &renamed)), [""; 0]);
}

#[test]
fn paths_and_times_of_files_are_not() {
    let moved = PROJECT.replace("a.txt", "deep/b.txt");
    let ran = after(|world| {
        world.write("deep/b.txt", "one");
        world.write("reel.yaml", &moved);
    });
    assert_eq!(ran, [""; 0]);
    assert_eq!(after(|world| world.write("a.txt", "one")), [""; 0], "written again with the same bytes");
}

#[test]
fn slots_and_claims_are_not() {
    assert_eq!(after(|world| world.jobs = 7), [""; 0]);
    let claimed = PROJECT.replace("between: '-' } }", "between: '-' }, resources: { cpu: 2 } }");
    assert_eq!(after(|world| world.write("reel.yaml", &claimed)), [""; 0]);
}

#[test]
fn a_literal_is_as_good_as_a_file_with_the_same_text() {
    let literal = PROJECT.replace("{ file: a.txt }", "one");
    assert_eq!(after(|world| world.write("reel.yaml", &literal)), [""; 0]);
}

#[test]
fn another_project_shares_results() {
    let first = world();
    let second = World { cache_path: first.cache_path.clone(), ..World::new(PROJECT) };
    second.write("a.txt", "one");
    assert_eq!(second.build().ran, [""; 0]);
}

mod takes {
    use super::*;

    const URL: &str = "https://a.example/x";
    const FETCHED: &str = "
version: 1
nodes:
  web: { uses: fetch, with: { url: 'https://a.example/x' } }
  a: { uses: join, with: { parts: ['${web.file}'] } }
outputs:
  out: { from: '${a.text}', file: out.txt }
";

    fn web(text: &str) -> World {
        let world = World::new(FETCHED);
        world.outside.web.lock().unwrap().insert(URL.into(), text.into());
        world
    }

    #[test]
    fn a_url_is_pinned_and_not_asked_again() {
        let world = web("one");
        assert_eq!(world.build().ran, ["a", "web"]);
        assert!(world.read("reel.lock").contains(URL));
        world.outside.web.lock().unwrap().insert(URL.into(), "two".into());
        assert_eq!(world.build().ran, [""; 0]);
    }

    #[test]
    fn what_no_longer_matches_its_pin_fails_with_both_digests() {
        let world = web("one");
        world.build();
        world.outside.web.lock().unwrap().insert(URL.into(), "two".into());
        let fresh = World { cache_path: world.cache.path().join("another"), ..world };
        let built = fresh.build();
        let message = &built.failed[0].1.message;
        let digest = |text: &str| reel_engine::digest::Digest::of(text.as_bytes()).to_string();
        assert!(message.contains(&digest("one")) && message.contains(&digest("two")), "{message}");
        assert_eq!(built.skipped, ["a"]);
        assert_eq!(fresh.read("out.txt"), "one", "the good output stays");
    }

    #[test]
    fn locked_pins_nothing_new_and_offline_fetches_nothing() {
        let locked = World { locked: true, ..web("one") };
        assert!(locked.build().failed[0].1.message.contains("not pinned"));
        let offline = World { offline: true, ..web("one") };
        assert!(offline.build().failed[0].1.message.contains("--offline"));
        let world = web("one");
        world.build();
        let both = World { locked: true, offline: true, ..world };
        assert_eq!(both.build().ran, [""; 0], "what is pinned and cached needs no network");
    }

    #[test]
    fn the_pin_is_in_the_key() {
        let world = web("one");
        world.build();
        std::fs::remove_file(world.root.path().join("reel.lock")).unwrap();
        world.outside.web.lock().unwrap().insert(URL.into(), "two".into());
        assert_eq!(world.build().ran, ["a", "web"]);
        assert_eq!(world.read("out.txt"), "two");
    }
}
