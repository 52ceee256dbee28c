//! Hundreds of actions that only put together what is in memory: they run many at a time, and as if one by one.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::world::{Built, World};

/// So many texts, of which the last hundred are said twice.
const TEXTS: usize = 1300;
const DIFFERENT: usize = TEXTS - 100;
/// So many are put together.
const EACH: usize = 100;

fn world() -> World {
    let mut yaml = String::from("version: 1\nnodes:\n");
    for number in 0..TEXTS {
        let part = match number % DIFFERENT {
            file if file.is_multiple_of(10) => format!("{{ file: texts/{file}.txt }}"),
            text => format!("'<{text}>'"),
        };
        writeln!(yaml, "  t{number}: {{ uses: glue, with: {{ parts: [{part}] }} }}").unwrap();
    }
    let groups: Vec<usize> = (0..TEXTS).step_by(EACH).collect();
    for first in &groups {
        let parts: Vec<String> =
            (*first..first + EACH).map(|number| format!("'${{t{number}.text}}'")).collect();
        writeln!(yaml, "  g{first}: {{ uses: glue, with: {{ parts: [{}] }} }}", parts.join(", ")).unwrap();
    }
    yaml.push_str("outputs:\n");
    for first in groups {
        writeln!(yaml, "  g{first}: {{ from: '${{g{first}.text}}', file: out/{first}.txt }}").unwrap();
    }
    let world = World::new(&yaml);
    for number in (0..DIFFERENT).step_by(10) {
        world.write(&format!("texts/{number}.txt"), &format!("<{number}>"));
    }
    world
}

/// Every action was told of before it ended, and began when all that it is made of was there.
fn assert_in_order(built: &Built) {
    let at: BTreeMap<&str, usize> =
        built.events.iter().enumerate().map(|(at, event)| (event.as_str(), at)).collect();
    for name in &built.ran {
        assert!(at[format!("will-run {name}").as_str()] < at[format!("did-run {name}").as_str()]);
        let Some(first) = name.strip_prefix('g').and_then(|first| first.parse::<usize>().ok()) else {
            continue;
        };
        for number in first..first + EACH {
            let done = [format!("did-run t{number}"), format!("did-hit t{number}")];
            let done = done.iter().find_map(|event| at.get(event.as_str()));
            assert!(done.is_some_and(|done| *done < at[format!("will-run {name}").as_str()]), "t{number}");
        }
    }
}

#[test]
fn each_runs_once_and_makes_the_same_whatever_runs_beside_it() {
    for jobs in [1, 4] {
        let mut world = world();
        world.jobs = jobs;
        let built = world.build();
        assert_in_order(&built);
        let groups = TEXTS / EACH;
        let tally = built.summary.tally;
        // The last group is made of what the first is made of.
        assert_eq!((tally.ran, tally.cached), (DIFFERENT + groups - 1, EACH + 1));
        for first in (0..TEXTS).step_by(EACH) {
            let all: String =
                (first..first + EACH).map(|number| format!("<{}>", number % DIFFERENT)).collect();
            assert_eq!(world.read(&format!("out/{first}.txt")), all);
        }
        assert_eq!(world.build().ran, [""; 0]);
    }
}

#[test]
fn one_that_fails_among_many_costs_only_what_is_made_of_it() {
    let mut world = world();
    world.keep_going = true;
    world.outside.broken.lock().unwrap().push("<555>".into());
    let built = world.build();
    assert_eq!(built.failed.len(), 1);
    assert_eq!((built.failed[0].0.as_str(), &built.skipped), ("t555", &vec!["g500".to_owned()]));
    world.outside.broken.lock().unwrap().clear();
    assert_eq!(world.build().ran, ["g500", "t555"]);
}

#[test]
fn files_that_changed_run_again_with_what_they_are_in() {
    let world = world();
    world.build();
    for number in (0..DIFFERENT).step_by(10) {
        world.write(&format!("texts/{number}.txt"), &format!("<{number}> anew"));
    }
    let built = world.build();
    assert_in_order(&built);
    assert_eq!(built.summary.tally.ran, DIFFERENT / 10 + TEXTS / EACH - 1);
    assert!(world.read("out/0.txt").starts_with("<0> anew<1>"));
}
