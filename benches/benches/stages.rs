//! How long does each stage of the engine take, and does it grow in line with the project? It measures no film.
//!
//! | question | baseline beside it |
//! |---|---|
//! | reading and resolving a project of N nodes | ten times as many nodes |
//! | the key of an action with 40 parameters and 6 inputs | BLAKE3 of as many bytes |
//! | a look into the cache that hits, and one that misses | 100 and 10,000 results in it |
//! | recording a result with a small artifact | writing a file of that size |

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up is to stop")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use reel_benches::film_shaped;
use reel_engine::cache::{Cache, CacheConfig, Claimed, Facts, Lookup};
use reel_engine::digest::Digest;
use reel_engine::graph::Graph;
use reel_engine::graph::resolve::resolve;
use reel_engine::key::Manifest;
use reel_engine::operation::{Outcome, Registry};
use reel_engine::plan::Plan;
use reel_engine::read::{ReadOptions, read_spec};
use reel_engine::span::Sources;
use serde_json::{Value, json};

fn graph_of(text: &str, registry: &Registry) -> Graph {
    let options = ReadOptions { env: &|_| None, set: &[] };
    let mut sources = Sources::default();
    let (spec, mut problems) = read_spec(text, Path::new("reel.yaml"), registry, &options, &mut sources);
    let nodes = spec.unwrap().nodes.into_iter().map(Arc::new).collect();
    let graph = resolve(nodes, registry, Path::new("."), &mut problems);
    assert!(!problems.has_errors());
    graph
}

fn projects(c: &mut Criterion) {
    let registry = reel_nodes::registry(reel_nodes::Host::default());
    let mut group = c.benchmark_group("project");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for nodes in [100, 1_000, 10_000] {
        let text = film_shaped(nodes);
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_with_input(BenchmarkId::new("read and resolve", nodes), &text, |b, text| {
            b.iter(|| black_box(graph_of(text, &registry)));
        });
        let graph = graph_of(&text, &registry);
        let all: Vec<_> = graph.nodes().map(|(id, _)| id).collect();
        group.bench_with_input(BenchmarkId::new("plan", nodes), &graph, |b, graph| {
            b.iter(|| black_box(Plan::new(graph, &all, |_| Duration::from_millis(10))));
        });
    }
    group.finish();
}

fn parameters() -> Value {
    let settings: Vec<(String, Value)> =
        (0..40).map(|i| (format!("parameter{i}"), json!(i * 1000))).collect();
    settings.into_iter().collect()
}

fn manifest(params: &Value, inputs: &[Digest]) -> Manifest {
    let mut manifest = Manifest::of_kind("encode", 1);
    manifest.platform();
    manifest.params(params);
    for (slot, digest) in inputs.iter().enumerate() {
        manifest.input(&format!("input{slot}"), [(*digest, Some(format!("node{slot}.port")))]);
    }
    manifest.tool("x264", "164.3095 baee400, 8 bit, 4:2:0");
    manifest
}

fn keys(c: &mut Criterion) {
    let inputs: Vec<Digest> = (0..6_u8).map(|i| Digest::of(&[i])).collect();
    let params = parameters();
    let made = manifest(&params, &inputs);
    let length: usize = made.fields().iter().map(|field| field.name.len() + field.value.len()).sum();
    let bytes = vec![7_u8; length];
    let mut group = c.benchmark_group("key");
    group.bench_function("manifest and key", |b| b.iter(|| black_box(manifest(&params, &inputs).key())));
    group.bench_function("key alone", |b| b.iter(|| black_box(made.key())));
    group.bench_function("BLAKE3 of as many bytes", |b| b.iter(|| black_box(Digest::of(&bytes))));
    group.finish();
}

fn facts() -> Facts {
    Facts {
        kind: "text".into(),
        cost_micros: 1000,
        rank: reel_engine::cache::Rank::Made,
        manifest: vec![b'm'; 600],
    }
}

fn record(cache: &Cache, key: Digest, bytes: &[u8]) {
    let Lookup::Miss(miss) = cache.lookup(&key) else { return };
    let Claimed::Mine(ticket) = cache.claim(miss) else { return };
    let outcome = Outcome::default().with_bytes("text", "text/plain", bytes);
    ticket.commit(outcome, facts(), |_| {}).unwrap();
}

fn key(number: u64) -> Digest {
    Digest::of(&number.to_le_bytes())
}

fn caches(c: &mut Criterion) {
    let mut group = c.benchmark_group("cache");
    let bytes = vec![7_u8; 2000];
    for results in [100_u64, 10_000] {
        let folder = tempfile::tempdir().unwrap();
        let spare = folder.path().join("spare");
        let cache = Cache::open(CacheConfig::new(folder.path().join("cache"), spare));
        for number in 0..results {
            record(&cache, key(number), &bytes);
        }
        cache.flush();
        let mut next = 0;
        group.bench_function(BenchmarkId::new("hit", results), |b| {
            b.iter(|| {
                next = (next + 7) % results;
                assert!(matches!(black_box(cache.lookup(&key(next))), Lookup::Hit(_)));
            });
        });
        group.bench_function(BenchmarkId::new("miss", results), |b| {
            b.iter(|| black_box(cache.lookup(&key(u64::MAX))));
        });
        let mut new = results;
        group.bench_function(BenchmarkId::new("record 2 kB", results), |b| {
            b.iter(|| {
                new += 1;
                record(&cache, key(new), &bytes);
            });
        });
        cache.flush();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    group.bench_function("write a file of 2 kB", |b| {
        b.iter_batched(
            || -> PathBuf {
                number += 1;
                folder.path().join(number.to_string())
            },
            |path| std::fs::write(path, &bytes).unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(stages, projects, keys, caches);
criterion_main!(stages);
