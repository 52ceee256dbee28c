//! A font as parameters name it once it was found. It knows no font file and no folder.

use serde::{Deserialize, Serialize};

/// One face of a font file that is an input of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// The slot under which the run finds the file.
    pub slot: String,
    /// Which face of that file; 0 but in collections.
    pub index: u32,
}
