//! Two lists beside each other: which stretches of both are equal, in order. It knows not what they are of.
//!
//! This is patience diff without a search behind it: what is there once in both lists and in the same order holds the
//! rest together, and equal neighbours grow from there. Its time is about that of sorting, also where nothing is equal.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// How often what lies between is looked at anew: what is there often in all may be there once in a part.
const DEPTH: u32 = 16;

/// A stretch that is equal in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equal {
    /// Where it begins in the one.
    pub one: usize,
    /// Where it begins in the other.
    pub other: usize,
    /// How long it is.
    pub length: usize,
}

/// A stretch that is not equal; one of the two may be empty, but not both.
pub type Gap = (Range<usize>, Range<usize>);

/// The equal stretches of two lists, in order.
#[must_use]
pub fn align<T: Eq + Hash>(one: &[T], other: &[T]) -> Vec<Equal> {
    let mut found = Vec::new();
    within(one, other, (0..one.len(), 0..other.len()), DEPTH, &mut found);
    let mut joined: Vec<Equal> = Vec::with_capacity(found.len());
    for next in found {
        match joined.last_mut() {
            Some(last) if last.one + last.length == next.one && last.other + last.length == next.other => {
                last.length += next.length;
            }
            _ => joined.push(next),
        }
    }
    joined
}

/// What lies between equal stretches.
#[must_use]
pub fn gaps(equal: &[Equal], one: usize, other: usize) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let (mut a, mut b) = (0, 0);
    for next in equal.iter().copied().chain([Equal { one, other, length: 0 }]) {
        if a < next.one || b < next.other {
            gaps.push((a..next.one, b..next.other));
        }
        (a, b) = (next.one + next.length, next.other + next.length);
    }
    gaps
}

fn within<T: Eq + Hash>(one: &[T], other: &[T], (mut a, mut b): Gap, depth: u32, found: &mut Vec<Equal>) {
    let (front_a, front_b) = (&one[a.clone()], &other[b.clone()]);
    let front = front_a.iter().zip(front_b).take_while(|(x, y)| x == y).count();
    if front > 0 {
        found.push(Equal { one: a.start, other: b.start, length: front });
    }
    (a.start, b.start) = (a.start + front, b.start + front);
    let back_pairs = one[a.clone()].iter().rev().zip(other[b.clone()].iter().rev());
    let back = back_pairs.take_while(|(x, y)| x == y).count();
    (a.end, b.end) = (a.end - back, b.end - back);
    let tail = Equal { one: a.end, other: b.end, length: back };
    let mut from = (a.start, b.start);
    let anchors = if depth == 0 { Vec::new() } else { anchors(one, other, (a.clone(), b.clone())) };
    for (at, beside) in &anchors {
        within(one, other, (from.0..at + 1, from.1..beside + 1), depth - 1, found);
        from = (at + 1, beside + 1);
    }
    if !anchors.is_empty() {
        within(one, other, (from.0..a.end, from.1..b.end), depth - 1, found);
    }
    if back > 0 {
        found.push(tail);
    }
}

/// What is there once in both ranges, as far as it is in the same order: the longest such row.
fn anchors<T: Eq + Hash>(one: &[T], other: &[T], (a, b): Gap) -> Vec<(usize, usize)> {
    let mut places: HashMap<&T, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for at in a {
        places.entry(&one[at]).or_default().0.push(at);
    }
    for at in b {
        if let Some(known) = places.get_mut(&other[at]) {
            known.1.push(at);
        }
    }
    let once = |(ours, theirs): &(Vec<usize>, Vec<usize>)| match (ours.as_slice(), theirs.as_slice()) {
        ([ours], [theirs]) => Some((*ours, *theirs)),
        _ => None,
    };
    let mut pairs: Vec<(usize, usize)> = places.values().filter_map(once).collect();
    pairs.sort_unstable();
    longest_rising(&pairs)
}

/// The longest row of pairs in which the second rises as well as the first.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // Of rows of each length, the one whose last is least; and before each pair, the one before it in its row.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, (_, second)) in pairs.iter().enumerate() {
        let length = tails.partition_point(|tail| pairs[*tail].1 < *second);
        before.push(length.checked_sub(1).map(|length| tails[length]));
        if length == tails.len() { tails.push(index) } else { tails[length] = index }
    }
    let mut row = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(index) = next {
        row.push(pairs[index]);
        next = before[index];
    }
    row.reverse();
    row
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(one: &str, other: &str) -> Vec<(usize, usize, usize)> {
        let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
        align(&one, &other).iter().map(|it| (it.one, it.other, it.length)).collect()
    }

    #[test]
    fn what_was_put_in_or_taken_out_moves_the_rest() {
        assert_eq!(found("abcdef", "abcdef"), [(0, 0, 6)]);
        assert_eq!(found("abcdef", "abXYcdef"), [(0, 0, 2), (2, 4, 4)]);
        assert_eq!(found("abcdef", "abef"), [(0, 0, 2), (4, 2, 2)]);
        assert_eq!(found("xaabbcy", "zaabbcw"), [(1, 1, 5)]);
        assert_eq!(found("abc", "xyz"), []);
        assert_eq!(found("", "xyz"), []);
        // Frames that stand still are there many times, and go with what moves beside them.
        assert_eq!(found("1aaaa2bbbb3", "9aaaa2bbbb4"), [(1, 1, 9)]);
    }

    #[test]
    fn gaps_are_what_lies_between() {
        let equal = [Equal { one: 1, other: 2, length: 3 }];
        assert_eq!(gaps(&equal, 4, 6), [(0..1, 0..2), (4..4, 5..6)]);
        assert_eq!(gaps(&[], 0, 0), []);
    }

    proptest! {
        #[test]
        fn equal_stretches_are_equal_and_in_order(
            one in prop::collection::vec(0_u8..12, 0..60),
            other in prop::collection::vec(0_u8..12, 0..60),
        ) {
            let (mut a, mut b) = (0, 0);
            for Equal { one: at, other: beside, length } in align(&one, &other) {
                prop_assert!(length > 0 && at >= a && beside >= b);
                prop_assert_eq!(&one[at..at + length], &other[beside..beside + length]);
                (a, b) = (at + length, beside + length);
            }
        }
    }
}
