//! Pictures in memory: planar YUV at the two subsamplings that reel uses, and RGBA. It knows no codec.

/// Planar BT.709 limited-range 8-bit 4:2:0: what is encoded. Width and height are even, rows are packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yuv420 {
    /// Pixels in a row of `y`.
    pub width: usize,
    /// Rows of `y`.
    pub height: usize,
    /// `width · height` bytes.
    pub y: Vec<u8>,
    /// `width/2 · height/2` bytes, sited left (MPEG-2), as H.264 takes them by default.
    pub u: Vec<u8>,
    /// As `u`.
    pub v: Vec<u8>,
}

/// Planar BT.709 limited-range 8-bit 4:4:4: a still that motion samples. Rows are packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yuv444 {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three planes of `width · height` bytes: Y, Cb, Cr.
    pub planes: [Vec<u8>; 3],
}

/// Straight (not premultiplied) sRGB with alpha, 8 bits, packed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rgba {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width · height · 4` bytes.
    pub pixels: Vec<u8>,
}

impl Yuv420 {
    /// A picture of one colour (limited-range Y, Cb, Cr).
    #[must_use]
    pub fn filled(width: usize, height: usize, [y, u, v]: [u8; 3]) -> Self {
        let chroma = (width / 2) * (height / 2);
        Self { width, height, y: vec![y; width * height], u: vec![u; chroma], v: vec![v; chroma] }
    }
}

/// One sRGB colour as limited-range BT.709 code values, by the matrix alone (no transfer function):
/// Y = 16 + 219·(0.2126 R + 0.7152 G + 0.0722 B), Cb and Cr = 128 + 224·(B or R − Y′)/(1.8556 or 1.5748).
/// Rec. ITU-R BT.709-6, items 3.2 to 3.4 and 4.6, in 16-bit fixed point.
#[must_use]
pub fn yuv_of_rgb([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let round = |v: i32| ((v + (1 << 15)) >> 16) as u8;
    [
        round((16 << 16) + 11_966 * r + 40_254 * g + 4_064 * b),
        round((128 << 16) - 6_596 * r - 22_189 * g + 28_784 * b),
        round((128 << 16) + 28_784 * r - 26_145 * g - 2_639 * b),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_black_and_red_have_the_code_values_of_bt709() {
        assert_eq!(yuv_of_rgb([255, 255, 255]), [235, 128, 128]);
        assert_eq!(yuv_of_rgb([0, 0, 0]), [16, 128, 128]);
        assert_eq!(yuv_of_rgb([255, 0, 0]), [63, 102, 240]);
    }
}
