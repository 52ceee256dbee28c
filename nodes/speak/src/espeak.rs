//! The border to the espeak-ng library, the only place with `unsafe`; it knows no JSON, no terminal
//! and no limits on what may be asked.
#![expect(unsafe_code, reason = "espeak-ng is a C library")]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_short, c_void};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, ptr, slice};

use espeakng_sys as sys;
use nix::unistd::dup2_stderr;

use crate::voices::{Voice, VoiceTable};

/// Why the engine gave no speech; each is a fault of the installation or of the engine.
#[derive(Debug)]
pub(crate) enum EngineError {
    /// The voice data could not be read.
    NoData,
    /// A second utterance was asked of one process.
    UsedTwice,
    /// The library refused a call that should not fail.
    Refused(&'static str),
    /// A text or a voice name with a zero byte.
    ZeroByte,
    /// The speech is longer than allowed.
    TooLong,
}

/// How an utterance is to be spoken; ranges are those of espeak-ng and are checked before.
pub(crate) struct Manner {
    /// Words a minute.
    pub rate: c_int,
    /// Base pitch.
    pub pitch: c_int,
    /// How far the pitch moves; 0 is monotone.
    pub range: c_int,
    /// Loudness; 100 is normal.
    pub volume: c_int,
    /// Extra silence between words, in 10 ms at the usual rate.
    pub gap: c_int,
    /// Whether the text is SSML.
    pub ssml: bool,
}

/// Which kind of place in the speech an event marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// A word starts.
    Word,
    /// A sentence starts.
    Sentence,
    /// A sentence or clause ends.
    End,
}

/// A place in the text and the sample at which it is heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    /// What starts or ends here.
    pub kind: EventKind,
    /// Character of the text, counted from 1.
    pub position: c_int,
    /// Length of a word in characters; 0 for other kinds.
    pub length: c_int,
    /// Index of the first sample it covers.
    pub sample: c_int,
}

/// What was said: mono samples and where the words are in them.
#[derive(Debug, Default)]
pub(crate) struct Speech {
    /// Signed 16-bit mono samples at [`Engine::rate`].
    pub samples: Vec<i16>,
    /// Events in the order of the text.
    pub events: Vec<Event>,
}

/// What does the work, for the caller's keys.
pub(crate) struct Identity {
    /// Version of the library, such as `1.51`.
    pub version: String,
    /// Folder of the voice data.
    pub data: String,
    /// File of the library, where the system tells it.
    pub library: Option<String>,
}

/// The library, started. There is one in a process, and it speaks once: what one utterance leaves
/// behind in the library changes the sound of the next.
pub(crate) struct Engine {
    rate: u32,
}

/// What the callback collects while the library speaks.
struct Collected {
    speech: Speech,
    limit: usize,
    overflow: bool,
}

thread_local! {
    /// In synchronous mode the library calls back on the calling thread, and hands no pointer of
    /// ours to it, so what it collects lies here.
    static COLLECTED: RefCell<Option<Collected>> = const { RefCell::new(None) };
}

/// What keeps the library from the user's sound server. It asks for a sound device at its start, also when nothing
/// is to be heard, and the client of that server would read the user's settings, make folders in the home folder,
/// and knock at the server.
const NO_SOUND_SERVER: [(&str, &str); 2] =
    [("PULSE_CLIENTCONFIG", "/dev/null"), ("PULSE_SERVER", "unix:/proc/none")];

/// Does something, and keeps what the libraries behind it write to standard error. The client of the sound server
/// complains there of what it may not do, and none of that matters when it works.
fn apart<T>(work: impl FnOnce() -> T) -> (T, String) {
    let own = io::stderr().as_fd().try_clone_to_owned().ok();
    let pipe = io::pipe().ok().filter(|(_, into)| own.is_some() && dup2_stderr(into).is_ok());
    let done = work();
    let mut said = String::new();
    if let (Some(own), Some((mut from, into))) = (own, pipe)
        && dup2_stderr(own).is_ok()
    {
        drop(into);
        // What is not text is nothing that anybody could read.
        let _ = from.read_to_string(&mut said);
    }
    (done, said)
}

static STARTED: AtomicBool = AtomicBool::new(false);

impl Engine {
    /// Starts the library; a second start in the same process is refused.
    pub(crate) fn start() -> Result<Self, EngineError> {
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(EngineError::UsedTwice);
        }
        for (name, value) in NO_SOUND_SERVER {
            // SAFETY: this program starts no thread, so nobody reads the environment meanwhile.
            unsafe { std::env::set_var(name, value) };
        }
        let options = sys::espeakINITIALIZE_DONT_EXIT as c_int;
        let (rate, said) = apart(|| {
            // SAFETY: a null path means the default data folder; nothing else runs in this process, and
            // the flag above proves that this is the first call.
            unsafe {
                let mode = sys::espeak_AUDIO_OUTPUT_AUDIO_OUTPUT_SYNCHRONOUS;
                sys::espeak_Initialize(mode, 0, ptr::null(), options)
            }
        });
        let Some(rate) = u32::try_from(rate).ok().filter(|rate| *rate > 0) else {
            // If nobody listens there is nobody to tell.
            let _ = io::stderr().write_all(said.as_bytes());
            return Err(EngineError::NoData);
        };
        // SAFETY: both are plain functions with the signatures the library declares, and live as
        // long as the process.
        unsafe {
            sys::espeak_SetSynthCallback(Some(on_sound));
            sys::espeak_SetUriCallback(Some(on_uri));
        }
        Ok(Self { rate })
    }

    /// Samples a second.
    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    /// Version, data and file of the library.
    pub(crate) fn identity(&self) -> Identity {
        let mut data: *const c_char = ptr::null();
        // SAFETY: the library is started; `data` is a valid place for the pointer it writes, and what
        // both pointers name is static text of the library.
        let (version, data) = unsafe {
            let version = sys::espeak_Info(&raw mut data);
            (text_of(version), text_of(data))
        };
        // `1.51 ` or `1.51  Data at:`: the first word is the version.
        let version = version.split_whitespace().next().unwrap_or_default().to_owned();
        Identity { version, data, library: library_file() }
    }

    /// Every voice and every variant that is installed.
    pub(crate) fn voices(&self) -> VoiceTable {
        let voices = self.list(ptr::null_mut());
        let language = c"variant";
        let mut wanted = sys::espeak_VOICE {
            name: ptr::null(),
            languages: language.as_ptr(),
            identifier: ptr::null(),
            gender: 0,
            age: 0,
            variant: 0,
            xx1: 0,
            score: 0,
            spare: ptr::null_mut(),
        };
        let variants = self.list(&raw mut wanted);
        VoiceTable::new(voices, variants)
    }

    /// The voices that match; all but variants when `wanted` is null.
    fn list(&self, wanted: *mut sys::espeak_VOICE) -> Vec<Voice> {
        let mut voices = Vec::new();
        // SAFETY: the library is started; `wanted` is null or points to a whole record of the caller
        // that outlives the call. The result is null or an array of pointers ended by a null one,
        // owned by the library and left alone until the next call, which comes after this function.
        unsafe {
            let mut entry = sys::espeak_ListVoices(wanted);
            while !entry.is_null() && !(*entry).is_null() {
                let voice = &**entry;
                voices.push(Voice {
                    name: text_of(voice.name),
                    identifier: text_of(voice.identifier),
                    languages: languages_of(voice.languages),
                });
                entry = entry.add(1);
            }
        }
        voices
    }

    /// Says the text with a voice named by its identifier, and gives up once the speech is longer
    /// than `limit` samples. Takes the engine, since it must not speak again.
    pub(crate) fn say(
        self,
        text: &str,
        voice: &str,
        manner: &Manner,
        limit: usize,
    ) -> Result<Speech, EngineError> {
        let text = CString::new(text).map_err(|_| EngineError::ZeroByte)?;
        let voice = CString::new(voice).map_err(|_| EngineError::ZeroByte)?;
        // SAFETY: the library is started and the name is text ended by a zero, which it copies.
        let set = unsafe { sys::espeak_SetVoiceByName(voice.as_ptr()) };
        if set != sys::espeak_ERROR_EE_OK {
            return Err(EngineError::Refused("could not load the voice"));
        }
        for (parameter, value) in [
            (sys::espeak_PARAMETER_espeakRATE, manner.rate),
            (sys::espeak_PARAMETER_espeakPITCH, manner.pitch),
            (sys::espeak_PARAMETER_espeakRANGE, manner.range),
            (sys::espeak_PARAMETER_espeakVOLUME, manner.volume),
            (sys::espeak_PARAMETER_espeakWORDGAP, manner.gap),
        ] {
            // SAFETY: the library is started, and the call takes plain numbers.
            if unsafe { sys::espeak_SetParameter(parameter, value, 0) } != sys::espeak_ERROR_EE_OK {
                return Err(EngineError::Refused("refused a speech parameter"));
            }
        }
        synthesise(&text, manner.ssml, limit)
    }
}

/// Runs the one synthesis of this process.
fn synthesise(text: &CStr, ssml: bool, limit: usize) -> Result<Speech, EngineError> {
    let flags = sys::espeakCHARS_UTF8 | if ssml { sys::espeakSSML } else { 0 };
    COLLECTED.set(Some(Collected { speech: Speech::default(), limit, overflow: false }));
    // SAFETY: the text is valid, ended by a zero, of the given size, and outlives the call, which is
    // synchronous; null is allowed for the identifier and the user data.
    let said = unsafe {
        sys::espeak_Synth(
            text.as_ptr().cast::<c_void>(),
            text.to_bytes_with_nul().len(),
            0,
            sys::espeak_POSITION_TYPE_POS_CHARACTER,
            0,
            flags,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    let Some(collected) = COLLECTED.take() else {
        return Err(EngineError::Refused("lost the speech"));
    };
    if collected.overflow {
        return Err(EngineError::TooLong);
    }
    if said != sys::espeak_ERROR_EE_OK {
        return Err(EngineError::Refused("could not speak the text"));
    }
    Ok(collected.speech)
}

/// Called by the library with a piece of sound and the events in it; 0 asks for more, 1 stops.
unsafe extern "C" fn on_sound(wav: *mut c_short, count: c_int, events: *mut sys::espeak_EVENT) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    let samples = if wav.is_null() || count == 0 {
        &[][..]
    } else {
        // SAFETY: the library gives `count` samples at `wav`, valid during this call.
        unsafe { slice::from_raw_parts(wav, count) }
    };
    let collect = |place: &RefCell<Option<Collected>>| {
        let mut place = place.try_borrow_mut().ok()?;
        let collected = place.as_mut()?;
        // SAFETY: `events` is null or a list of the library, valid during this call.
        unsafe { take_events(events, &mut collected.speech.events) };
        if collected.speech.samples.len() + samples.len() > collected.limit {
            collected.overflow = true;
            return None;
        }
        collected.speech.samples.extend_from_slice(samples);
        Some(())
    };
    match COLLECTED.try_with(collect) {
        Ok(Some(())) => 0,
        _ => 1,
    }
}

/// Copies the events that callers need out of the library's list.
///
/// # Safety
/// `event` is null, or points to records of which the last has the type `LIST_TERMINATED`.
unsafe fn take_events(mut event: *const sys::espeak_EVENT, into: &mut Vec<Event>) {
    // SAFETY: by the contract above every record up to the terminating one may be read.
    while let Some(found) = unsafe { event.as_ref() } {
        let kind = match found.type_ {
            sys::espeak_EVENT_TYPE_espeakEVENT_LIST_TERMINATED => return,
            sys::espeak_EVENT_TYPE_espeakEVENT_WORD => Some(EventKind::Word),
            sys::espeak_EVENT_TYPE_espeakEVENT_SENTENCE => Some(EventKind::Sentence),
            sys::espeak_EVENT_TYPE_espeakEVENT_END => Some(EventKind::End),
            _ => None,
        };
        if let Some(kind) = kind {
            let length = if kind == EventKind::Word { found.length } else { 0 };
            into.push(Event { kind, position: found.text_position, length, sample: found.sample });
        }
        // SAFETY: this record is not the terminating one, so another follows.
        event = unsafe { event.add(1) };
    }
}

/// Called for an SSML `<audio>`: 1 says that it is not played, so no file named by a text is opened.
unsafe extern "C" fn on_uri(_kind: c_int, _uri: *const c_char, _base: *const c_char) -> c_int {
    1
}

/// Text of the library as our own; what is not UTF-8 in it is replaced.
///
/// # Safety
/// `text` is null or points to text ended by a zero that stays during the call.
unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and ended by a zero by the contract above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The languages of a voice with their priority (low is better): a byte, then text ended by a zero,
/// again and again until a zero byte stands for the priority.
///
/// # Safety
/// `list` is null or has that form.
unsafe fn languages_of(list: *const c_char) -> Vec<(u8, String)> {
    let mut languages = Vec::new();
    let mut at = list.cast::<u8>();
    // SAFETY: by the contract above, each priority that is not zero is followed by text ended by a
    // zero, and after that zero comes the next priority.
    unsafe {
        while !at.is_null() && *at != 0 {
            let language = CStr::from_ptr(at.add(1).cast::<c_char>());
            languages.push((*at, language.to_string_lossy().into_owned()));
            at = at.add(language.count_bytes() + 2);
        }
    }
    languages
}

/// The file the library was loaded from, as the process's own memory map tells it.
fn library_file() -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find(|line| line.contains("/libespeak-ng"))?;
    path.find('/').map(|at| path[at..].to_owned())
}
