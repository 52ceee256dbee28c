//! What a watch tells beside what its builds tell: people, programs, and the page. It decides nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::folders::Folders;
use super::{Desk, phrase};
use crate::error::CommandError;
use crate::ui::{json_line, print_error, print_json, print_line};

impl Desk<'_> {
    /// Answers a question about what was made.
    pub(super) fn tell(&self, key: u8) {
        let (reading, targets) = (self.reading(), &self.args.making.targets);
        if key.eq_ignore_ascii_case(&b'w') {
            phrase::why(self.call, &reading, targets);
        } else {
            phrase::graph(self.call, &self.root, &reading, targets);
        }
        self.say_watching();
    }

    /// Says something beside what a build draws.
    pub(super) fn say(&self, text: &str) {
        match &self.building {
            Some(building) if self.call.ui.live && !self.call.global.quiet => building.aside.say(text),
            _ => print_error(text),
        }
    }

    pub(super) fn tell_trouble(&mut self, error: &CommandError) {
        let text = error.draw(self.call.ui.err());
        // Somebody who saves another file meanwhile knows it by now.
        if self.trouble.as_ref() == Some(&text) {
            if !self.call.global.json {
                self.say(&format!("{}: the same as before\n", self.call.ui.err().bad("error")));
            }
            return;
        }
        if let Some(hub) = &self.hub {
            error.json().iter().for_each(|problem| hub.tell(&json_line(problem)));
        }
        if self.call.global.json {
            error.json().iter().for_each(print_json);
        } else {
            self.say(&text);
        }
        self.trouble = Some(text);
    }

    pub(super) fn say_polling(&self, why: &str) {
        if self.call.global.json {
            print_json(&serde_json::json!({ "event": "warning", "message": phrase::polling(why) }));
        } else {
            self.say(&format!("{}: {}\n", self.call.ui.err().warn("warning"), phrase::polling(why)));
        }
    }

    pub(super) fn say_changed(&self, paths: &[PathBuf], quiet: Duration, look: Duration) {
        if paths.is_empty() {
            return;
        }
        if let Some(hub) = &self.hub {
            hub.tell(&json_line(&phrase::changed_json(&self.root, paths, quiet, look)));
        }
        if self.call.global.json {
            print_json(&phrase::changed_json(&self.root, paths, quiet, look));
        } else if !self.call.global.quiet {
            self.say(&format!("{}\n", phrase::changed(&self.root, paths, self.call.ui.err())));
        }
    }

    pub(super) fn say_watching(&self) {
        let folders = self.folders.as_ref().map(Folders::len);
        if self.call.global.json {
            print_json(&phrase::watching_json(self.seen.len(), folders, self.trouble.is_some()));
        } else if !self.call.global.quiet {
            let paint = self.call.ui.out();
            print_line(&phrase::watching(
                self.seen.len(),
                folders,
                self.keys.as_ref().map(|_| self.draft),
                paint,
            ));
        }
    }
}
