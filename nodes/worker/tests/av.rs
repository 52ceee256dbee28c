//! The FFmpeg border against files made by the `ffmpeg` command and by itself. It knows no kinds.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, also in its own functions"
)]

mod av {
    mod bad;
    mod codecs;
    mod colours;
    mod effects;
    mod film;
    mod made;
    mod parts;
    mod pictures;
    mod sound;
}
