//! How near does the order of actions come to the fastest that any order could be? It measures no clock: the
//! scheduler runs under a virtual one.
//!
//! | question | baseline beside it |
//! |---|---|
//! | how long do random layered graphs take, against the larger of their longest path and their work ÷ capacity | first come, first served, with the same slots |
//! | does the simulation itself grow in line with the actions | ten times as many actions |

#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::time::Instant;

use reel_benches::layered::{Claims, Shape, published};
use reel_engine::schedule::simulate::Order;

/// What is to be reached: on average, and at worst.
const MEAN: f64 = 1.05;
const WORST: f64 = 1.3;

/// How much longer than the bound a graph takes, in both orders.
struct Ratios {
    shape: Shape,
    ours: f64,
    first_come: f64,
}

fn ratios(shape: Shape) -> Ratios {
    let (workload, capacity) = (shape.workload(), shape.capacity());
    let bound = workload.bound(&capacity).time().as_secs_f64();
    let ratio = |order| {
        let simulated = workload.simulate(&capacity, order, |_| {});
        assert_eq!(simulated.stuck, 0, "every action runs");
        simulated.makespan.as_secs_f64() / bound
    };
    Ratios { shape, ours: ratio(Order::LongestPath), first_come: ratio(Order::FirstCome) }
}

fn mean_and_worst(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count().max(1) as f64;
    (values.clone().sum::<f64>() / count, values.fold(0.0, f64::max))
}

fn row(name: &str, all: &[&Ratios]) {
    let ours = mean_and_worst(all.iter().map(|ratios| ratios.ours));
    let first = mean_and_worst(all.iter().map(|ratios| ratios.first_come));
    let count = all.len();
    println!("| {name} | {count} | {:.3} | {:.3} | {:.3} | {:.3} |", ours.0, ours.1, first.0, first.1);
}

/// Whether the limits are held.
fn makespans() -> bool {
    let all: Vec<Ratios> = published().into_iter().map(ratios).collect();
    println!("makespan ÷ lower bound, and the same for first come, first served\n");
    println!("| graphs | | mean | worst | FIFO mean | FIFO worst |\n|---|---|---|---|---|---|");
    for claims in [Claims::Single, Claims::Cores, Claims::Memory, Claims::Mixed] {
        let those: Vec<&Ratios> = all.iter().filter(|ratios| ratios.shape.claims == claims).collect();
        row(&format!("claims: {claims:?}").to_lowercase(), &those);
    }
    for cores in [8, 32, 128] {
        let those: Vec<&Ratios> = all.iter().filter(|ratios| ratios.shape.cores == cores).collect();
        row(&format!("{cores} cores"), &those);
    }
    for a_core in [20, 40, 100] {
        let those: Vec<&Ratios> = all.iter().filter(|ratios| ratios.shape.actions_a_core == a_core).collect();
        row(&format!("{a_core} actions a core"), &those);
    }
    row("all", &all.iter().collect::<Vec<_>>());
    let (mean, worst) = mean_and_worst(all.iter().map(|ratios| ratios.ours));
    println!("| to reach | | {MEAN} | {WORST} | | |\n");
    mean <= MEAN && worst <= WORST
}

fn growth() {
    println!("| actions | slots | ratio | simulated in |\n|---|---|---|---|");
    for actions_a_core in [10, 100, 1_000] {
        let shape = Shape { cores: 1_000, actions_a_core, layers: 20, claims: Claims::Cores, seed: 1 };
        let (workload, capacity) = (shape.workload(), shape.capacity());
        let began = Instant::now();
        let simulated = workload.simulate(&capacity, Order::LongestPath, |_| {});
        let took = began.elapsed().as_secs_f64();
        let ratio = simulated.makespan.as_secs_f64() / workload.bound(&capacity).time().as_secs_f64();
        println!("| {} | 1000 | {ratio:.3} | {took:.2} s |", workload.len());
    }
}

fn main() {
    let held = makespans();
    growth();
    if !held {
        println!("\na limit is not held");
        std::process::exit(1);
    }
}
