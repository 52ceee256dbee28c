//! The runs of kinds that decode bytes from outside or call C. It knows no schedule, cache or terminal.

pub mod frame;
