//! What things are called by the package manager of this system. It runs none.

use std::fs;
use std::path::Path;

use nix::unistd::geteuid;

/// Something that a package brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The libraries of FFmpeg.
    Media,
    /// espeak-ng and its voices.
    Speech,
    /// Fonts.
    Fonts,
}

/// A package manager: its program, and the command that installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manager {
    program: &'static str,
    install: &'static str,
    /// Whether it asks for the rights of the administrator.
    root: bool,
    media: &'static str,
    speech: &'static str,
    fonts: &'static str,
}

const MANAGERS: &[Manager] = &[
    Manager {
        program: "apt-get",
        install: "apt-get install -y",
        root: true,
        media: "ffmpeg",
        speech: "espeak-ng",
        fonts: "fonts-dejavu-core fonts-noto-core",
    },
    Manager {
        program: "dnf",
        install: "dnf install -y",
        root: true,
        media: "ffmpeg-free",
        speech: "espeak-ng",
        fonts: "dejavu-sans-fonts google-noto-sans-fonts",
    },
    Manager {
        program: "zypper",
        install: "zypper install -y",
        root: true,
        media: "ffmpeg",
        speech: "espeak-ng",
        fonts: "dejavu-fonts noto-sans-fonts",
    },
    Manager {
        program: "pacman",
        install: "pacman -S --needed",
        root: true,
        media: "ffmpeg",
        speech: "espeak-ng",
        fonts: "ttf-dejavu noto-fonts",
    },
    Manager {
        program: "apk",
        install: "apk add",
        root: true,
        media: "ffmpeg",
        speech: "espeak-ng",
        fonts: "font-dejavu font-noto",
    },
    Manager {
        program: "brew",
        install: "brew install",
        root: false,
        media: "ffmpeg",
        speech: "espeak-ng",
        fonts: "font-dejavu",
    },
];

/// The command that brings something on this system; `path` are the folders of programs. `None` where no known package
/// manager is.
pub(super) fn command(wanted: Wanted, path: &[impl AsRef<Path>]) -> Option<String> {
    let there = |manager: &&Manager| {
        path.iter().any(|folder| {
            fs::metadata(folder.as_ref().join(manager.program)).is_ok_and(|meta| meta.is_file())
        })
    };
    MANAGERS.iter().find(there).map(|manager| said(manager, wanted, geteuid().is_root()))
}

fn said(manager: &Manager, wanted: Wanted, is_root: bool) -> String {
    let packages = match wanted {
        Wanted::Media => manager.media,
        Wanted::Speech => manager.speech,
        Wanted::Fonts => manager.fonts,
    };
    let sudo = if manager.root && !is_root { "sudo " } else { "" };
    format!("{sudo}{} {packages}", manager.install)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_package_manager_that_is_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(command(Wanted::Fonts, &[dir.path()]), None);
        fs::write(dir.path().join("pacman"), "").unwrap();
        let told = command(Wanted::Speech, &[dir.path()]).unwrap();
        assert!(told.ends_with("pacman -S --needed espeak-ng"), "{told}");
        fs::write(dir.path().join("apt-get"), "").unwrap();
        let told = command(Wanted::Fonts, &[dir.path()]).unwrap();
        assert!(told.ends_with("apt-get install -y fonts-dejavu-core fonts-noto-core"), "{told}");
    }

    #[test]
    fn only_who_is_not_the_administrator_is_told_to_become_it() {
        assert_eq!(said(&MANAGERS[0], Wanted::Media, true), "apt-get install -y ffmpeg");
        assert_eq!(said(&MANAGERS[0], Wanted::Media, false), "sudo apt-get install -y ffmpeg");
        assert_eq!(said(&MANAGERS[5], Wanted::Media, false), "brew install ffmpeg");
    }
}
