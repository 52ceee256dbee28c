//! Where nodes and lines of a picture are: in columns by what they wait for, in lanes by what they belong to. It knows
//! no format and no colour.
//!
//! A node's column is the length of the longest way to it, so that every arrow points to the right, and what is the
//! same step in each scene stands in the same column. Every group has a lane of its own, beneath the one before. A
//! line leaves its node, runs along the lane of that node, in a row that no node stands in, up to the gap before the
//! column of the node it goes to, and turns there: so no line crosses a node.

use std::collections::BTreeMap;

use super::Picture;

/// Sizes, in pixels.
pub(super) const WIDTH: f64 = 168.0;
pub(super) const HEIGHT: f64 = 40.0;
/// Between columns, where lines turn.
const GAP: f64 = 72.0;
/// Between nodes of a column.
const SPACE: f64 = 12.0;
/// What a line takes that runs along a lane.
const TRACK: f64 = 9.0;
/// Around the nodes of a lane, and where its name stands.
pub(super) const PAD: f64 = 14.0;
pub(super) const TITLE: f64 = 24.0;
/// Between lanes.
const BETWEEN: f64 = 12.0;
/// Around everything, and above it.
pub(super) const MARGIN: f64 = 24.0;
pub(super) const HEAD: f64 = 76.0;

/// A place.
pub(super) type Point = (f64, f64);

/// A lane with a name.
pub(super) struct Lane {
    pub(super) name: Option<String>,
    pub(super) top: f64,
    pub(super) height: f64,
}

/// Where everything is.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The left upper corner of each node.
    pub(super) nodes: Vec<Point>,
    /// Whether the lane of a node has a name.
    pub(super) named: Vec<bool>,
    pub(super) lanes: Vec<Lane>,
    /// The points of each line, by the positions of the nodes that it joins.
    pub(super) lines: Vec<((usize, usize), Vec<Point>)>,
}

/// The nodes so that each comes after what it waits for; those of a circle come last, in any order.
pub(super) fn sorted(count: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let mut open = vec![0usize; count];
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, to) in links {
        open[*to] += 1;
        next[*from].push(*to);
    }
    let mut order: Vec<usize> = (0..count).filter(|node| open[*node] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        for to in &next[order[at]] {
            open[*to] -= 1;
            if open[*to] == 0 {
                order.push(*to);
            }
        }
        at += 1;
    }
    order.extend((0..count).filter(|node| open[*node] > 0));
    order
}

/// Lays out a picture.
pub(super) fn layout(picture: &Picture) -> Layout {
    let links = picture.links();
    let columns = columns(picture.nodes.len(), &links);
    let last = columns.iter().copied().max().unwrap_or(0);
    let (lane_of, names) = lanes(picture);
    let named = lane_of.iter().map(|lane| names[*lane].is_some()).collect();
    let rows = Rows::new(&links, &columns, &lane_of, names.len(), picture);
    let x = |column: usize| MARGIN + PAD + column as f64 * (WIDTH + GAP);
    let mut nodes = vec![(0.0, 0.0); picture.nodes.len()];
    let mut tracks: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    let mut lanes = Vec::new();
    let mut top = HEAD + MARGIN;
    for (number, name) in names.into_iter().enumerate() {
        let title = if name.is_some() { TITLE } else { 0.0 };
        let mut bottom: f64 = top + title + PAD;
        for column in 0..=last {
            let mut y = top + title + PAD;
            for item in rows.of(number, column) {
                match item {
                    Item::Node(node) => {
                        nodes[*node] = (x(column), y);
                        y += HEIGHT + SPACE;
                    }
                    Item::Track(from) => {
                        tracks.insert((*from, column), y + TRACK / 2.0 - SPACE / 2.0);
                        y += TRACK;
                    }
                }
            }
            bottom = bottom.max(y - SPACE / 2.0);
        }
        lanes.push(Lane { name, top, height: bottom - top + PAD - SPACE / 2.0 });
        top = bottom + PAD - SPACE / 2.0 + BETWEEN;
    }
    let lines = links.iter().map(|link| (*link, route(*link, &columns, &nodes, &tracks, x))).collect();
    let width = x(last) + WIDTH + PAD + MARGIN;
    Layout { width: width.max(720.0), height: top - BETWEEN + MARGIN, nodes, named, lanes, lines }
}

/// The column of each node.
fn columns(count: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let mut columns = vec![0usize; count];
    let mut seen = vec![false; count];
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    links.iter().for_each(|(from, to)| next[*from].push(*to));
    for node in sorted(count, links) {
        seen[node] = true;
        for to in &next[node] {
            // An arrow of a circle points back.
            if !seen[*to] {
                columns[*to] = columns[*to].max(columns[node] + 1);
            }
        }
    }
    let mut waits = vec![false; count];
    links.iter().for_each(|(_, to)| waits[*to] = true);
    // What waits for nothing stands just before the first that waits for it.
    for node in 0..count {
        if let (false, Some(first)) = (waits[node], next[node].iter().map(|to| columns[*to]).min()) {
            columns[node] = first.saturating_sub(1);
        }
    }
    columns
}

/// The lane of each node, and the names of lanes, in the order in which their first nodes were made. Groups of one
/// share a lane without a name.
fn lanes(picture: &Picture) -> (Vec<usize>, Vec<Option<String>>) {
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for node in &picture.nodes {
        if let Some(group) = &node.group {
            let (count, first) = groups.entry(group).or_insert((0, usize::MAX));
            *count += 1;
            *first = node.order.min(*first);
        }
    }
    groups.retain(|_, (count, _)| *count > 1);
    let mut order: Vec<(usize, &str)> = groups.iter().map(|(name, (_, first))| (*first, *name)).collect();
    order.sort_unstable();
    let place: BTreeMap<&str, usize> = order.iter().enumerate().map(|(at, (_, name))| (*name, at)).collect();
    let free = order.len();
    let lane = |node: &super::Drawn| {
        node.group.as_deref().and_then(|group| place.get(group).copied()).unwrap_or(free)
    };
    let of: Vec<usize> = picture.nodes.iter().map(lane).collect();
    let mut names: Vec<Option<String>> = order.iter().map(|(_, name)| Some((*name).to_owned())).collect();
    if of.contains(&free) {
        names.push(None);
    }
    (of, names)
}

/// What stands in a column of a lane.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Node(usize),
    /// The line of a node that passes by.
    Track(usize),
}

/// What stands in each column of each lane, from above.
struct Rows {
    columns: usize,
    items: Vec<Vec<Item>>,
}

impl Rows {
    fn new(
        links: &[(usize, usize)],
        columns: &[usize],
        lane: &[usize],
        lanes: usize,
        picture: &Picture,
    ) -> Self {
        let count = columns.iter().copied().max().unwrap_or(0) + 1;
        let mut rows = Self { columns: count, items: vec![Vec::new(); count * lanes] };
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|node| (picture.nodes[*node].order, *node));
        for node in &order {
            rows.items[lane[*node] * count + columns[*node]].push(Item::Node(*node));
        }
        let mut reach = columns.to_vec();
        for (from, to) in links {
            reach[*from] = reach[*from].max(columns[*to]);
        }
        for node in order {
            for column in columns[node] + 1..reach[node] {
                rows.items[lane[node] * count + column].push(Item::Track(node));
            }
        }
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); columns.len()];
        links.iter().for_each(|(from, to)| before[*to].push(*from));
        for number in 0..lanes {
            rows.order(number, &before);
        }
        rows
    }

    fn of(&self, lane: usize, column: usize) -> &[Item] {
        &self.items[lane * self.columns + column]
    }

    /// Puts what belongs together beside each other: each thing where what it comes from stands, on average.
    fn order(&mut self, lane: usize, before: &[Vec<usize>]) {
        let mut height: BTreeMap<usize, f64> = BTreeMap::new();
        for column in 0..self.columns {
            let items = &mut self.items[lane * self.columns + column];
            let wish = |item: &Item, at: usize| match item {
                Item::Track(from) => height.get(from).copied().unwrap_or(at as f64),
                Item::Node(node) => {
                    let known: Vec<f64> =
                        before[*node].iter().filter_map(|from| height.get(from).copied()).collect();
                    if known.is_empty() { at as f64 } else { known.iter().sum::<f64>() / known.len() as f64 }
                }
            };
            let mut wished: Vec<(f64, usize, Item)> =
                items.iter().enumerate().map(|(at, item)| (wish(item, at), at, *item)).collect();
            wished.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            *items = wished.into_iter().map(|(_, _, item)| item).collect();
            let mut y = 0.0;
            for item in items.iter() {
                match item {
                    Item::Node(node) => {
                        height.insert(*node, y + 0.5);
                        y += 1.0;
                    }
                    Item::Track(from) => {
                        height.insert(*from, y);
                        y += 0.2;
                    }
                }
            }
        }
    }
}

/// The points of a line: from the right side of one node, along its lane, to the left side of the other.
fn route(
    (from, to): (usize, usize),
    columns: &[usize],
    nodes: &[Point],
    tracks: &BTreeMap<(usize, usize), f64>,
    x: impl Fn(usize) -> f64,
) -> Vec<Point> {
    let mut points = vec![(nodes[from].0 + WIDTH, nodes[from].1 + HEIGHT / 2.0)];
    for column in columns[from] + 1..columns[to] {
        if let Some(y) = tracks.get(&(from, column)) {
            points.push((x(column), *y));
            points.push((x(column) + WIDTH, *y));
        }
    }
    points.push((nodes[to].0, nodes[to].1 + HEIGHT / 2.0));
    points
}
