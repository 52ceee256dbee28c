//! Tests of the whole path: a project goes in at the command line, and films are looked at and listened to.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod architecture;
mod examples;
mod network;
mod rerun;
mod right;
mod surface;
mod survive;
mod wrong;
