#!/usr/bin/env python3
"""How fast is reel on large graphs, next to ninja on a graph of the same shape?

    benches/peers/scale.py                             # 1,000, 10,000 and 100,000 nodes (some minutes)
    benches/peers/scale.py --nodes 1000 --no-record    # quickly, to see that it works

The graph is shaped like films: a scene has two sentences, each read from a file, a timeline of both, and three
segments of the timeline; every twenty scenes have a mix and a film, which is an output. In reel every node is a
`text`; in ninja every edge is `cat`, with `restat = 1`. Both sides work on files that were left alone for some
seconds. The first build of ninja is not timed: it starts a process for each node, which takes minutes.

Times are wall times of the whole process, the median of several; memory is the peak resident size that the kernel
tells. Needs ninja and a release build of reel; uses nothing outside Python's library.
"""

import argparse
import datetime
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENES = 20
GROUP = SCENES * 6 + 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reel", type=pathlib.Path, default=ROOT / "target/release/reel")
    parser.add_argument("--no-record", action="store_true")
    return parser.parse_args()


class Side:
    """A project in a folder, and the command that builds it."""

    def __init__(self, folder, command, env):
        self.folder, self.command, self.env = folder, command, env

    def run(self):
        begin = time.perf_counter()
        process = subprocess.Popen(
            self.command, cwd=self.folder, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - begin
        if status != 0:
            sys.exit(f"{self.command} failed:\n{errors.decode()}")
        return took, usage.ru_maxrss / 1024

    def median(self, rounds, before=lambda number: None):
        runs = []
        for number in range(rounds):
            before(number)
            runs.append(self.run())
        return statistics.median(run[0] for run in runs), max(run[1] for run in runs)


def scenes(groups):
    for group in range(groups):
        for scene in range(SCENES):
            yield group, scene


def sources(folder, groups):
    (folder / "text").mkdir(parents=True)
    for group, scene in scenes(groups):
        for sentence in (1, 2):
            path = folder / f"text/{group}-{scene}-{sentence}.txt"
            path.write_text(f"Sentence {sentence} of scene {scene} of film {group}.\n")


def write_reel(folder, groups):
    lines = ["version: 1", "nodes:"]

    def node(name, parts):
        lines.append(f"  {name}: {{ uses: text, with: {{ parts: [{', '.join(parts)}] }} }}")

    for group in range(groups):
        for scene in range(SCENES):
            at = f"f{group}s{scene}"
            for sentence in (1, 2):
                node(f"{at}-say{sentence}", [f"{{ file: text/{group}-{scene}-{sentence}.txt }}"])
            node(f"{at}-timeline", [f'"${{{at}-say{n}.text}}"' for n in (1, 2)])
            for segment in (1, 2, 3):
                node(f"{at}-encode{segment}", [f'"${{{at}-timeline.text}}"', f'"segment {segment}"'])
        each = [f"f{group}s{scene}" for scene in range(SCENES)]
        node(f"f{group}-mix", [f'"${{{at}-timeline.text}}"' for at in each])
        parts = [f'"${{{at}-encode{segment}.text}}"' for at in each for segment in (1, 2, 3)]
        node(f"f{group}-film", [*parts, f'"${{f{group}-mix.text}}"'])
    lines.append("outputs:")
    for group in range(groups):
        lines.append(f'  film{group}: {{ from: "${{f{group}-film.text}}", file: out/{group}.txt }}')
    (folder / "reel.yaml").write_text("\n".join(lines) + "\n")


def write_ninja(folder, groups):
    lines = ["rule cat", "  command = cat $in > $out", "  restat = 1"]

    def edge(output, inputs):
        lines.append(f"build {output}: cat {' '.join(inputs)}")

    for group in range(groups):
        for scene in range(SCENES):
            at = f"o/f{group}s{scene}"
            for sentence in (1, 2):
                edge(f"{at}-say{sentence}", [f"text/{group}-{scene}-{sentence}.txt"])
            edge(f"{at}-timeline", [f"{at}-say{n}" for n in (1, 2)])
            for segment in (1, 2, 3):
                edge(f"{at}-encode{segment}", [f"{at}-timeline"])
        each = [f"o/f{group}s{scene}" for scene in range(SCENES)]
        edge(f"o/f{group}-mix", [f"{at}-timeline" for at in each])
        edge(f"out/{group}.txt", [f"{at}-encode{n}" for at in each for n in (1, 2, 3)] + [f"o/f{group}-mix"])
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")
    (folder / "o").mkdir()


def edit(folder):
    def change(number):
        (folder / "text/0-0-1.txt").write_text(f"Another sentence, the {number}th.\n")

    return change


def measure(nodes, args, space):
    groups = max(1, round(nodes / GROUP))
    reel_folder, ninja_folder = space / f"reel-{nodes}", space / f"ninja-{nodes}"
    for folder, write in ((reel_folder, write_reel), (ninja_folder, write_ninja)):
        sources(folder, groups)
        write(folder, groups)
    env = os.environ | {"REEL_CACHE_DIR": str(space / f"cache-{nodes}"), "NO_COLOR": "1"}
    reel = Side(reel_folder, [str(args.reel), "build", "--quiet"], env)
    check = Side(reel_folder, [str(args.reel), "check", "--quiet"], env)
    ninja = Side(ninja_folder, ["ninja", "--quiet"], os.environ)
    time.sleep(3)
    rows = []
    parse = check.median(2)
    rows.append(("parse and resolve", parse, None))
    cold = reel.run()
    rows.append(("cold, all nodes", cold, None))
    ninja.run()
    time.sleep(3)
    reel.run(), ninja.run()
    rows.append(("nothing changed", reel.median(args.rounds), ninja.median(args.rounds)))
    one = (reel.median(args.rounds, edit(reel_folder)), ninja.median(args.rounds, edit(ninja_folder)))
    rows.append(("one source edited", *one))
    return groups * GROUP, rows


def main():
    args = arguments()
    if not shutil.which("ninja"):
        sys.exit("ninja is not installed: apt-get install ninja-build")
    cores = os.cpu_count()
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    today = datetime.date.today().isoformat()
    lines = [f"# Graphs of many nodes, {today}", "", f"{cores} cores, {memory} GiB.", ""]
    lines += ["| nodes | what | reel | per node | memory | ninja | memory | ratio |", "|--:|---|--:|--:|--:|--:|--:|--:|"]
    print("\n".join(lines))
    for nodes in args.nodes:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as space:
            count, rows = measure(nodes, args, pathlib.Path(space))
        for what, (took, size), other in rows:
            cells = [f"{count:,}", what, f"{took * 1000:,.1f} ms", f"{took / count * 1e6:.1f} µs", f"{size:.0f} MiB"]
            if other:
                cells += [f"{other[0] * 1000:,.1f} ms", f"{other[1]:.0f} MiB", f"{took / other[0]:.2f}"]
            else:
                cells += ["", "", ""]
            lines.append("| " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    if not args.no_record:
        (ROOT / f"benches/runs/{today}-scale.md").write_text("\n".join(lines) + "\n")


main()
