//! What can go wrong with media, as one enum: place, cause, what to do next. It knows no exit codes.

use std::path::{Path, PathBuf};

/// A failure at the FFmpeg border. `Display` gives place and cause, [`AvError::help`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum AvError {
    /// The file is missing, unreadable, not a plain file, or empty.
    #[error("cannot open `{}`: {cause}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// No container that FFmpeg knows, or one whose index is missing.
    #[error("`{}` is not a media file that can be read: {cause}", path.display())]
    NotMedia {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A playlist, a script of other files, a device, or a picture format read elsewhere.
    #[error("`{}` is of a kind that is not opened as media (a playlist, a list of files, or a still)", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
    },
    /// The file is media but lacks what is asked for.
    #[error("`{}` has no {wanted}", path.display())]
    NoStream {
        /// The file.
        path: PathBuf,
        /// `picture`, `sound`, or both.
        wanted: &'static str,
    },
    /// The file ends before its index says.
    #[error("`{}` is cut off: {cause}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where it ends.
        cause: String,
    },
    /// The data cannot be decoded.
    #[error("cannot decode `{}`: {cause}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What FFmpeg said.
        cause: String,
    },
    /// The encoder or muxer failed, or the disk is full.
    #[error("cannot write `{}`: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What FFmpeg said.
        cause: String,
    },
    /// A parameter or a frame does not fit what the encoder was made for.
    #[error("cannot encode `{}`: {cause}", path.display())]
    Unfit {
        /// The file that was to be written.
        path: PathBuf,
        /// What does not fit.
        cause: String,
    },
    /// A segment cannot be joined to the ones before it.
    #[error("cannot join segment `{}`: {cause}", path.display())]
    Segment {
        /// The segment.
        path: PathBuf,
        /// What differs, with both values.
        cause: String,
    },
    /// A finished film is not what it should be.
    #[error("`{}` is not right: {cause}", path.display())]
    Wrong {
        /// The film.
        path: PathBuf,
        /// What is wrong, with the place.
        cause: String,
    },
    /// A filter of sound failed.
    #[error("cannot filter a sound: {cause}")]
    Filter {
        /// What FFmpeg said.
        cause: String,
    },
    /// FFmpeg lacks a codec or filter.
    #[error("this FFmpeg has no {what} `{name}`")]
    Missing {
        /// `encoder`, `filter`, ….
        what: &'static str,
        /// Its name.
        name: &'static str,
    },
}

impl AvError {
    /// The file at fault, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Open { path, .. }
            | Self::NotMedia { path, .. }
            | Self::Refused { path }
            | Self::NoStream { path, .. }
            | Self::Truncated { path, .. }
            | Self::Decode { path, .. }
            | Self::Write { path, .. }
            | Self::Unfit { path, .. }
            | Self::Segment { path, .. }
            | Self::Wrong { path, .. } => Some(path),
            Self::Filter { .. } | Self::Missing { .. } => None,
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Open { .. } => "check that the file exists, is not empty and may be read",
            Self::NotMedia { .. } => "use a video or sound file that `ffprobe` can open",
            Self::Refused { .. } => "use the media file itself; a still belongs under `image:`",
            Self::NoStream { .. } => "use a file that has what is asked for",
            Self::Truncated { .. } => "copy or download the file again",
            Self::Decode { .. } => "play the file to see where it is damaged, or convert it first",
            Self::Write { .. } => "check the free space and the permissions of the folder",
            Self::Unfit { .. } => "change the parameters of the node that encodes",
            Self::Segment { .. } => {
                "clear the cached segment and build again; all segments of a film must share one format"
            }
            Self::Wrong { .. } => "build again; if it stays, report it with the film's log",
            Self::Filter { .. } => "take the effects of the voice out one by one to see which one it is",
            Self::Missing { .. } => "install an FFmpeg with it (`reel doctor` names the packages)",
        }
    }
}
