//! The FFmpeg border against files made by the `ffmpeg` command and by itself. It knows no kinds.

mod av {
    mod bad;
    mod film;
    mod made;
    mod pictures;
    mod sound;
}
