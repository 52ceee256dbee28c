#!/usr/bin/env python3
"""How long does reel take for a narrated film, next to the script of `ffmpeg` commands that one would write by hand?

    benches/peers/film.py                         # films of 6 and 60 scenes (some minutes)
    benches/peers/film.py --scenes 2 --no-record  # quickly, to see that it works
    benches/peers/film.py --scenes 6 --floor --moviepy v/bin/python

Both sides make the same film in the same run on the same machine: images that move (zoompan), a voice
(espeak-ng; the silence that it leaves after a sentence is the script's pause), burnt captions with the spoken word
lit, libx264 veryfast CRF 23, music under it, AAC. The script runs its commands in sequence with default threads,
speech included; two scenes at a time is printed beside it.

Two more sides are options, since they take long. `--moviepy PYTHON` makes the film with MoviePy, too, by a Python
that has it (`python3 -m venv v && v/bin/pip install moviepy`, then `--moviepy v/bin/python`); both use the same FFmpeg.
`--floor` encodes the frames of reel's film once more, raw, with libx264 alone and default threads: no program that
encodes them so can be faster.

Times are wall times of the whole process tree. Memory is the peak of the summed PSS of the process tree, sampled
every 50 ms, on both sides. Percentages are of the script's cold time. Needs ffmpeg, ffprobe, espeak-ng and a
release build of reel; uses nothing outside Python's library.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FPS, WIDTH, HEIGHT = 30, 1080, 1920
CRF, PRESET = 23, "veryfast"
MOTIONS = ["push-in", "pull-out", "pan-left", "pan-right", "pan-up", "pan-down"]
# zoompan's way to say the same motions; `on` counts frames, N is their number.
ZOOMPAN = {
    "push-in": "z='1+0.12*on/N':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2'",
    "pull-out": "z='1.12-0.12*on/N':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2'",
    "pan-left": "z=1.12:x='(iw-iw/zoom)*(1-on/N)':y='(ih-ih/zoom)/2'",
    "pan-right": "z=1.12:x='(iw-iw/zoom)*on/N':y='(ih-ih/zoom)/2'",
    "pan-up": "z=1.12:x='(iw-iw/zoom)/2':y='(ih-ih/zoom)*(1-on/N)'",
    "pan-down": "z=1.12:x='(iw-iw/zoom)/2':y='(ih-ih/zoom)*on/N'",
}
WORDS = """the moon passes between the earth and the sun its shadow races across oceans and deserts while people
look up in silence for some minutes day turns into night birds stop singing and stars appear around a dark disc
with a crown of light that nobody forgets who has seen it once in a life far from home on a quiet hill""".split()


def sentences(rng):
    """Two sentences of about five seconds each: sixty scenes are ten minutes."""
    made = []
    for _ in range(2):
        words = [rng.choice(WORDS) for _ in range(16)]
        made.append(" ".join(words).capitalize() + ".")
    return made


class Film:
    """The same film for both sides."""

    def __init__(self, count, folder):
        self.folder, self.count = folder, count
        rng = random.Random(count)
        self.scenes = [sentences(rng) for _ in range(count)]
        (folder / "assets").mkdir(parents=True)
        for index in range(count):
            self.picture(index)
        shutil.copy(ROOT / "examples/eclipse/assets/bed.flac", folder / "assets/bed.flac")

    def picture(self, index):
        """A picture with fine detail everywhere, since flat ones would flatter the encoder."""
        scale = 0.012 / (1 + index % 7)
        source = (f"mandelbrot=size=720x1280:start_scale={scale}:end_scale={scale}:start_x=-0.7436439:"
                  f"start_y=0.1318259:maxiter=900,scale=1440:2560:flags=lanczos,hue=h={index * 37 % 360}:s=0.6")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-frames:v", "1", "-q:v", "4",
                        str(self.folder / f"assets/{index}.jpg")], check=True)

    def motion(self, index):
        return MOTIONS[index % len(MOTIONS)]

    def project(self, shown=None, said=None, moved=None):
        """The project file, with a word of the middle scene shown or said differently, or a scene at another place."""
        order = list(range(self.count))
        if moved is not None:
            order.insert(moved, order.pop(self.count // 3))
        lines = ["version: 1", "name: bench", "format: { size: %dx%d, fps: %d }" % (WIDTH, HEIGHT, FPS),
                 "voice: { engine: espeak, voice: en-us, rate: 170 }",
                 "captions: { style: karaoke, font: DejaVu Sans, lines: 2, position: bottom }",
                 "music: { file: assets/bed.flac, gain: -18dB, duck: -10dB }", "scenes:"]
        for index in order:
            first, second = self.scenes[index]
            if index == self.count // 2:
                word = said or first.split()[4]
                words = first.split()
                words[4] = f"[{shown or word}]({word})"
                first = " ".join(words)
            lines.append(f"  - id: s{index}")
            lines.append(f"    say: \"{first} {second}\"")
            lines.append(f"    show: {{ image: assets/{index}.jpg, motion: {self.motion(index)} }}")
        lines.append(f"outputs: {{ film: {{ file: out/film.mp4, crf: {CRF}, preset: {PRESET} }} }}")
        (self.folder / "reel.yaml").write_text("\n".join(lines) + "\n")

    def with_moviepy(self, python, work):
        """The command that makes it with MoviePy in `work`, as `film.mp4`."""
        told = {"scenes": self.scenes, "motions": [self.motion(index) for index in range(self.count)], "fps": FPS,
                "width": WIDTH, "height": HEIGHT, "crf": CRF, "preset": PRESET}
        (self.folder / "film.json").write_text(json.dumps(told))
        work.mkdir()
        return [python, str(ROOT / "benches/peers/film_moviepy.py"), str(self.folder), str(work / "film.mp4")]

    def script(self, parallel):
        """The commands that one would write by hand, as shell scripts: one a scene, and one for all."""
        work = self.folder / f"script{parallel}"
        work.mkdir()
        for index, (first, second) in enumerate(self.scenes):
            (work / f"{index}.1.txt").write_text(first)
            (work / f"{index}.2.txt").write_text(second)
            pan = ZOOMPAN[self.motion(index)].replace("N", "$N")
            (work / f"{index}.sh").write_text(SCENE.format(
                i=index, image=f"../assets/{index}.jpg", pan=pan, size=f"{WIDTH}x{HEIGHT}", fps=FPS, crf=CRF,
                preset=PRESET, width=WIDTH, height=HEIGHT))
        (work / "film.sh").write_text(WHOLE.format(last=self.count - 1, parallel=parallel))
        return ["bash", str(work / "film.sh")], work


SCENE = r"""set -e
for j in 1 2; do espeak-ng -v en-us -s 170 -f {i}.$j.txt -w {i}.$j.wav; done
ffmpeg -v error -y -i {i}.1.wav -i {i}.2.wav -filter_complex \
  '[0][1]concat=n=2:v=0:a=1,aresample=48000' {i}.wav
seconds=$(ffprobe -v error -show_entries format=duration -of csv=p=0 {i}.wav)
N=$(awk -v s="$seconds" 'BEGIN {{ n = s * {fps}; c = int(n); print c + (n > c) }}')
awk -v s="$seconds" '
  function at(t) {{ return sprintf("0:%02d:%05.2f", t / 60, t % 60) }}
  {{ for (k = 1; k <= NF; k++) word[++count] = $k }}
  END {{
    print "[Script Info]\nPlayResX: {width}\nPlayResY: {height}\n[V4+ Styles]"
    print "Format: Name,Fontname,Fontsize,PrimaryColour,SecondaryColour,OutlineColour,BackColour,Bold,Alignment,MarginL,MarginR,MarginV,Outline,Shadow"
    print "Style: D,DejaVu Sans,81,&H0000D4FF,&H00FFFFFF,&H00000000,&H00000000,-1,2,75,75,307,6,0"
    print "[Events]\nFormat: Layer,Start,End,Style,Name,MarginL,MarginR,MarginV,Effect,Text"
    each = (s - 0.3) / count
    for (k = 1; k <= count; k += 6) {{
      text = ""; last = k + 5 > count ? count : k + 5
      for (m = k; m <= last; m++) text = text sprintf("{{\\k%d}}%s ", each * 100, word[m])
      printf "Dialogue: 0,%s,%s,D,,0,0,0,,%s\n", at((k - 1) * each), at(last * each), text
    }}
  }}' {i}.1.txt {i}.2.txt > {i}.ass
ffmpeg -v error -y -i {image} -vf "zoompan={pan}:d=$N:s={size}:fps={fps},ass={i}.ass,format=yuv420p" \
  -frames:v $N -c:v libx264 -preset {preset} -crf {crf} {i}.mp4
"""

WHOLE = r"""set -e
cd "$(dirname "$0")"
seq 0 {last} | xargs -P {parallel} -I % bash %.sh
for i in $(seq 0 {last}); do echo "file $i.mp4"; done > videos.txt
for i in $(seq 0 {last}); do echo "file $i.wav"; done > voices.txt
ffmpeg -v error -y -f concat -i videos.txt -c copy video.mp4
ffmpeg -v error -y -f concat -i voices.txt -c copy voice.wav
ffmpeg -v error -y -i video.mp4 -i voice.wav -stream_loop -1 -i ../assets/bed.flac -filter_complex \
  '[1]asplit[v][key];[2]volume=-18dB[m];[m][key]sidechaincompress=ratio=4:threshold=0.03[bed];[v][bed]amix=2:duration=first:normalize=0,aformat=channel_layouts=stereo' \
  -c:v copy -c:a aac -b:a 160k -movflags +faststart film.mp4
"""


def tree(pid):
    """A process and all that came of it."""
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


def pss(pid):
    """Bytes of memory that a process answers for: what it shares is divided among the sharers."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def parts(sizes):
    """Which programs hold how much, the largest first."""
    named = []
    for pid, size in sorted(sizes.items(), key=lambda item: -item[1]):
        try:
            named.append(f"{pathlib.Path(f'/proc/{pid}/comm').read_text().strip()} {size / 2**20:.0f}")
        except OSError:
            pass
    return ", ".join(named[:4])


def cpu():
    """Seconds of CPU of all processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(command, folder, environment, sample=True):
    """Wall seconds; peak PSS in bytes, of which programs, and CPU seconds; and what was printed."""
    peak, done = [(0, "")], threading.Event()
    before = cpu()
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err)

        def watch():
            while not done.wait(0.05):
                sizes = {pid: pss(pid) for pid in tree(process.pid)}
                if sum(sizes.values()) > peak[0][0]:
                    peak[0] = (sum(sizes.values()), parts(sizes))

        watcher = threading.Thread(target=watch, daemon=True)
        if sample:
            watcher.start()
        process.wait()
        seconds = time.perf_counter() - begin
        done.set()
        if sample:
            watcher.join()
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))} failed with {process.returncode}:\n{err.read()[-4000:]}{out.read()[-4000:]}")
        return seconds, (*peak[0], cpu() - before), out.read()


def events(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def summary(text):
    last = events(text)[-1]
    return {key: last[key] for key in ("planned", "ran", "cached", "skipped", "failed")}


def no_op(command, folder, environment, times):
    """Wall and CPU seconds of a whole process that finds nothing to do: medians of many."""
    taken, used = [], []
    quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    os.chdir(folder)
    for _ in range(times):
        begin = time.perf_counter()
        pid = os.posix_spawn(command[0], command, environment, file_actions=quiet)
        _, status, usage = os.wait4(pid, 0)
        taken.append(time.perf_counter() - begin)
        used.append(usage.ru_utime + usage.ru_stime)
        if status != 0:
            sys.exit(f"{command} ended with {status}")
    return statistics.median(taken), statistics.median(used)


def probe(path):
    """What came out: frames and seconds, so that nobody compares a film with half of one."""
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                           "stream=nb_frames:format=duration,size", "-of", "json", str(path)],
                          check=True, capture_output=True, text=True).stdout
    found = json.loads(text)
    return int(found["streams"][0]["nb_frames"]), float(found["format"]["duration"]), int(found["format"]["size"])


def floor(path, frames, folder):
    """Wall and CPU seconds of libx264 alone on the frames of a film, which are unpacked piece by piece before."""
    raw, piece = folder / "piece.yuv", 300
    taken, used = 0.0, 0.0
    for first in range(0, frames, piece):
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", f"{first / FPS:.6f}", "-i", str(path), "-frames:v", str(piece),
                        "-f", "rawvideo", "-pix_fmt", "yuv420p", str(raw)], check=True)
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS),
                   "-i", str(raw), "-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-f", "null", "-"]
        seconds, (_, _, cpu_seconds), _ = measured(command, folder, dict(os.environ), sample=False)
        taken, used = taken + seconds, used + cpu_seconds
    raw.unlink()
    return taken, used


SOUND = ("film.mix", "film.sound.", "film.loudness.", "film.gain", "film.track")


def sound_of(found):
    """Seconds of all that mixes and encodes the sound, added up over what ran side by side."""
    return sum(e["seconds"] for e in found if e["event"] == "did-run" and e["node"].startswith(SOUND))


def edits(film, reel, environment, kind, words):
    """Several edits of one word; medians of the wall time and of the time of the sound."""
    taken, sound, ran = [], [], None
    for word in words:
        film.project(**{kind: word})
        seconds, _, text = measured([reel, "build", "--json"], film.folder, environment, sample=False)
        found = events(text)
        taken.append(seconds)
        sound.append(sound_of(found))
        ran = summary(text)
    return statistics.median(taken), statistics.median(sound), ran


class Table:
    """Rows as they become known, printed at once."""

    def __init__(self):
        self.lines = []
        self.say("| what | reel | script | ratio | limit | |")
        self.say("|---|---|---|---|---|---|")

    def say(self, line):
        self.lines.append(line)
        print(line, flush=True)

    def row(self, what, ours, theirs, ratio="", limit="", good=None):
        verdict = "" if good is None else ("ok" if good else "**over**")
        self.say(f"| {what} | {ours} | {theirs} | {ratio} | {limit} | {verdict} |")


def mib(size):
    return f"{size / 2**20:.0f} MiB"


def beside(film, table, name, given, ours):
    """The sides that are options: what else makes the film, and what nobody can be faster than."""
    folder, (cold, cpu_seconds, count) = film.folder, ours

    def times(what, seconds, used):
        table.row(f"{name}: cold, {what}", f"{cold:.1f} s", f"{seconds:.1f} s", f"{cold / seconds:.2f}")
        table.row(f"{name}: cold, {what}, CPU time", f"{cpu_seconds:.1f} s", f"{used:.1f} s", f"{cpu_seconds / used:.2f}")

    if given.moviepy:
        work = folder / "moviepy"
        command = film.with_moviepy(given.moviepy, work)
        environment = dict(os.environ, FFMPEG_BINARY=shutil.which("ffmpeg"))
        seconds, (memory, programs, used), _ = measured(command, folder, environment)
        frames, *_ = probe(work / "film.mp4")
        shutil.rmtree(work)
        times("MoviePy", seconds, used)
        table.row(f"{name}: MoviePy, frames", str(count), str(frames))
        table.row(f"{name}: MoviePy, memory", "", f"{mib(memory)} ({programs})")
    if given.floor:
        times("libx264 alone on the same frames", *floor(folder / "out/film.mp4", count, folder))


def bench(count, reel, place, table, given):
    """One length of film."""
    times, twice = given.no_op_runs, not given.in_sequence_only
    folder = place / f"film{count}"
    folder.mkdir()
    film = Film(count, folder)
    environment = dict(os.environ, REEL_CACHE_DIR=str(folder / "cache"), NO_COLOR="1")
    command, work = film.script(1)
    script, (script_memory, script_parts, script_cpu), _ = measured(command, folder, environment)
    frames, seconds, size = probe(work / "film.mp4")
    shutil.rmtree(work)
    double = None
    if twice:
        command, work = film.script(2)
        double, (double_memory, *_), _ = measured(command, folder, environment)
        shutil.rmtree(work)
    film.project()
    cold, (memory, our_parts, our_cpu), text = measured([reel, "build", "--json"], folder, environment)
    ours = probe(folder / "out/film.mp4")
    sound = sound_of(events(text))
    name = f"{count} scenes"
    table.row(f"{name}: film", f"{ours[0]} frames, {ours[1]:.1f} s, {mib(ours[2])}", f"{frames} frames, {seconds:.1f} s, {mib(size)}")
    table.row(f"{name}: cold", f"{cold:.1f} s", f"{script:.1f} s", f"{cold / script:.2f}", "≤ 1.00", cold <= script)
    if double:
        table.row(f"{name}: cold, script two scenes at a time", f"{cold:.1f} s", f"{double:.1f} s", f"{cold / double:.2f}")
    table.row(f"{name}: cold, CPU time", f"{our_cpu:.1f} s", f"{script_cpu:.1f} s", f"{our_cpu / script_cpu:.2f}")
    even = (cold / ours[0]) / (script / frames)
    table.row(f"{name}: cold, for each frame", f"{1000 * cold / ours[0]:.1f} ms", f"{1000 * script / frames:.1f} ms", f"{even:.2f}", "≤ 1.00", even <= 1)
    table.row(f"{name}: memory", mib(memory), mib(script_memory), f"{(memory - script_memory) / 1e6:+.0f} MB",
              "≤ +100 MB", memory <= script_memory + 100e6)
    table.row(f"{name}: memory, of which (MiB)", our_parts, script_parts)
    if double:
        table.row(f"{name}: memory, script two at a time", mib(memory), mib(double_memory))
    table.row(f"{name}: sound, part of cold", f"{sound:.2f} s", "")
    beside(film, table, name, given, (cold, our_cpu, ours[0]))
    # A file that was just written is read again, since it might be written once more within the clock's grain.
    time.sleep(3)
    measured([reel, "build"], folder, environment, sample=False)
    still, used = no_op([reel, "build"], folder, environment, times)
    table.row(f"{name}: nothing changed", f"{still * 1000:.1f} ms", "", "", "≤ 15 ms" if count <= 6 else "", still <= 0.015 if count <= 6 else None)
    table.row(f"{name}: nothing changed, CPU time", f"{used * 1000:.1f} ms", "")
    strict = count >= 60
    places = [count // 3 + 1, count // 2 + 1, count - 1]
    kinds = [("shown", "one shown word changed", ["Luna", "Titan", "Io", "Europa", "Rhea"], 1.5),
             ("said", "one sentence changed", ["venus", "mars", "saturn"], 4), ("moved", "one scene moved", places, 3)]
    for kind, what, words, limit in kinds:
        taken, sound, ran = edits(film, reel, environment, kind, words)
        part = 100 * taken / script
        what = f"{name}: {what}"
        note = f"{taken:.2f} s ({ran['ran']} of {ran['planned']} ran)"
        table.row(what, note, f"{script:.1f} s", f"{part:.1f} %", f"≤ {limit} %" if strict else "", part <= limit if strict else None)
        table.row(f"{what}: sound, part of it", f"{sound:.2f} s", "")
    shutil.rmtree(folder)


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, nargs="+", default=[6, 60])
    parser.add_argument("--reel", type=pathlib.Path, default=ROOT / "target/release/reel")
    parser.add_argument("--no-op-runs", type=int, default=51)
    parser.add_argument("--in-sequence-only", action="store_true", help="leave out the script two scenes at a time")
    parser.add_argument("--moviepy", metavar="PYTHON", type=os.path.abspath, help="make the film with MoviePy, too, by this Python")
    parser.add_argument("--floor", action="store_true", help="encode the same frames with libx264 alone, too")
    parser.add_argument("--folder", help="where films are made (default: the system's folder for such)")
    parser.add_argument("--no-record", action="store_true", help="do not write into benches/runs")
    given = parser.parse_args()
    reel = str(given.reel.resolve())
    load = f"load before {os.getloadavg()[0]:.1f}"
    print(f"{machine()}, {load}\n")
    table = Table()
    with tempfile.TemporaryDirectory(prefix="reel-bench-", dir=given.folder) as place:
        for count in given.scenes:
            bench(count, reel, pathlib.Path(place), table, given)
    if not given.no_record:
        today = datetime.date.today().isoformat()
        path = ROOT / f"benches/runs/{today}-film-{'-'.join(map(str, given.scenes))}.md"
        more = (" --floor" if given.floor else "") + (" --moviepy PYTHON" if given.moviepy else "")
        head = f"# Films, {today}\n\n`benches/peers/film.py --scenes {' '.join(map(str, given.scenes))}{more}` on {machine()}, {load}, {os.getloadavg()[0]:.1f} at the end.\n\n"
        path.write_text(head + "\n".join(table.lines) + "\n")
        print(f"\nwritten to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
