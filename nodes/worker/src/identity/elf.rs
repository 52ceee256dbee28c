//! Which build a shared library is: the number its linker gave it, else a digest of its content. It knows no
//! library by name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// How much of a file is searched for its notes; linkers put them right behind the headers.
const HEAD: u64 = 64 << 10;

/// Type of a program header that holds notes (elf(5)).
const PT_NOTE: u32 = 4;

/// Type of the note, named `GNU`, that holds the build id.
const NT_GNU_BUILD_ID: u32 = 3;

/// File name and build of a library, such as `libx264.so.164=7bb3f1…`.
pub(super) fn build(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let id = build_id(path).or_else(|| Some(reel_engine::digest::Digest::of_file(path).ok()?.0.to_string()));
    let id = id.unwrap_or_else(|| "unknown".into());
    format!("{name}={}", id.get(..16).unwrap_or(&id))
}

fn build_id(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    find(&head)
}

/// The build id in the head of a 64-bit little-endian ELF file, in hexadecimal.
fn find(head: &[u8]) -> Option<String> {
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (start, size, count) = (u64_at(head, 32)?, u16_at(head, 54)?, u16_at(head, 56)?);
    (0..u64::from(count)).find_map(|index| {
        let header = usize::try_from(start.checked_add(index * u64::from(size))?).ok()?;
        if u32_at(head, header)? != PT_NOTE {
            return None;
        }
        let offset = usize::try_from(u64_at(head, header.checked_add(8)?)?).ok()?;
        let length = usize::try_from(u64_at(head, header.checked_add(32)?)?).ok()?;
        in_notes(head.get(offset..offset.checked_add(length)?)?)
    })
}

/// Walks notes: three words (length of the name, length of the content, type), name, content, both padded.
fn in_notes(mut notes: &[u8]) -> Option<String> {
    loop {
        let name_length = u32_at(notes, 0)? as usize;
        let length = u32_at(notes, 4)? as usize;
        let content = 12_usize.checked_add(name_length.checked_next_multiple_of(4)?)?;
        if u32_at(notes, 8)? == NT_GNU_BUILD_ID && notes.get(12..)?.starts_with(b"GNU\0") {
            let id = notes.get(content..content.checked_add(length)?)?;
            return Some(id.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        notes = notes.get(content.checked_add(length.checked_next_multiple_of(4)?)?..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_library_of_the_system_has_one() {
        let libraries = crate::identity::libraries();
        let libc = libraries.iter().find(|path| path.to_string_lossy().contains("libc.so")).unwrap();
        let id = build_id(libc).unwrap();
        assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }

    #[test]
    fn a_file_without_one_is_known_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libx.so");
        std::fs::write(&path, "a").unwrap();
        let first = build(&path);
        std::fs::write(&path, "b").unwrap();
        assert!(first.starts_with("libx.so=") && first != build(&path));
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut head = b"\x7fELF\x02\x01".to_vec();
            head.extend(tail);
            let _ = find(&head);
            let _ = in_notes(&head);
        }
    }
}
