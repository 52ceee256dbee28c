#!/usr/bin/env python3
"""How soon does `reel watch` do something after a save, what does it cost while nothing happens, and how soon is a film
there of which one word was changed?

    benches/peers/watch.py                       # all of it (a film of ten minutes is made once: some minutes)
    benches/peers/watch.py --scenes 0            # without the film
    benches/peers/watch.py --scenes 6 --width 360 --no-record --idle 5    # quickly, to see that it works

The projects of many files have a `text` node for each file, and another for each twenty of them, which is an output. One
file is written in place; the time ends when the first action is told of (`will-run`). It holds the 40 ms in which nothing
must happen any more before files are looked at, printed apart as it was told (`quiet-seconds`), and the look at all files
(`look-seconds`). What a rest costs is the CPU time of the process tree in so many seconds, and the sum of its PSS.

The film is that of `film.py`: one word of the middle scene is shown otherwise. The time ends when the film was told to be
at its place (`did-publish`); the encoding of its one segment is printed apart. Times are wall times and medians of
several. Needs a release build of reel; the film needs ffmpeg, too. Uses nothing outside Python's library.
"""

import argparse
import datetime
import json
import os
import pathlib
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUP = 20
FOLDER = 1000
# What is to be reached: milliseconds to the first action by number of files, percent of one core and MiB at rest,
# milliseconds for a drawing, seconds beside the encoding of a segment.
FIRST_ACTION = {100: 100, 10_000: 250}
IDLE_CPU, IDLE_MEMORY = 0.5, 60
GRAPH = 1000
FILM = 2.0
# After so long without work a watch lets its workers go.
REST = 16
TICKS = os.sysconf("SC_CLK_TCK")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="*", default=[100, 10_000])
    parser.add_argument("--nodes", type=int, default=1_000, help="of the graph that is drawn; 0 for none")
    parser.add_argument("--scenes", type=int, default=60, help="of the film; 0 for none")
    parser.add_argument("--width", type=int, default=1080, help="of the film, which is 16:9 upright")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--idle", type=float, default=30, help="seconds for which a rest is measured")
    parser.add_argument("--reel", type=pathlib.Path, default=ROOT / "target/release/reel")
    parser.add_argument("--no-record", action="store_true")
    return parser.parse_args()


def process_tree(pid):
    found, open_ = [], [pid]
    while open_:
        this = open_.pop()
        found.append(this)
        try:
            for task in os.listdir(f"/proc/{this}/task"):
                open_ += [int(c) for c in pathlib.Path(f"/proc/{this}/task/{task}/children").read_text().split()]
        except OSError:
            pass
    return found


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


class Watch:
    """A `reel watch`, and what it says, with the time at which it did."""

    def __init__(self, args, folder, env):
        command = [str(args.reel), "watch", "--json"]
        self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.said = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            # Thousands may come at once: they are read later.
            self.said.put((time.perf_counter(), line))
        self.said.put((time.perf_counter(), b'{"event": "ended"}'))

    def until(self, name, timeout=3600):
        """All that is said up to the first event of this name."""
        events = []
        while not events or events[-1][1]["event"] != name:
            at, line = self.said.get(timeout=timeout)
            events.append((at, json.loads(line)))
            if events[-1][1]["event"] == "ended":
                sys.exit(f"the watch ended before `{name}`: {events}")
        return events

    def rest(self, seconds):
        """What it takes while nothing happens: percent of one core, and MiB."""
        time.sleep(REST)
        cost = lambda: sum(cpu_seconds(pid) for pid in process_tree(self.process.pid))
        before = cost()
        time.sleep(seconds)
        return (cost() - before) / seconds * 100, sum(pss(pid) for pid in process_tree(self.process.pid))

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def write_texts(folder, count):
    """A project with a node for each file, and one for each twenty."""
    lines = ["version: 1", "nodes:"]
    for number in range(count):
        place = f"text/{number // FOLDER}/{number}.txt"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(f"Sentence {number}.\n")
        lines.append(f"  t{number}: {{ uses: text, with: {{ parts: [{{ file: {place} }}] }} }}")
    outputs = ["outputs:"]
    for first in range(0, count, GROUP):
        parts = ", ".join(f'"${{t{number}.text}}"' for number in range(first, min(first + GROUP, count)))
        lines.append(f"  g{first}: {{ uses: text, with: {{ parts: [{parts}] }} }}")
        outputs.append(f'  g{first}: {{ from: "${{g{first}.text}}", file: out/{first}.txt }}')
    (folder / "reel.yaml").write_text("\n".join(lines + outputs) + "\n")


def all_there(folder, count):
    """Whether every output is made of what was saved last."""
    told = lambda first: (folder / f"out/{first}.txt").read_text().count(", and all others.")
    return all(told(first) == min(GROUP, count - first) for first in range(0, count, GROUP))


def event(events, name):
    return next((at, said) for at, said in events if said["event"] == name)


def mark(right):
    return "" if right else " **no**"


def measure_saves(args, count, folder, env):
    write_texts(folder, count)
    watch = Watch(args, folder, env)
    watch.until("watching")
    took, quiet, look, built = [], [], [], []
    for number in range(args.rounds):
        time.sleep(1)
        which = number * 7 % count
        (folder / f"text/{which // FOLDER}/{which}.txt").write_text(f"Sentence {which}, the {number}th.\n")
        begin = time.perf_counter()
        events = watch.until("watching")
        changed = event(events, "changed")[1]
        took.append((event(events, "will-run")[0] - begin) * 1000)
        built.append((event(events, "finished")[0] - begin) * 1000)
        quiet.append(changed["quiet-seconds"] * 1000)
        look.append(changed["look-seconds"] * 1000)
    time.sleep(1)
    begin = time.perf_counter()
    for which in range(count):
        (folder / f"text/{which // FOLDER}/{which}.txt").write_text(f"Sentence {which}, and all others.\n")
    saved = time.perf_counter()
    # To write them takes longer than a watch waits: it may begin with the first before the last is there.
    events = []
    while not all_there(folder, count) or event(reversed(events), "finished")[0] < saved:
        events += watch.until("watching")
    times = sum(said["event"] == "changed" for _, said in events)
    all_ = (event(reversed(events), "finished")[0] - saved) * 1000
    writing = (saved - begin) * 1000
    share, memory = watch.rest(args.idle)
    watch.end()
    middle = statistics.median
    limit = FIRST_ACTION.get(count)
    reach = f"≤ {limit} ms{mark(middle(took) <= limit)}" if limit else ""
    yield f"| {count:,} files: save → first action | {middle(took):.0f} ms (worst {max(took):.0f}) | {reach} |"
    yield f"| of it waiting for quiet | {middle(quiet):.0f} ms | |"
    yield f"| of it looking at all files | {middle(look):.1f} ms | |"
    yield f"| {count:,} files: save → outputs there | {middle(built):.0f} ms | |"
    yield f"| {count:,} files: the last of all saved → outputs there | {all_:.0f} ms, seen {times} × | |"
    yield f"| of all before it, saving them | {writing:.0f} ms | |"
    yield f"| {count:,} files: at rest, of one core | {share:.2f} % | < {IDLE_CPU} %{mark(share < IDLE_CPU)} |"
    yield f"| {count:,} files: at rest, memory | {memory:.0f} MiB | < {IDLE_MEMORY} MiB{mark(memory < IDLE_MEMORY)} |"


def measure_graph(args, folder, env):
    # Each twenty nodes have one more.
    write_texts(folder, round(args.nodes * GROUP / (GROUP + 1)))
    run = lambda *more: subprocess.run(
        [str(args.reel), *more], cwd=folder, env=env, stdout=subprocess.PIPE, check=True).stdout
    run("build", "--quiet")
    for words, reach in ([], True), (["--group", "none"], False):
        took = []
        for _ in range(args.rounds):
            begin = time.perf_counter()
            drawn = run("graph", "--format", "svg", *words)
            took.append((time.perf_counter() - begin) * 1000)
        time_ = statistics.median(took)
        limit = f"≤ {GRAPH} ms{mark(time_ <= GRAPH)}" if reach else ""
        name = " ".join(["graph --format svg", *words])
        yield f"| {args.nodes:,} nodes: `{name}` | {time_:.0f} ms, {len(drawn) / 1024:.0f} KiB | {limit} |"


def measure_film(args, folder, env):
    import film
    film.WIDTH, film.HEIGHT = args.width, args.width * 16 // 9
    made = film.Film(args.scenes, folder)
    made.project()
    watch = Watch(args, folder, env)
    begin = time.perf_counter()
    first = event(watch.until("watching"), "finished")[0] - begin
    whole, encodes = [], []
    for number in range(min(args.rounds, 5)):
        time.sleep(1)
        made.project(shown=f"{'eclipses moons shadows suns stars'.split()[number]}")
        begin = time.perf_counter()
        events = watch.until("watching")
        encoded = [said["seconds"] for _, said in events if said["event"] == "did-run" and said["kind"] == "encode"]
        if len(encoded) != 1:
            sys.exit(f"one segment should have been encoded, not {len(encoded)}")
        whole.append(event(events, "did-publish")[0] - begin)
        encodes.append(encoded[0])
    watch.end()
    beside = statistics.median(all_ - encode for all_, encode in zip(whole, encodes))
    yield f"| film of {args.scenes} scenes, {film.WIDTH}x{film.HEIGHT}: first build | {first:.0f} s | |"
    yield f"| one shown word: save → new film | {statistics.median(whole):.2f} s | |"
    yield f"| of it encoding the segment | {statistics.median(encodes):.2f} s | |"
    yield f"| of it all else | {beside:.2f} s | ≤ {FILM:.0f} s{mark(beside <= FILM)} |"


def main():
    args = arguments()
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    today = datetime.date.today().isoformat()
    lines = [f"# Watching, {today}", "",
             f"{os.cpu_count()} cores, {memory} GiB; the load was {os.getloadavg()[1]:.1f} when it began.", "",
             "| what | took | to reach |", "|---|--:|---|"]
    print("\n".join(lines))
    parts = [(measure_saves, count) for count in args.files]
    parts += [(measure_graph,)] * bool(args.nodes) + [(measure_film,)] * bool(args.scenes)
    for measure, *more in parts:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as space:
            project = pathlib.Path(space) / "project"
            project.mkdir()
            env = os.environ | {"REEL_CACHE_DIR": f"{space}/cache", "NO_COLOR": "1"}
            for line in measure(args, *more, project, env):
                lines.append(line)
                print(line, flush=True)
    if not args.no_record:
        (ROOT / f"benches/runs/{today}-watch.md").write_text("\n".join(lines) + "\n")


main()
