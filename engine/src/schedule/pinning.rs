//! Takes within a build: what may be asked for, and what came against its pin. It fetches nothing.

use super::Build;
use super::perform::Recorded;
use crate::id::NodeId;
use crate::operation::{Failure, FailureCode, Take};
use crate::takes::Pin;

impl Build<'_> {
    /// Why a take may not be asked for now.
    pub(super) fn refuse_take(&self, id: NodeId, pinned: bool) -> Option<Failure> {
        let Some(Take::Fetched { url }) = &self.graph.node(id).take else {
            return None;
        };
        if self.settings.locked && !pinned {
            let message = format!("`{url}` is not pinned in reel.lock, and --locked pins nothing new");
            return Some(
                Failure::of(FailureCode::Take, message)
                    .help("build once without --locked, and commit reel.lock"),
            );
        }
        if self.settings.offline {
            let lacking = if pinned { "in the cache" } else { "pinned in reel.lock" };
            let message = format!("`{url}` is not {lacking}, and --offline forbids to fetch it");
            return Some(Failure::of(FailureCode::Take, message).help("build once without --offline"));
        }
        None
    }

    /// For takes: pins what came, or compares it with its pin.
    pub(super) fn pin(&mut self, id: NodeId, recorded: Recorded) -> Result<Recorded, Failure> {
        let Some(Take::Fetched { url }) = self.graph.node(id).take.clone() else {
            return Ok(recorded);
        };
        let Some(made) = recorded.result.artifacts.first().map(|stored| stored.artifact.clone()) else {
            return Ok(recorded);
        };
        match self.takes.pin(&url) {
            Some(pin) if pin.digest == made.digest => Ok(recorded),
            Some(pin) => {
                self.means.cache.forget(&recorded.result.key);
                let message = format!(
                    "`{url}` is not what reel.lock pins: pinned {} ({} bytes, {}), found {} ({} bytes)",
                    pin.digest, pin.size, pin.date, made.digest, made.size
                );
                let help = "take its entry out of reel.lock to accept what is there now";
                Err(Failure::of(FailureCode::Take, message).help(help))
            }
            None => {
                let date = self.settings.today.clone();
                self.takes.set(&url, Pin { digest: made.digest, size: made.size, media: made.media, date });
                Ok(recorded)
            }
        }
    }
}
