//! The wire format between reel and its worker programs. It knows no process, no pipe and no kind.
//!
//! A frame is a `u32` length, little-endian, and that many bytes of JSON: one message. Bytes travel inside
//! JSON only when they are few; larger ones are left as files in scratch ([`INLINE_BYTES`]).
//!
//! ```text
//! worker ─▶ reel   hello
//! reel ─▶ worker   configure      once, before anything runs
//! worker ─▶ reel   configured
//! reel ─▶ worker   run            one at a time
//! worker ─▶ reel   progress …  then done or failed
//! reel ─▶ worker   cancel         while one runs
//! ```
//!
//! Log lines go to the worker's standard error. A worker ends when its input closes.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifact::InputFile;
use crate::operation::{Failure, Outcome};

/// Version of this format; both sides must have the same.
pub const PROTOCOL: u32 = 1;

/// Longest body of a frame, bytes.
pub const LONGEST: usize = 64 << 20;

/// Artifacts above this many bytes are handed over as files in scratch.
pub const INLINE_BYTES: usize = 64 << 10;

/// Bytes asked for at once when a body is read, so that a wrong length reserves nothing.
const CHUNK: usize = 64 << 10;

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromWorker {
    /// Who it is; the first message.
    Hello(Hello),
    /// How it is confined now.
    Configured(Confined),
    /// How far the run is.
    Progress {
        /// The run.
        id: u64,
        /// Thousandths.
        permille: u16,
    },
    /// The run succeeded.
    Done {
        /// The run.
        id: u64,
        /// What it made.
        outcome: Outcome,
    },
    /// The run failed, and the worker is well.
    Failed {
        /// The run.
        id: u64,
        /// Why.
        failure: Failure,
    },
}

/// What reel says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToWorker {
    /// What it may touch; the first message.
    Configure(Confinement),
    /// An action.
    Run(RunMessage),
    /// Nobody wants this run any more.
    Cancel {
        /// The run.
        id: u64,
    },
}

/// Who a worker is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`] of its build.
    pub protocol: u32,
    /// Names the build of the program.
    pub build_id: String,
    /// Kinds it runs, with their versions.
    pub kinds: BTreeMap<String, u32>,
    /// Identities of the libraries inside it.
    pub tools: BTreeMap<String, String>,
}

/// What a worker may touch. Its own libraries are added by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files and folders it may read.
    pub read: Vec<PathBuf>,
    /// Folders it may read and write: the root of all scratch folders.
    pub write: Vec<PathBuf>,
    /// Programs it may start.
    pub execute: Vec<PathBuf>,
    /// Whether it may use graphics devices: to encode, where that was seen to work.
    #[serde(default)]
    pub devices: bool,
    /// Whether it watches the programs that it starts, and so may trace them.
    #[serde(default)]
    pub watch: bool,
}

/// Which bars of the kernel are up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// Files: only what was granted.
    pub landlock: bool,
    /// System calls: no sockets, no tracing, no mounts.
    pub seccomp: bool,
}

/// One action on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMessage {
    /// Names it in answers.
    pub id: u64,
    /// Which run.
    pub kind: String,
    /// Canonical parameters.
    pub params: Value,
    /// Artifacts by slot.
    pub inputs: Vec<(String, Vec<InputFile>)>,
    /// Its private folder.
    pub scratch: PathBuf,
    /// What drivers call the GPUs that it may use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is above [`LONGEST`].
    #[error("a frame of {0} bytes, where {LONGEST} is the most")]
    TooLong(u64),
    /// The stream ends inside a frame.
    #[error("the stream ends inside a frame")]
    CutShort,
    /// The body is not the JSON of a message.
    #[error("not a message: {0}")]
    NoMessage(#[from] serde_json::Error),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The frame of a message.
///
/// # Errors
/// When it is too long, or holds a path that is not UTF-8.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let body = frame.len() - 4;
    let length = u32::try_from(body).ok().filter(|_| body <= LONGEST);
    let Some(length) = length else {
        return Err(FrameError::TooLong(body as u64));
    };
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Reads one message; `None` when the stream ends between frames.
///
/// # Errors
/// When the bytes are no message, or reading fails.
pub fn read<T: DeserializeOwned>(source: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut head = [0; 4];
    let mut filled = 0;
    while filled < head.len() {
        match source.read(&mut head[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::CutShort),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = body_length(head)?;
    let mut body = Vec::with_capacity(length.min(CHUNK));
    source.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(FrameError::CutShort);
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

fn body_length(head: [u8; 4]) -> Result<usize, FrameError> {
    let length = u32::from_le_bytes(head) as usize;
    if length > LONGEST {
        return Err(FrameError::TooLong(length as u64));
    }
    Ok(length)
}

/// Bytes that arrived so far, cut into messages as they become whole.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    taken: usize,
}

impl Inbox {
    /// Adds bytes as they came.
    pub fn fill(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    ///
    /// # Errors
    /// When the bytes are no message; the stream cannot be trusted after that.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let rest = &self.bytes[self.taken..];
        let Some((head, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = body_length(*head)?;
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let message = serde_json::from_slice(body)?;
        self.taken += 4 + length;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn done(id: u64, log: &str) -> FromWorker {
        let outcome =
            Outcome { log: log.into(), ..Outcome::default() }.with_bytes("text", "text/plain", "hi");
        FromWorker::Done { id, outcome }
    }

    #[test]
    fn a_message_comes_back_as_it_went() {
        let message = ToWorker::Run(RunMessage {
            id: 7,
            kind: "encode".into(),
            params: serde_json::json!({ "frames": 3 }),
            inputs: vec![("still".into(), Vec::new())],
            scratch: "/scratch/7".into(),
            gpus: vec!["GPU-1".into()],
        });
        let frame = encode(&message).unwrap();
        assert_eq!(read::<ToWorker>(&mut frame.as_slice()).unwrap(), Some(message));
        assert!(read::<ToWorker>(&mut [].as_slice()).unwrap().is_none());
    }

    #[test]
    fn a_length_above_the_bound_is_refused_before_the_body_is_read() {
        let frame = u32::MAX.to_le_bytes();
        assert!(matches!(read::<ToWorker>(&mut frame.as_slice()), Err(FrameError::TooLong(_))));
        let mut inbox = Inbox::default();
        inbox.fill(&frame);
        assert!(matches!(inbox.take::<FromWorker>(), Err(FrameError::TooLong(_))));
        let long = "x".repeat(LONGEST);
        assert!(matches!(encode(&long), Err(FrameError::TooLong(_))));
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_says_so() {
        let frame = encode(&done(1, "")).unwrap();
        for cut in 1..frame.len() {
            assert!(matches!(read::<FromWorker>(&mut &frame[..cut]), Err(FrameError::CutShort)), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read::<FromWorker>(&mut bytes.as_slice());
            let _ = read::<ToWorker>(&mut bytes.as_slice());
            let mut inbox = Inbox::default();
            inbox.fill(&bytes);
            let _ = inbox.take::<FromWorker>();
        }

        #[test]
        fn arbitrary_json_in_a_right_frame_never_panics(body in "[\\[\\]{}\":,a-z0-9. -]{0,80}") {
            let mut frame = (body.len() as u32).to_le_bytes().to_vec();
            frame.extend(body.as_bytes());
            let _ = read::<FromWorker>(&mut frame.as_slice());
            let _ = read::<ToWorker>(&mut frame.as_slice());
        }

        #[test]
        fn however_the_bytes_arrive_the_messages_are_the_same(
            logs in proptest::collection::vec(".{0,40}", 1..6),
            chunk in 1_usize..50,
        ) {
            let sent: Vec<FromWorker> = logs.iter().enumerate().map(|(n, log)| done(n as u64, log)).collect();
            let stream: Vec<u8> = sent.iter().flat_map(|message| encode(message).unwrap()).collect();
            let mut inbox = Inbox::default();
            let mut got = Vec::new();
            for part in stream.chunks(chunk) {
                inbox.fill(part);
                while let Some(message) = inbox.take::<FromWorker>().unwrap() {
                    got.push(message);
                }
            }
            prop_assert_eq!(got, sent);
        }
    }
}
