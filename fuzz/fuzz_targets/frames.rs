//! `torn::frames` of the engine on whatever bytes there are; it knows nothing else.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reel_engine::torn::frames(bytes));
