//! Dense typed indexes. It knows nothing of what they index.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in a vector.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The id of a position in a vector.
            #[must_use]
            pub const fn of(index: usize) -> Self {
                Self(index as u32)
            }
        }
    )*};
}

ids! {
    /// A node of the graph.
    NodeId;
    /// A file that nodes read.
    FileId;
}
