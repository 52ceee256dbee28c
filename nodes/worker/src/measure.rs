//! What pictures look like in numbers: how alike two are, whether one is black, whether it stands still. It knows no
//! file and no kind.

pub mod align;
pub mod likeness;
pub mod stretches;

pub use align::{Equal, Gap, align, gaps};
pub use likeness::ssim;
pub use stretches::{Stretch, Stretches, is_black, is_same, shows_a_difference};
