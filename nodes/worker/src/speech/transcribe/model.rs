//! A whisper.cpp model file, checked before C code sees it. It knows no sound.
//!
//! The format is whisper.cpp's `ggml`: magic, eleven 32-bit numbers, mel filters, vocabulary, tensors.
//! (`whisper_model_load` in whisper.cpp 1.8.3.)

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use reel_engine::operation::Failure;
use reel_nodes::speech::transcribe::MAGIC;
use whisper_rs::{WhisperContext, WhisperContextParameters};

/// No word of a vocabulary is longer.
const LONGEST_WORD: u32 = 1024;

/// Checks and loads a model.
///
/// # Errors
/// When the file is no model, is cut off, or would make whisper.cpp stop the process.
pub(super) fn load(path: &Path) -> Result<WhisperContext, Failure> {
    let help = "give a whisper.cpp model, such as ggml-base.en.bin";
    let not = |what: &str| {
        Failure::new(format!("the model `{}` cannot be used: {what}", path.display())).help(help)
    };
    match check(path) {
        Ok(None) => {}
        Ok(Some(fault)) => return Err(not(fault)),
        Err(error) => return Err(not(&format!("it is cut off or cannot be read ({error})"))),
    }
    whisper_rs::install_logging_hooks();
    let mut parameters = WhisperContextParameters::default();
    parameters.use_gpu(false);
    WhisperContext::new_with_params(path, parameters).map_err(|error| not(&error.to_string()))
}

/// What is wrong with the head of the file, if anything.
fn check(path: &Path) -> io::Result<Option<&'static str>> {
    let mut file = BufReader::new(File::open(path)?);
    if word(&mut file)? != u32::from_le_bytes(MAGIC) {
        return Ok(Some("it is not a ggml file"));
    }
    let mut head = [0; 11];
    for value in &mut head {
        *value = word(&mut file)?;
    }
    if head.iter().any(|value| *value > 1 << 20) || head[..10].contains(&0) {
        return Ok(Some("its header makes no sense"));
    }
    let (mels, bins) = (word(&mut file)?, word(&mut file)?);
    if mels > 1024 || bins > 1 << 16 {
        return Ok(Some("its filters make no sense"));
    }
    skip(&mut file, u64::from(mels) * u64::from(bins) * 4)?;
    let mut has_blank = false;
    for _ in 0..word(&mut file)? {
        let length = word(&mut file)?;
        if length > LONGEST_WORD {
            return Ok(Some("its vocabulary makes no sense"));
        }
        let mut text = vec![0; length as usize];
        file.read_exact(&mut text)?;
        has_blank |= text == b" ";
    }
    // whisper.cpp looks it up without asking, and throws through C.
    Ok((!has_blank).then_some("its vocabulary has no blank"))
}

fn word(file: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn skip(file: &mut impl Read, count: u64) -> io::Result<()> {
    match io::copy(&mut file.take(count), &mut io::sink())? {
        read if read == count => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
