//! Eight 16-bit numbers at once, the same results on every machine. It knows no picture.
//!
//! On x86-64 these are single instructions that every such machine has; elsewhere the compiler makes its own
//! of plain loops. The loops alone were tried on x86-64 too: the products widen to 32 bits, eight times slower.

#[cfg(not(target_arch = "x86_64"))]
pub(super) use plain::Lanes;
#[cfg(target_arch = "x86_64")]
pub(super) use sse2::Lanes;

/// How many numbers.
pub(super) const COUNT: usize = 8;

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector instructions can only be called so; this module holds nothing else")]
mod sse2 {
    use core::arch::x86_64::{
        __m128i, _mm_adds_epi16, _mm_loadu_si128, _mm_mulhi_epi16, _mm_packus_epi16, _mm_set1_epi16,
        _mm_srai_epi16, _mm_storel_epi64, _mm_storeu_si128,
    };

    use super::COUNT;

    #[derive(Clone, Copy)]
    pub(crate) struct Lanes(__m128i);

    impl Lanes {
        #[inline(always)]
        pub(crate) fn of(values: &[i16; COUNT]) -> Self {
            // SAFETY: SSE2 is part of x86-64; the reference covers the 16 bytes that are read, unaligned.
            Self(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
        }

        #[inline(always)]
        pub(crate) fn all(value: i16) -> Self {
            // SAFETY: SSE2 is part of x86-64.
            Self(unsafe { _mm_set1_epi16(value) })
        }

        #[inline(always)]
        pub(crate) fn scaled(self, weights: Self) -> Self {
            // SAFETY: SSE2 is part of x86-64.
            Self(unsafe { _mm_mulhi_epi16(self.0, weights.0) })
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            // SAFETY: SSE2 is part of x86-64.
            Self(unsafe { _mm_adds_epi16(self.0, other.0) })
        }

        #[inline(always)]
        pub(crate) fn values(self) -> [i16; COUNT] {
            let mut values = [0; COUNT];
            // SAFETY: SSE2 is part of x86-64; the array holds the 16 bytes that are written, unaligned.
            unsafe { _mm_storeu_si128(values.as_mut_ptr().cast(), self.0) };
            values
        }

        #[inline(always)]
        pub(crate) fn bytes(self) -> [u8; COUNT] {
            let mut bytes = [0; COUNT];
            // SAFETY: SSE2 is part of x86-64; the array holds the 8 bytes that are written, unaligned.
            unsafe {
                let whole = _mm_adds_epi16(_mm_srai_epi16::<4>(self.0), _mm_set1_epi16(128));
                _mm_storel_epi64(bytes.as_mut_ptr().cast(), _mm_packus_epi16(whole, whole));
            }
            bytes
        }
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain {
    use super::COUNT;

    /// Eight numbers.
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes([i16; COUNT]);

    impl Lanes {
        /// These.
        #[inline(always)]
        pub(crate) fn of(values: &[i16; COUNT]) -> Self {
            Self(*values)
        }

        /// Eight times the same.
        #[inline(always)]
        pub(crate) fn all(value: i16) -> Self {
            Self([value; COUNT])
        }

        /// The upper half of each product: times the weight / 2^16, rounded down.
        #[inline(always)]
        pub(crate) fn scaled(self, weights: Self) -> Self {
            let product = |i: usize| i32::from(self.0[i]) * i32::from(weights.0[i]);
            Self(std::array::from_fn(|i| (product(i) >> 16) as i16))
        }

        /// Each sum, held within 16 bits.
        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i].saturating_add(other.0[i])))
        }

        /// The numbers.
        #[inline(always)]
        pub(crate) fn values(self) -> [i16; COUNT] {
            self.0
        }

        /// Numbers with four bits of fraction about 128, rounded down, as code values.
        #[inline(always)]
        pub(crate) fn bytes(self) -> [u8; COUNT] {
            self.0.map(|v| ((v >> 4).saturating_add(128)).clamp(0, 255) as u8)
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn instructions_and_loops_agree() {
        let values: Vec<i16> = (0..4096_i32).map(|i| (i * 25_173 + 13_849) as i16).collect();
        let weights: Vec<i16> = (0..4096_i32).map(|i| (i * 9_301 + 4_929) as i16).collect();
        for (a, b) in values.as_chunks::<COUNT>().0.iter().zip(weights.as_chunks::<COUNT>().0) {
            let fast = (Lanes::of(a), Lanes::of(b));
            let slow = (plain::Lanes::of(a), plain::Lanes::of(b));
            assert_eq!(fast.0.scaled(fast.1).values(), slow.0.scaled(slow.1).values());
            assert_eq!(fast.0.plus(fast.1).values(), slow.0.plus(slow.1).values());
            assert_eq!(fast.0.bytes(), slow.0.bytes());
            assert_eq!(Lanes::all(a[0]).values(), plain::Lanes::all(a[0]).values());
        }
    }
}
