//! Whatever happens to the store between two builds, and whatever the clock says, the next build gives the right
//! bytes, and the one after it has nothing to do. Faults are drawn at random, from fixed seeds.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reel_engine::cache::{Budget, Cache, CacheConfig};

use crate::world::{World, tree};

/// A small generator, so that a seed in a message is all that is needed to see a fault again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }
}

const YAML: &str = "
version: 1
nodes:
  big: { uses: join, with: { parts: [{ file: a.txt }, { file: b.txt }] } }
  small: { uses: join, with: { parts: ['few words'] } }
  words: { uses: split, with: { text: '${small.text}', suffix: '!' } }
  all: { uses: join, with: { parts: ['${words.words}', '${big.text}'], between: ' ' } }
  size: { uses: length, with: { text: '${all.text}' } }
outputs:
  all: { from: '${all.text}', file: all.txt }
  size: { from: '${size.text}', file: size.txt }
";

fn world() -> (World, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(1_800_000_000));
    let mut world = World::new(YAML);
    let clock = Arc::clone(&now);
    world.clock = Some(Arc::new(move || clock.load(Ordering::Relaxed)));
    world.write("a.txt", &"word ".repeat(5000));
    world.write("b.txt", &"other ".repeat(4000));
    (world, now)
}

fn cache(world: &World) -> Cache {
    let config = CacheConfig::new(&world.cache_path, world.cache.path().join("spare"));
    Cache::open(CacheConfig { clock: world.clock.clone().unwrap(), ..config })
}

/// What was done to the store, for messages, and whether bytes of blobs alone were touched.
fn fault(world: &World, clock: &AtomicU64, dice: &mut Dice) -> (String, bool) {
    let files: Vec<(PathBuf, Vec<u8>)> = tree(&world.cache_path).into_iter().collect();
    let blobs = files.iter().filter(|(path, _)| path.components().any(|part| part.as_os_str() == "blobs"));
    let blobs: Vec<&(PathBuf, Vec<u8>)> = blobs.collect();
    let (path, bytes) = match dice.roll(2) {
        0 if !blobs.is_empty() => blobs[dice.roll(blobs.len() as u64) as usize],
        _ => &files[dice.roll(files.len() as u64) as usize],
    };
    let name = path.strip_prefix(&world.cache_path).unwrap().display().to_string();
    let blob = name.contains("content-v2");
    let at = dice.roll(bytes.len() as u64) as usize;
    let open = || {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(path, mode).unwrap();
        OpenOptions::new().write(true).open(path).unwrap()
    };
    match dice.roll(9) {
        0..=2 => {
            let mut flipped = bytes.clone();
            if let Some(byte) = flipped.get_mut(at) {
                *byte ^= 1 << dice.roll(8);
            }
            drop(open());
            fs::write(path, flipped).unwrap();
            (format!("{name}: flipped at {at}"), blob)
        }
        3 => {
            open().set_len(at as u64).unwrap();
            (format!("{name}: cut at {at}"), blob)
        }
        4 => {
            fs::remove_file(path).unwrap();
            (format!("{name}: removed"), blob)
        }
        5 => {
            let folder = path.parent().unwrap();
            fs::remove_dir_all(folder).unwrap();
            (format!("{}: removed with all in it", folder.display()), false)
        }
        6 => {
            let jump = 1 + dice.roll(900 * 86_400);
            if dice.roll(2) == 0 {
                clock.fetch_sub(jump, Ordering::Relaxed);
            } else {
                clock.fetch_add(jump, Ordering::Relaxed);
            }
            cache(world).gc(Budget { max_size: Some(1), max_age: Some(86_400) }).unwrap();
            (format!("the clock jumped by {jump} s, and a collection"), false)
        }
        7 => {
            cache(world).clear().unwrap();
            ("cleared".to_owned(), false)
        }
        _ => {
            let report = cache(world).verify().unwrap();
            (format!("{report:?}"), false)
        }
    }
}

#[test]
fn whatever_happens_to_the_store_the_next_build_is_right() {
    let (world, clock) = world();
    let _ = world.build();
    let expected = (world.read("all.txt"), world.read("size.txt"));
    let mut repaired = 0;
    for seed in 0..80 {
        let mut dice = Dice(seed);
        let (what, blobs_alone) = fault(&world, &clock, &mut dice);
        let outputs_gone = dice.roll(2) == 0;
        if outputs_gone {
            fs::remove_file(world.root.path().join("all.txt")).unwrap();
            fs::remove_file(world.root.path().join("size.txt")).unwrap();
        }
        let built = world.build();
        assert!(built.summary.is_success(), "seed {seed}, {what}: {:?}", built.events);
        assert!((world.read("all.txt"), world.read("size.txt")) == expected, "seed {seed}, {what}");
        if blobs_alone && !built.ran.is_empty() {
            repaired += 1;
            let told = built.warnings.iter().any(|warning| warning.contains("made again"));
            assert!(told, "seed {seed}, {what}: ran {:?}, and nothing was said", built.ran);
        }
        let idle = world.build();
        assert_eq!(idle.ran, [""; 0], "seed {seed}, after {what}: {:?}", idle.warnings);
    }
    assert!(repaired >= 5, "{repaired} blobs were found to be lost and made again");
}

#[test]
fn a_clock_that_jumps_runs_nothing_again() {
    let (world, clock) = world();
    let _ = world.build();
    for jump in [400 * 86_400, -800 * 86_400, 3, 4000 * 86_400, -3600] {
        clock.fetch_add(i64::cast_unsigned(jump), Ordering::Relaxed);
        assert_eq!(world.build().ran, [""; 0], "by {jump} s");
    }
    world.write("b.txt", "another");
    clock.fetch_sub(1000 * 86_400, Ordering::Relaxed);
    assert_eq!(world.build().ran, ["all", "big", "size"]);
}
