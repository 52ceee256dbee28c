#!/usr/bin/env python3
"""Draws the pictures and plays the music of this example. reel does not need it: what it makes is in Git.

    pip install numpy pillow
    python3 make_assets.py        # writes into assets/ ; needs `ffmpeg` for the FLAC file
"""

import math
import pathlib
import subprocess

import numpy as np
from PIL import Image

ASSETS = pathlib.Path(__file__).parent / "assets"
RNG = np.random.default_rng(4)

# Sky from top to bottom, sun (x, y, radius, colour), the farthest and the nearest hill.
SEASONS = {
    "spring": ([(126, 190, 226), (214, 234, 224), (250, 232, 214)], (0.70, 0.34, 0.050, (255, 250, 224)),
               (168, 204, 176), (38, 92, 62), None),
    "summer": ([(38, 112, 190), (128, 196, 232), (255, 236, 178)], (0.30, 0.24, 0.062, (255, 244, 190)),
               (116, 170, 190), (22, 78, 66), None),
    "autumn": ([(92, 54, 92), (222, 110, 84), (255, 196, 108)], (0.56, 0.52, 0.085, (255, 226, 150)),
               (214, 128, 92), (62, 26, 34), None),
    "winter": ([(14, 22, 52), (52, 78, 128), (176, 190, 214)], (0.76, 0.22, 0.034, (240, 246, 255)),
               (138, 156, 190), (224, 232, 244), "snow"),
}


def line(width, cells, octaves=6, rough=0.5):
    total, weight = np.zeros(width), 0.0
    for octave in range(octaves):
        knots = RNG.random(cells * 2**octave + 1)
        place = np.linspace(0, len(knots) - 1, width)
        low = np.minimum(place.astype(int), len(knots) - 2)
        part = place - low
        part = (1 - np.cos(part * math.pi)) / 2
        total += (knots[low] * (1 - part) + knots[low + 1] * part) * rough**octave
        weight += rough**octave
    return total / weight


def draw(name, width, height, season):
    sky, (sun_x, sun_y, radius, sun_color), far, near, weather = season
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    t = np.clip(y / (height * 0.72), 0, 1)
    picture = np.stack([np.interp(t, [0, 0.6, 1], [c[i] / 255 for c in sky]) for i in range(3)], -1)
    d = np.hypot(x - sun_x * width, y - sun_y * height) / (radius * max(width, height))
    color = np.array(sun_color) / 255
    glow = (0.55 * np.exp(-d / 2.2) + 0.35 * np.exp(-d / 7))[..., None]
    picture = picture * (1 - glow) + color * glow
    disc = np.clip((1.01 - d) * 40, 0, 1)[..., None]
    picture = picture * (1 - disc) + color * disc
    rows = 6
    for row in range(rows):
        part = row / (rows - 1)
        edge = height * (0.56 + 0.36 * part**1.15) - height * (0.16 - 0.05 * part) * (line(width, 3 + row) - 0.35)
        inside = np.clip(y - edge[None, :] + 0.5, 0, 1)[..., None]
        shade = (np.array(far) * (1 - part) + np.array(near) * part) / 255
        mist = np.clip(1 - (y - edge[None, :]) / (height * 0.16), 0, 1)[..., None] * (0.28 * (1 - part))
        picture = picture * (1 - inside) + (shade * (1 - mist) + picture[0, 0] * mist) * inside
    if weather == "snow":
        for _ in range(520):
            fx, fy, size = RNG.random() * width, RNG.random() * height, 1.2 + 3.4 * RNG.random() ** 2
            x0, x1 = int(max(fx - 9, 0)), int(min(fx + 9, width))
            y0, y1 = int(max(fy - 9, 0)), int(min(fy + 9, height))
            flake = np.exp(-(((x[y0:y1, x0:x1] - fx) ** 2 + (y[y0:y1, x0:x1] - fy) ** 2) / size**2))[..., None]
            picture[y0:y1, x0:x1] += flake * (1 - picture[y0:y1, x0:x1]) * 0.8
    picture += RNG.normal(0, 0.004, (height, width, 1))
    path = ASSETS / f"{name}.jpg"
    Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)).save(path, quality=84, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


def play():
    """Plucked notes in a loop of 12.8 s."""
    rate, note = 48_000, 0.4
    tune = [220, 330, 440, 554, 659, 554, 440, 330, 185, 277.2, 370, 440, 554, 440, 370, 277.2,
            147, 220, 293.7, 370, 440, 370, 293.7, 220, 165, 247, 330, 415.3, 493.9, 415.3, 330, 247]
    count = int(rate * note * len(tune))
    time, sound = np.arange(count) / rate, np.zeros(count)
    for number, hertz in enumerate(tune):
        since = (time - number * note) % (note * len(tune))
        pluck = np.exp(-since / 0.55) * np.clip(since / 0.006, 0, 1) * np.clip((6 - since) / 0.5, 0, 1)
        for part, level in ((1, 0.5), (2, 0.22), (3, 0.09), (4, 0.04)):
            sound += pluck * level * np.sin(2 * math.pi * hertz * part * since) * np.exp(-since * part * 0.8)
    sound *= 0.7 / np.abs(sound).max()
    pcm = (sound * 32767).round().astype("<i2").tobytes()
    path = ASSETS / "plucked.flac"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "-",
               "-compression_level", "12", "-fflags", "+bitexact", str(path)]
    subprocess.run(command, input=pcm, check=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    for name, season in SEASONS.items():
        upright = name == "summer"
        draw(name, *((700, 960) if upright else (1440, 820)), season)
    play()
