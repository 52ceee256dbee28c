//! Why nodes changed, before a build and after it: chains to first causes, and what these set off.

use reel_engine::explain::{Explainer, First, Moment};
use reel_engine::id::NodeId;
use reel_engine::schedule::foresee::Standing;

use crate::world::World;

const STORY: &str = "
version: 1
nodes:
  say: { uses: join, with: { parts: [{ file: a.txt }] } }
  cut: { uses: split, with: { text: '${say.text}', suffix: '${mark.text}' } }
  mark: { uses: join, with: { parts: ['!'] } }
  film: { uses: join, with: { parts: ['${cut.words}'], between: ' ' } }
  size: { uses: length, with: { text: '${say.text}' } }
  shown: { uses: join, with: { parts: ['n=', '${size.text}'] } }
";

fn story() -> World {
    let world = World::new(STORY);
    world.write("a.txt", "one two three");
    world
}

/// What is told of one node.
#[derive(Debug, PartialEq)]
struct Told {
    standing: Standing,
    moment: Moment,
    /// Chains as `film ← cut ← say: input.parts.0.0`.
    chains: Vec<String>,
    /// Differences as `input.text.0 of say`.
    because: Vec<String>,
    /// What all its first causes set off, as `ran a b`, `may c`.
    effects: Vec<String>,
}

fn why(world: &World, node: &str) -> Told {
    let (seen, history) = world.foresee();
    let explainer = Explainer::new(&seen, &history);
    let name = |id: &NodeId| seen.graph.node(*id).name.clone();
    let account = explainer.account(seen.graph.find(node).unwrap());
    let chains = account.chains.iter().map(|chain| {
        let names: Vec<String> = chain.nodes.iter().map(name).collect();
        format!("{}: {}", names.join(" ← "), first(&chain.first))
    });
    let because = account.because.iter().map(|because| match &because.from {
        Some(from) => format!("{} of {}", because.reason.field, name(from)),
        None => because.reason.field.clone(),
    });
    let changes: Vec<_> =
        account.chains.iter().map(|chain| (*chain.nodes.last().unwrap(), chain.moment)).collect();
    let effects = explainer.effects(&explainer.web(&explainer.builds(&changes)), &changes);
    let lists =
        [("ran", &effects.ran), ("found", &effects.found), ("will", &effects.will), ("may", &effects.may)];
    let effects = lists.iter().filter(|(_, ids)| !ids.is_empty()).map(|(word, ids)| {
        let mut names: Vec<String> = ids.iter().map(name).collect();
        names.sort();
        format!("{word} {}", names.join(" "))
    });
    Told {
        standing: account.standing,
        moment: account.moment,
        chains: chains.collect(),
        because: because.collect(),
        effects: effects.collect(),
    }
}

fn first(first: &First) -> String {
    match first {
        First::Changed(reasons) => {
            reasons.iter().map(|reason| reason.field.clone()).collect::<Vec<_>>().join(", ")
        }
        First::New => "new".into(),
        First::Gone => "gone".into(),
        First::Blocked(why) => format!("blocked: {why}"),
    }
}

fn told(standing: Standing, moment: Moment, chains: &[&str], because: &[&str], effects: &[&str]) -> Told {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Told { standing, moment, chains: own(chains), because: own(because), effects: own(effects) }
}

#[test]
fn a_pending_change_is_told_from_what_awaits_it() {
    let world = story();
    world.build();
    world.write("a.txt", "one 2 three");
    assert_eq!(
        why(&world, "film"),
        told(
            Standing::Waiting,
            Moment::Pending,
            &["film ← cut ← say: input.parts.0.0"],
            &[],
            &["may cut film shown size"]
        )
    );
    assert_eq!(
        why(&world, "say"),
        told(
            Standing::Stale,
            Moment::Pending,
            &["say: input.parts.0.0"],
            &["input.parts.0.0"],
            &["may cut film shown size"]
        )
    );
    assert_eq!(why(&world, "mark").moment, Moment::Past, "nothing is pending for it");
}

#[test]
fn after_the_build_the_last_change_is_told_with_what_really_came_of_it() {
    let world = story();
    world.build();
    world.write("a.txt", "one 2wo 3hree");
    assert_eq!(world.build().ran, ["cut", "cut.word.2", "cut.word.3", "film", "say", "size"]);
    for _ in 0..2 {
        assert_eq!(
            why(&world, "film"),
            told(
                Standing::Fresh,
                Moment::Past,
                &["film ← cut.word.2 ← cut ← say: input.parts.0.0"],
                &["input.parts.0.1 of cut.word.2", "input.parts.0.2 of cut.word.3"],
                &["ran cut cut.word.2 cut.word.3 film size"]
            )
        );
        world.build();
    }
    // `size` ran and gave what it gave before: `shown` has nothing to tell of this build.
    assert_eq!(why(&world, "shown").chains, ["shown: new"]);
}

#[test]
fn a_list_that_an_expansion_makes_longer_is_the_expansions_doing() {
    let world = story();
    world.build();
    world.write("a.txt", "one two");
    world.build();
    assert_eq!(why(&world, "film").chains, ["film ← cut ← say: input.parts.0.0"]);
    world.write("a.txt", "one two three four");
    world.build();
    assert_eq!(
        why(&world, "film").chains,
        ["film ← cut ← say: input.parts.0.0"],
        "{:?}",
        why(&world, "film")
    );
    assert_eq!(why(&world, "cut.word.4").chains, ["cut.word.4 ← cut ← say: input.parts.0.0"]);
}

#[test]
fn an_undone_edit_is_found_in_the_cache() {
    let world = story();
    world.build();
    world.write("a.txt", "one 2wo three");
    world.build();
    world.write("a.txt", "one two three");
    let before = why(&world, "film");
    assert_eq!((before.standing, before.moment), (Standing::Cached, Moment::Pending));
    assert!(before.effects[0].starts_with("found cut"), "{before:?}");
    assert_eq!(world.build().ran, [""; 0]);
    let after = why(&world, "film");
    assert_eq!(after.chains, ["film ← cut.word.2 ← cut ← say: input.parts.0.0"]);
    assert_eq!(after.effects, ["found cut cut.word.2 film size"], "nothing ran");
}

#[test]
fn a_tool_and_a_version_are_first_causes() {
    let mut world = story();
    world.build();
    world.tools.insert("hammer".into(), "2.0".into());
    let pending = why(&world, "say");
    assert_eq!(pending.chains, ["say: tool.hammer"]);
    assert!(why(&world, "film").chains.contains(&"film: tool.hammer".to_owned()), "its own tool comes first");
    *world.outside.version.lock().unwrap() = 2;
    assert_eq!(why(&world, "say").chains, ["say: version, tool.hammer"]);
}

#[test]
fn what_is_gone_from_the_cache_is_told_and_its_dependents_have_nothing_of_their_own() {
    let world = story();
    world.build();
    let (seen, _) = world.foresee();
    let say = seen.graph.find("say").unwrap();
    let key = seen.forecasts[&say].key.unwrap();
    world.forget(&key.0);
    assert_eq!(why(&world, "film").chains, ["film ← cut ← say: gone"]);
    assert_eq!(world.build().ran, ["say"]);
    let after = why(&world, "say");
    assert_eq!((after.standing, after.chains), (Standing::Fresh, vec!["say: gone".to_owned()]));
}

#[test]
fn a_file_that_is_called_as_a_port_is_no_node() {
    let world = World::new(
        "
version: 1
nodes:
  a: { uses: join, with: { parts: [{ file: b.txt }] } }
  b: { uses: join, with: { parts: [{ file: other.txt }] } }
",
    );
    world.write("b.txt", "one");
    world.write("other.txt", "two");
    world.build();
    world.write("b.txt", "three");
    world.write("other.txt", "four");
    assert_eq!(why(&world, "a").chains, ["a: input.parts.0.0"]);
    world.build();
    assert_eq!(why(&world, "a").chains, ["a: input.parts.0.0"]);
}

#[test]
fn a_change_that_a_failed_build_left_half_done_is_still_explained() {
    let world = story();
    world.build();
    world.write("a.txt", "one bad");
    world.outside.broken.lock().unwrap().push("bad!".into());
    world.build();
    assert_eq!(why(&world, "cut.word.2").chains, ["cut.word.2 ← cut ← say: input.parts.0.0"]);
    assert_eq!(why(&world, "film").chains, ["film ← cut.word.2 ← cut ← say: input.parts.0.0"]);
}

#[test]
fn a_later_build_is_not_blamed_for_an_earlier_change() {
    let world = story();
    world.build();
    world.write("a.txt", "four two three");
    world.build();
    // The same length: `size` runs and gives what it gave, `shown` is not touched.
    world.write("a.txt", "five two three");
    world.build();
    assert_eq!(why(&world, "size").effects, ["ran cut cut.word.1 film size"], "{:?}", why(&world, "size"));
    let shown = why(&world, "shown");
    assert_eq!(shown.chains, ["shown: input.parts.1.0"], "what changed `size` then is not known any more");
}

#[test]
fn nodes_that_an_expansion_made_the_last_time_are_expected() {
    let world = story();
    world.build();
    world.write("a.txt", "one 2 three four");
    let (seen, _) = world.foresee();
    let names: Vec<&str> = seen.expected.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["cut.word.1", "cut.word.2", "cut.word.3"]);
    assert!(
        seen.expected.iter().all(|node| node.maker == "cut" && node.kind == "join" && node.cost.is_some())
    );
    world.build();
    assert!(world.foresee().0.expected.is_empty());
}

#[test]
fn a_node_that_waits_and_changed_itself_tells_both() {
    let world = story();
    world.build();
    world.write("a.txt", "one 2 three");
    world.write("reel.yaml", &STORY.replace("between: ' '", "between: '-'"));
    let told = why(&world, "film");
    assert_eq!(told.chains, ["film: param./between", "film ← cut ← say: input.parts.0.0"]);
    assert_eq!(told.because, ["param./between"]);
}

#[test]
fn the_nearest_cause_of_everything_pending_is_found_in_one_walk() {
    let world = story();
    world.build();
    world.write("a.txt", "one 2 three");
    let (seen, history) = world.foresee();
    let origins = Explainer::new(&seen, &history).origins();
    let name = |id: &NodeId| seen.graph.node(*id).name.as_str();
    let chain = |node: &str| -> Option<Vec<&str>> {
        let (chain, _) = origins.of(seen.graph.find(node)?)?;
        Some(chain.iter().map(name).collect())
    };
    assert_eq!(chain("film"), Some(vec!["film", "cut", "say"]));
    assert_eq!(chain("say"), Some(vec!["say"]));
    assert_eq!(chain("mark"), None);
}
