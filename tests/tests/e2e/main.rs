//! Tests of the whole path: a project goes in at the command line, and films are looked at and listened to.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod architecture;
mod book;
mod capacity;
mod collecting;
mod delivery;
mod documents;
mod draft;
mod examples;
mod faults;
mod formats;
mod frames;
mod hardware;
mod joints;
mod looks;
mod many;
mod network;
mod page;
mod passages;
mod permissions;
mod proof;
mod quality;
mod rates;
mod rerun;
mod right;
mod sounds;
mod strange;
mod streams;
mod subtitles;
mod sure;
mod surface;
mod survive;
mod sync;
mod templates;
mod told;
mod voices;
mod watched;
mod wrong;
