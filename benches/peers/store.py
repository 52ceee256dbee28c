#!/usr/bin/env python3
"""How long does it take to store a large result and to place it, next to `cp` and the two digests by public tools?

    benches/peers/store.py                          # 1 GiB
    benches/peers/store.py --mib 64 --no-record     # quickly, to see that it works

Both sides work on the same file system, with the same bytes, in the same run, with warm files. The other side is
`cp`, BLAKE3 and SHA-256 of the file one after the other: `cp`, `b3sum` (where it is not installed, our own BLAKE3 in
a plain loop on one thread), `sha256sum`. Our side is what a build does with a file that an action left: both
digests in one read, a rename into the store, a record; then the output by reflink or hard link (and, for
comparison, by copy). Each figure is the median of the rounds. Needs a release build: `cargo build --release -p
reel-benches --bin store`. Uses nothing outside Python's library.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def timed(command):
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def theirs(ours, file, copy):
    """Seconds of `cp`, BLAKE3 and SHA-256 of a file."""
    b3sum = shutil.which("b3sum")
    parts = {
        "cp": timed(["cp", "--reflink=never", file, copy]),
        "BLAKE3": timed([b3sum, file] if b3sum else [ours, "blake3", file]),
        "SHA-256": timed(["sha256sum", file]),
    }
    os.remove(copy)
    return parts


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--folder", type=pathlib.Path, help="where; its file system is what is measured")
    arguments.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/store")
    arguments.add_argument("--no-record", action="store_true", help="keep no result in benches/runs")
    asked = arguments.parse_args()
    if not asked.program.exists():
        sys.exit(f"{asked.program} is not there: cargo build --release -p reel-benches --bin store")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        text = measure(asked, pathlib.Path(folder))
    print(text)
    if not asked.no_record:
        today = datetime.date.today().isoformat()
        (ROOT / f"benches/runs/{today}-store.md").write_text(text)


def measure(asked, folder):
    ours = str(asked.program)
    file = folder / "file"
    block = os.urandom(1 << 20)
    with open(file, "wb") as out:
        for number in range(asked.mib):
            # No two blocks are the same.
            out.write(number.to_bytes(8, "little") + block[8:])
    rounds = []
    for _ in range(asked.rounds):
        parts = theirs(ours, str(file), str(folder / "copy"))
        answer = subprocess.run([ours, "run", str(file), str(folder / "store")], check=True, capture_output=True)
        rounds.append((parts, json.loads(answer.stdout)))
        shutil.rmtree(folder / "store")
    middle = lambda values: statistics.median(values)
    parts = {name: middle([round[0][name] for round in rounds]) for name in rounds[0][0]}
    mine = {name: middle([round[1][name] for round in rounds]) for name in rounds[0][1] if name != "reflink"}
    reflink = rounds[0][1]["reflink"]
    other = sum(parts.values())
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    tool = "`b3sum`" if shutil.which("b3sum") else "our BLAKE3 in a plain loop (`b3sum` is not installed)"
    lines = [
        f"# Store and place {asked.mib} MiB, {cores} cores, {memory:.0f} GiB of memory",
        "",
        f"Median of {asked.rounds} rounds. BLAKE3 on the other side: {tool}.",
        "",
        "| what | ours | theirs | ratio | limit |",
        "|---|---|---|---|---|",
        f"| store, against `cp` + BLAKE3 + SHA-256 | {mine['store']:.3f} s | {other:.3f} s "
        f"| {mine['store'] / other:.2f} | 1.30 |",
        f"| place by hard link | {mine['link'] * 1000:.2f} ms | | | 5 ms |",
        f"| place by reflink | {mine['copy'] * 1000:.2f} ms | | | 5 ms |" if reflink
        else f"| place by copy (no reflinks on this file system) | {mine['copy'] * 1000:.0f} ms "
        f"| {parts['cp'] * 1000:.0f} ms (`cp`) | {mine['copy'] / parts['cp']:.2f} | |",
        "",
        "The other side in parts: " + ", ".join(f"{name} {seconds:.3f} s" for name, seconds in parts.items()) + ".",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
