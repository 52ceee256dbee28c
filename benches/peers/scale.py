#!/usr/bin/env python3
"""How fast is reel on large graphs, and does it grow in line with them? Next to ninja on a graph of the same shape.

    benches/peers/scale.py                             # 1,000, 10,000 and 100,000 nodes (some minutes)
    benches/peers/scale.py --nodes 1000 --no-record    # quickly, to see that it works
    benches/peers/scale.py --nodes 1000000 --rounds 1  # takes 10 GiB and long; see --no-ninja

The graph is shaped like films: a scene has two sentences, each read from a file, a timeline of both, and three
segments of the timeline; every twenty scenes have a mix and a film, which is an output. In reel every node is a
`text`; in ninja every edge is `cat`, with `restat = 1`. Beside it stands a project of three nodes and as many rows,
in which a `foreach` over a list that is made during the run makes as many nodes, a third of which read a file.

Both sides work on files that were left alone for some seconds. The first build of ninja is timed once, and it starts
a process for each node, which reel does not: it is no comparison, and stands there to tell what that costs.

Times are wall times of the whole process, the median of several, and CPU times of the process and its children beside
them; memory is the peak resident size that the kernel tells. `two at once` are two cold builds of one project with one
cache that begin together. Needs ninja and a release build of reel; uses nothing outside Python's library. A plot goes
beside the record.
"""

import argparse
import datetime
import json
import math
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
MS = 1000

# What is to be reached: by shape and row, in µs of wall time a node, as a share of ninja's wall time, and in MiB, for a
# number of nodes.
LIMITS = {
    ("written", "parse and resolve"): {"micros": 30, "memory": 1024, "nodes": 100_000},
    ("written", "cold, all nodes"): {"micros": 60},
    ("written", "nothing changed"): {"ratio": 0.4, "memory": 300, "nodes": 100_000},
    ("written", "one source edited"): {"ratio": 0.8},
    ("foreach", "cold, all nodes"): {"micros": 80},
    ("foreach", "nothing changed"): {"ratio": 0.4, "memory": 300, "nodes": 100_000},
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reel", type=pathlib.Path, default=ROOT / "target/release/reel")
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument("--no-ninja", action="store_true", help="reel alone, without what it is compared to")
    parser.add_argument("--shapes", nargs="*", choices=["written", "foreach"], default=["written", "foreach"])
    return parser.parse_args()


class Run:
    """What one process took."""

    def __init__(self, wall, cpu, memory):
        self.wall, self.cpu, self.memory = wall, cpu, memory

    @staticmethod
    def median(runs):
        middle = lambda what: statistics.median(getattr(run, what) for run in runs)
        return Run(middle("wall"), middle("cpu"), max(run.memory for run in runs))


class Side:
    """A project in a folder, and the command that builds it."""

    def __init__(self, folder, command, env):
        self.folder, self.command, self.env = folder, command, env

    def start(self):
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self.command, cwd=self.folder, env=self.env, stdout=quiet, stderr=subprocess.PIPE)

    def run(self):
        begin = time.perf_counter()
        return self.end(self.start(), begin)

    def end(self, process, begin):
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - begin
        if status != 0:
            sys.exit(f"{self.command} failed:\n{errors.decode()}")
        return Run(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    def median(self, rounds, before=lambda number: None):
        runs = []
        for number in range(rounds):
            before(number)
            runs.append(self.run())
        return Run.median(runs)

    def twice_at_once(self):
        begin = time.perf_counter()
        both = [self.start(), self.start()]
        runs = [self.end(process, begin) for process in both]
        return Run(max(run.wall for run in runs), sum(run.cpu for run in runs), sum(run.memory for run in runs))


def scenes(groups):
    for group in range(groups):
        for scene in range(SCENES):
            yield group, scene


def sources(folder, groups):
    for group, scene in scenes(groups):
        # Folders of a hundred thousand files are no matter of either side.
        place = folder / f"text/{group}"
        if scene == 0:
            place.mkdir(parents=True)
        for sentence in (1, 2):
            (place / f"{scene}-{sentence}.txt").write_text(f"Sentence {sentence} of scene {scene} of film {group}.\n")


def write_written(folder, groups):
    lines = ["version: 1", "nodes:"]

    def node(name, parts):
        lines.append(f"  {name}: {{ uses: text, with: {{ parts: [{', '.join(parts)}] }} }}")

    for group in range(groups):
        for scene in range(SCENES):
            at = f"f{group}s{scene}"
            for sentence in (1, 2):
                node(f"{at}-say{sentence}", [f"{{ file: text/{group}/{scene}-{sentence}.txt }}"])
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


def write_foreach(folder, groups):
    """As many nodes, made by two lists that are known only when they were made: sentences, and all the rest."""
    says, encodes = [], []
    for group, scene in scenes(groups):
        for sentence in (1, 2):
            says.append({"id": f"f{group}s{scene}n{sentence}", "file": f"text/{group}/{scene}-{sentence}.txt"})
        for segment in (1, 2, 3, 4):
            encodes.append({"id": f"f{group}s{scene}e{segment}", "words": f"segment {segment} of {group}.{scene}"})
    # Two lists, two nodes that read them, and one that takes all: what is left of the number.
    encodes += [{"id": f"more{n}", "words": f"mix {n}"} for n in range(2 * groups - 5)]
    for name, rows in (("says", says), ("encodes", encodes)):
        (folder / f"{name}.json").write_text(json.dumps(rows))
    (folder / "reel.yaml").write_text(
        """version: 1
nodes:
  says: { uses: text, with: { parts: [{ file: says.json }] } }
  encodes: { uses: text, with: { parts: [{ file: encodes.json }] } }
  say: { foreach: { row: "${says.text}" }, uses: text, with: { parts: [{ file: "${row.file}" }] } }
  encode: { foreach: { row: "${encodes.text}" }, uses: text, with: { parts: ["${row.words}"] } }
  film: { uses: text, with: { parts: ["${say.text}", "${encode.text}"] } }
outputs:
  film: { from: "${film.text}", file: out/film.txt }
"""
    )


def write_ninja(folder, groups):
    lines = ["rule cat", "  command = cat $in > $out", "  restat = 1"]

    def edge(output, inputs):
        lines.append(f"build {output}: cat {' '.join(inputs)}")

    for group in range(groups):
        for scene in range(SCENES):
            at = f"o/f{group}s{scene}"
            for sentence in (1, 2):
                edge(f"{at}-say{sentence}", [f"text/{group}/{scene}-{sentence}.txt"])
            edge(f"{at}-timeline", [f"{at}-say{n}" for n in (1, 2)])
            for segment in (1, 2, 3):
                edge(f"{at}-encode{segment}", [f"{at}-timeline"])
        each = [f"o/f{group}s{scene}" for scene in range(SCENES)]
        edge(f"o/f{group}-mix", [f"{at}-timeline" for at in each])
        edge(f"out/{group}.txt", [f"{at}-encode{n}" for at in each for n in (1, 2, 3)] + [f"o/f{group}-mix"])
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")
    (folder / "o").mkdir()


WRITE = {"written": write_written, "foreach": write_foreach}


def edit(folder):
    def change(number):
        (folder / "text/0/0-1.txt").write_text(f"Another sentence, the {number}th.\n")

    return change


def measure_ninja(groups, args, space):
    folder = space / "ninja"
    sources(folder, groups)
    write_ninja(folder, groups)
    ninja = Side(folder, ["ninja", "--quiet"], os.environ)
    time.sleep(3)
    rows = {"cold, all nodes": ninja.run()}
    time.sleep(3)
    ninja.run()
    rows["nothing changed"] = ninja.median(args.rounds)
    rows["one source edited"] = ninja.median(args.rounds, edit(folder))
    shutil.rmtree(folder)
    return rows


def measure_reel(shape, groups, args, space):
    folder, cache = space / shape, space / "cache"
    sources(folder, groups)
    WRITE[shape](folder, groups)
    env = os.environ | {"REEL_CACHE_DIR": str(cache), "NO_COLOR": "1"}
    build = Side(folder, [str(args.reel), "build", "--quiet"], env)
    check = Side(folder, [str(args.reel), "check", "--quiet"], env)
    time.sleep(3)
    rows = {"parse and resolve": check.median(min(args.rounds, 3))}

    def forget(_):
        for made in (folder / ".reel", folder / "out", cache):
            shutil.rmtree(made, ignore_errors=True)

    forget(0)
    rows["two at once"] = build.twice_at_once()
    rows["cold, all nodes"] = build.median(min(args.rounds, 3), forget)
    time.sleep(3)
    build.run()
    rows["nothing changed"] = build.median(args.rounds)
    rows["one source edited"] = build.median(args.rounds, edit(folder))
    shutil.rmtree(folder)
    shutil.rmtree(cache)
    return rows


def reached(shape, what, count, run, other):
    """What is to be reached of a row, and whether it was; nothing where nothing is to be."""
    limit = LIMITS.get((shape, what), {})
    told = []
    if "micros" in limit:
        told.append((f"≤ {limit['micros']} µs a node", run.wall / count * 1e6 <= limit["micros"]))
    if "ratio" in limit and other:
        told.append((f"≤ {limit['ratio']} × ninja", run.wall / other.wall <= limit["ratio"]))
    if "memory" in limit and count >= 0.9 * limit["nodes"]:
        told.append((f"≤ {limit['memory']} MiB", run.memory <= limit["memory"]))
    return ", ".join(f"{text}{'' if right else ' **no**'}" for text, right in told)


def line(shape, what, count, run, other):
    cells = [f"{count:,}", shape, what, f"{run.wall * MS:,.1f} ms", f"{run.cpu * MS:,.0f} ms"]
    cells += [f"{run.wall / count * 1e6:.1f} µs", f"{run.memory:.0f} MiB"]
    if other:
        cells += [f"{other.wall * MS:,.1f} ms", f"{other.memory:.0f} MiB", f"{run.wall / other.wall:.2f}"]
    else:
        cells += ["", "", ""]
    return "| " + " | ".join([*cells, reached(shape, what, count, run, other)]) + " |"


class Plot:
    """Curves over the number of nodes, both axes by powers of ten, as SVG."""

    WIDTH, HEIGHT, LEFT, TOP = 420, 300, 56, 40
    COLORS = ["#1b6ca8", "#d1495b", "#3b8f4e", "#8d5a97", "#b7791f"]

    def __init__(self, title, unit, curves):
        self.title, self.unit, self.curves = title, unit, {k: v for k, v in curves.items() if v}
        points = [point for curve in self.curves.values() for point in curve]
        decades = lambda values: (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9))
        self.x, self.y = decades([x for x, _ in points]), decades([y for _, y in points])
        # One number of nodes alone is no range.
        self.x, self.y = ((low, max(high, low + 1)) for low, high in (self.x, self.y))

    def place(self, x, y):
        share = lambda value, ends: (math.log10(value) - ends[0]) / (ends[1] - ends[0])
        return self.LEFT + share(x, self.x) * self.WIDTH, self.TOP + (1 - share(y, self.y)) * self.HEIGHT

    def svg(self, shift):
        out = [f'<g transform="translate({shift},0)">', f'<text x="{self.LEFT}" y="20" class="t">{self.title}</text>']
        for ends, upright in ((self.x, True), (self.y, False)):
            for power in range(ends[0], ends[1] + 1):
                number = f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
                x, y = self.place(10**power, 10 ** self.y[0]) if upright else self.place(10 ** self.x[0], 10**power)
                end = (x, self.TOP) if upright else (self.LEFT + self.WIDTH, y)
                out.append(f'<path class="g" d="M{x:.1f} {y:.1f}L{end[0]:.1f} {end[1]:.1f}"/>')
                at = f'x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle"' if upright else (
                    f'x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end"'
                )
                out.append(f"<text {at}>{number}</text>")
        for (name, curve), color in zip(self.curves.items(), self.COLORS * 3):
            points = [self.place(*point) for point in sorted(curve)]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            dashed = ' stroke-dasharray="5 4"' if "ninja" in name else ""
            out.append(f'<path class="c" stroke="{color}"{dashed} d="M{path}"/>')
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
        below = self.TOP + self.HEIGHT + 36
        for index, (name, color) in enumerate(zip(self.curves, self.COLORS * 3)):
            x, y = self.LEFT + (index % 2) * 210, below + (index // 2) * 18
            out.append(f'<path class="c" stroke="{color}" d="M{x} {y - 4}h18"/><text x="{x + 24}" y="{y}">{name}</text>')
        out.append(f'<text x="{self.LEFT}" y="34">{self.unit}, over nodes</text></g>')
        return "\n".join(out)


STYLE = (
    "text{font:11px sans-serif;fill:#333}.t{font-weight:bold;font-size:13px}"
    ".g{stroke:#ddd;fill:none}.c{fill:none;stroke-width:2}"
)


def drawn(results):
    """The plots of all results as one picture."""
    plots = []
    for title, unit, value, rows in [
        ("Cold, and reading alone", "seconds", lambda run: run.wall, ["cold, all nodes", "parse and resolve"]),
        ("Nothing changed", "seconds", lambda run: run.wall, ["nothing changed"]),
        ("One source edited", "seconds", lambda run: run.wall, ["one source edited"]),
        ("Memory", "MiB", lambda run: run.memory, ["cold, all nodes", "nothing changed"]),
    ]:
        curves = {}
        for row in rows:
            for side in ("written", "foreach", "ninja"):
                # The first build of ninja is no comparison.
                points = [(n, value(by[row])) for n, of, by in results if of == side and row in by]
                if not (side == "ninja" and row.startswith("cold")):
                    curves[f"{side}: {row}" if len(rows) > 1 else side] = points
        if any(curves.values()):
            plots.append(Plot(title, unit, curves))
    width = Plot.LEFT + Plot.WIDTH + 30
    height = Plot.TOP + Plot.HEIGHT + 100
    parts = []
    for index, plot in enumerate(plots):
        parts.append(f'<g transform="translate(0,{index // 2 * height})">{plot.svg(index % 2 * width)}</g>')
    size = f'width="{2 * width}" height="{(len(plots) + 1) // 2 * height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style><rect {size} fill="#fff"/>'
    return "\n".join([head, *parts, "</svg>\n"])


def main():
    args = arguments()
    if not args.no_ninja and not shutil.which("ninja"):
        sys.exit("ninja is not installed: apt-get install ninja-build")
    cores = os.cpu_count()
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    today = datetime.date.today().isoformat()
    load = f"{os.getloadavg()[1]:.1f}"
    head = ["nodes", "shape", "what", "reel", "CPU", "per node", "memory", "ninja", "memory", "ratio", "to reach"]
    lines = [f"# Graphs of many nodes, {today}", ""]
    lines += [f"{cores} cores, {memory} GiB; the load was {load} when it began.", ""]
    lines += ["| " + " | ".join(head) + " |", "|--:|---|---|" + "--:|" * 7 + "---|"]
    print("\n".join(lines))
    results = []
    for nodes in args.nodes:
        groups = max(3, round(nodes / GROUP))
        count = groups * GROUP
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as space:
            space = pathlib.Path(space)
            ninja = {} if args.no_ninja else measure_ninja(groups, args, space)
            results.append((count, "ninja", ninja))
            for shape in args.shapes:
                rows = measure_reel(shape, groups, args, space)
                results.append((count, shape, rows))
                for what, run in rows.items():
                    other = None if what.startswith("cold") else ninja.get(what)
                    lines.append(line(shape, what, count, run, other))
                    print(lines[-1], flush=True)
        if "cold, all nodes" in ninja:
            took = ninja["cold, all nodes"].wall / count * 1e6
            lines.append(f"| {count:,} | ninja | cold, a `cat` each | | | {took:.1f} µs | | | | | |")
            print(lines[-1], flush=True)
    if not args.no_record:
        place = ROOT / f"benches/runs/{today}-scale"
        place.with_suffix(".svg").write_text(drawn(results))
        lines += ["", f"![Time and memory over the number of nodes]({today}-scale.svg)"]
        place.with_suffix(".md").write_text("\n".join(lines) + "\n")


main()
