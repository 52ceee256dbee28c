//! Our side of `peers/store.py`: stores a copy of a file as a build does with what an action left, places it, and
//! prints seconds as JSON. It compares nothing.

#![expect(clippy::print_stdout, reason = "its answer")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use reel_engine::cache::{Cache, CacheConfig, Claimed, Facts, Lookup, Placing};
use reel_engine::digest::Digest;
use reel_engine::operation::Outcome;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "run", file, folder] => run(Path::new(file), Path::new(folder)),
        [_, "blake3", file] => blake3_of(Path::new(file)),
        _ => Err("store run FILE FOLDER | store blake3 FILE".into()),
    }
}

fn run(file: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let made = folder.join("made");
    fs::copy(file, &made)?;
    let reflink = reflink_copy::reflink(&made, folder.join("probe")).is_ok();
    let cache = Cache::open(CacheConfig::new(folder.join("cache"), folder.join("spare")));
    let Lookup::Miss(miss) = cache.lookup(&Digest::of(b"store")) else { return Err("there already".into()) };
    let Claimed::Mine(ticket) = cache.claim(miss) else { return Err("somebody else has it".into()) };

    let began = Instant::now();
    let (told, answer) = mpsc::channel();
    let outcome = Outcome::default().with_file("file", "video/mp4", &made);
    let result = ticket.commit(outcome, Facts::default(), move |kept| {
        // Nobody listens any more only when this program has ended.
        let _ = told.send(kept);
    })?;
    if !answer.recv()? {
        return Err("it was not kept".into());
    }
    let store = began.elapsed();

    let stored = result.port("file").ok_or("no such port")?;
    let place = |name: &str, placing| {
        let began = Instant::now();
        cache.place(stored, &folder.join(name), placing).map(|()| began.elapsed().as_secs_f64())
    };
    let (link, copy) = (place("linked", Placing::Link)?, place("copied", Placing::Copy)?);
    let store = store.as_secs_f64();
    println!(r#"{{"store": {store}, "link": {link}, "copy": {copy}, "reflink": {reflink}}}"#);
    Ok(())
}

/// BLAKE3 in a plain loop, on one thread.
fn blake3_of(file: &Path) -> Result<(), Box<dyn Error>> {
    let (mut file, mut buffer) = (File::open(file)?, vec![0; 1 << 16]);
    let mut hasher = blake3::Hasher::new();
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hasher.update(&buffer[..length]),
        };
    }
    println!("{}", hasher.finalize());
    Ok(())
}
