#!/usr/bin/env python3
"""Draws the pictures and plays the music of this example. reel does not need it: what it makes is in Git.

    pip install numpy pillow
    python3 make_assets.py        # writes into assets/ ; needs `ffmpeg` for the FLAC file
"""

import math
import pathlib
import subprocess

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

ASSETS = pathlib.Path(__file__).parent / "assets"
WIDTH, HEIGHT = 1240, 2204
RNG = np.random.default_rng(20270802)


def grid():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return x, y


def noise(cells_x, cells_y, octaves=5, gain=0.55, width=WIDTH, height=HEIGHT, wrap=False):
    """Fractal noise from 0 to 1: random grids, each twice as fine and softer, drawn large."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(octaves):
        cx, cy = cells_x * 2**octave + 1, cells_y * 2**octave + 1
        cells = RNG.random((cy, cx)).astype(np.float32)
        if wrap:
            cells[:, -1] = cells[:, 0]
        layer = Image.fromarray(cells).resize((width, height), Image.BICUBIC)
        total += np.asarray(layer) * gain**octave
        weight += gain**octave
    total /= weight
    return (total - total.min()) / (total.max() - total.min())


def smooth(low, high, value):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blend(stops, t):
    """A colour ramp: [(position, (r, g, b)), …], values from 0 to 1."""
    places = [p for p, _ in stops]
    return np.stack([np.interp(t, places, [c[i] / 255 for _, c in stops]) for i in range(3)], -1)


def stars(count, brightest=0.9):
    sky = np.zeros((HEIGHT, WIDTH), np.float32)
    xs, ys = RNG.integers(2, WIDTH - 2, count), RNG.integers(2, HEIGHT - 2, count)
    power = brightest * RNG.random(count) ** 5
    for x, y, p in zip(xs, ys, power):
        sky[y, x] += p
        if p > 0.25:
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                sky[y + dy, x + dx] += p * 0.45
    return sky[..., None] * np.array([0.92, 0.96, 1.0], np.float32)


def polar_noise(angle, radius, spokes, rings, inner, outer, octaves=5):
    """Noise along rays: sampled in angle and radius, so that it makes streamers."""
    table = noise(spokes, rings, octaves, 0.6, 2048, 512, wrap=True)
    u = ((angle / (2 * math.pi)) % 1.0) * 2047
    v = np.clip((radius - inner) / (outer - inner), 0, 1) * 511
    u0, v0 = u.astype(int), v.astype(int)
    fu, fv = u - u0, v - v0
    u1, v1 = np.minimum(u0 + 1, 2047), np.minimum(v0 + 1, 511)
    top = table[v0, u0] * (1 - fu) + table[v0, u1] * fu
    low = table[v1, u0] * (1 - fu) + table[v1, u1] * fu
    return top * (1 - fv) + low * fv


def corona(cx, cy, radius, strength=1.0, reach=3.2, tilt=0.35):
    """Light around a covered sun: soft glow, long streamers, and the moon's disc as a mask."""
    x, y = grid()
    dx, dy = x - cx, y - cy
    r = np.hypot(dx, dy)
    angle = np.arctan2(dy, dx) + tilt
    rel = r / radius
    streams = polar_noise(angle, rel, 9, 2, 1.0, reach + 2.0)
    fine = polar_noise(angle, rel, 48, 2, 1.0, reach + 2.0, 4)
    equator = 0.55 + 0.45 * np.abs(np.cos(angle)) ** 1.5
    length = reach * (0.35 + 1.1 * streams * equator)
    fall = np.clip(rel - 1.0, 0, None)
    glow = 1.15 * np.exp(-fall / 0.16) + 0.62 * np.exp(-fall / (0.18 + 0.30 * length / reach))
    rays = np.exp(-fall / (0.42 * length + 0.05)) * (0.16 + 0.62 * fine * streams)
    light = (glow + rays) * strength * smooth(0.985, 1.012, rel)
    wide = 0.20 * np.exp(-fall / 1.5) * strength * (0.30 + 0.70 * smooth(0.985, 1.012, rel))
    tint = np.stack([light * 0.96 + wide * 0.62, light * 0.98 + wide * 0.76, light * 1.04 + wide * 1.15], -1)
    return tint, smooth(0.985, 1.008, rel), rel, angle


def finish(name, picture, quality=84, grain=0.006):
    picture = picture + RNG.normal(0, grain, picture.shape[:2])[..., None]
    pixels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    path = ASSETS / name
    Image.fromarray(pixels).save(path, quality=quality, optimize=True, progressive=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


def tone(light):
    """Bright light that rolls off in place of clipping."""
    return 1 - np.exp(-1.35 * light)


def ridge(level, height, cells, octaves=6):
    """The upper edge of a row of hills, in pixels from the top, for each column."""
    line = noise(cells, 1, octaves, 0.5, WIDTH, 4)[0]
    return level - height * line


def draw_eclipse():
    """Totality above hills, with the sunset that stands all around the horizon."""
    _, y = grid()
    horizon = 1650
    t = np.clip(y / horizon, 0, 1.2)
    sky = blend(
        [(0, (6, 9, 26)), (0.45, (15, 25, 58)), (0.72, (44, 52, 96)), (0.86, (142, 86, 98)),
         (0.95, (232, 138, 84)), (1.0, (255, 190, 110)), (1.2, (255, 200, 120))], t)
    haze = noise(3, 10, 5)
    sky = sky * (0.86 + 0.26 * (haze[..., None] - 0.3) * smooth(0.35, 1.0, t)[..., None] + 0.1)
    sky += stars(520, 0.8) * (1 - smooth(0.3, 0.8, t))[..., None]
    light, moon, rel, _ = corona(620, 640, 205, 0.95, 3.0)
    picture = sky * (0.18 + 0.82 * moon[..., None]) * np.where(rel < 1, 0.35, 1.0)[..., None]
    picture = picture + tone(light) * (1 - 0.55 * np.clip(picture, 0, 1))
    hills = [(1640, 120, 3, (92, 62, 84)), (1745, 180, 4, (56, 40, 66)), (1880, 210, 3, (30, 24, 46)),
             (2040, 220, 5, (12, 11, 24))]
    for level, high, cells, color in hills:
        edge = ridge(level, high, cells)
        inside = smooth(-1.2, 1.2, y - edge[None, :])[..., None]
        depth = np.clip((y - edge[None, :]) / 320, 0, 1)[..., None]
        shade = np.array(color, np.float32) / 255 * (1 - 0.45 * depth)
        picture = picture * (1 - inside) + shade * inside
    finish("eclipse.jpg", trees(picture), 86)


def trees(picture):
    """A few firs on the nearest hill."""
    layer = Image.new("L", (WIDTH, HEIGHT), 0)
    draw = ImageDraw.Draw(layer)
    for x in list(RNG.integers(0, 260, 16)) + list(RNG.integers(930, WIDTH, 20)):
        foot, tall = 2080 + int(RNG.integers(-60, 60)), int(RNG.integers(130, 330))
        for part in range(7):
            top, wide = foot - tall + part * tall // 8, (part + 2) * tall // 46
            draw.polygon([(x, top), (x - wide, top + tall // 4), (x + wide, top + tall // 4)], fill=255)
        draw.rectangle([x - 3, foot - tall // 6, x + 3, HEIGHT], fill=255)
    mask = np.asarray(layer.filter(ImageFilter.GaussianBlur(0.8)), np.float32)[..., None] / 255
    return picture * (1 - mask) + np.array([7, 7, 17], np.float32) / 255 * mask


def draw_shadow():
    """The moon's shadow on the earth, seen from space."""
    x, y = grid()
    cx, cy, radius = 480.0, 2420.0, 1720.0
    dx, dy = (x - cx) / radius, (y - cy) / radius
    rr = dx * dx + dy * dy
    inside = rr < 1
    dz = np.sqrt(np.clip(1 - rr, 0, 1))
    sun = np.array([0.42, -0.62, 0.66]) / np.linalg.norm([0.42, -0.62, 0.66])
    day = np.clip(dx * sun[0] + dy * sun[1] + dz * sun[2], 0, 1)
    land = noise(4, 7, 7, 0.55)
    clouds = 0.55 * noise(3, 9, 7, 0.6) + 0.45 * noise(9, 22, 5, 0.6)
    clouds = (clouds - clouds.min()) / (clouds.max() - clouds.min())
    shore = smooth(0.60, 0.612, land)[..., None]
    sea = blend([(0, (6, 26, 66)), (0.56, (18, 76, 128)), (1, (28, 120, 150))], land)
    soil = blend([(0.56, (74, 92, 58)), (0.68, (112, 104, 70)), (0.85, (150, 126, 92)), (1, (196, 180, 150))], land)
    ground = sea * (1 - shore) + soil * shore
    cover = smooth(0.50, 0.78, clouds)[..., None]
    ground = ground * (1 - 0.92 * cover) + np.array([0.95, 0.97, 1.0]) * cover * (0.75 + 0.25 * clouds[..., None])
    sx, sy = 760.0, 1310.0
    spread = np.hypot((x - sx) / 1.35, (y - sy) / 0.80) / 120
    shade = 0.03 + 0.97 * smooth(0.75, 4.6, spread) ** 0.8
    rim = np.exp(-((spread - 1.1) / 0.5) ** 2)[..., None] * np.array([0.05, 0.03, 0.02])
    earth = ground * (0.05 + 1.12 * day[..., None]) * shade[..., None] + rim * day[..., None]
    haze = (1 - dz) ** 3
    earth = earth * (1 - 0.75 * haze[..., None]) + haze[..., None] * np.array([0.42, 0.66, 1.0]) * day[..., None] * 0.9
    outside = np.sqrt(rr) - 1
    glow = np.exp(-np.clip(outside, 0, None) / 0.020)[..., None] * np.array([0.30, 0.55, 1.0]) * 0.95
    lit = np.clip(0.3 + 0.9 * (dx * sun[0] + dy * sun[1]), 0.12, 1)[..., None]
    space = stars(900) + glow * lit + np.array([0.008, 0.010, 0.022])
    edge = smooth(-0.0009, 0.0009, outside)[..., None]
    picture = earth * (1 - edge) + space * edge
    mx, my, mr = 270.0, 430.0, 118.0
    m = np.hypot(x - mx, y - my) / mr
    mz = np.sqrt(np.clip(1 - m * m, 0, 1))
    face = np.clip(((x - mx) / mr * 0.55 + (y - my) / mr * -0.75 + mz * 0.25), 0, 1)
    craters = 0.72 + 0.5 * (noise(26, 46, 4) - 0.5)
    disc = (1 - smooth(0.992, 1.004, m))[..., None]
    picture = picture * (1 - disc) + (face * craters * 0.92 + 0.012)[..., None] * np.array([0.94, 0.93, 0.90]) * disc
    finish("shadow.jpg", picture, 80)


def draw_corona():
    """The corona alone, near, with prominences at the rim."""
    light, moon, rel, angle = corona(620, 860, 330, 1.05, 3.4, 0.1)
    picture = stars(260, 0.6) * np.clip(rel / 3, 0.1, 1)[..., None] + np.array([0.012, 0.016, 0.040])
    picture = picture * moon[..., None] + tone(light)
    flames = np.zeros_like(rel)
    rough = polar_noise(angle, rel, 60, 6, 0.98, 1.12, 4)
    for at, high, wide in ((0.5, 0.075, 0.10), (2.15, 0.05, 0.16), (3.9, 0.09, 0.07), (5.35, 0.055, 0.13), (4.6, 0.03, 0.3)):
        away = np.angle(np.exp(1j * (angle - at))) / wide
        top = high * np.exp(-(away**2)) * (0.35 + 1.3 * rough)
        flames += np.exp(-np.clip(rel - 1, 0, None) / (0.35 * top + 0.002)) * smooth(0.995, 1.004, rel) * np.exp(-(away**2))
    rim = np.exp(-((rel - 1.003) / 0.006) ** 2) * (0.35 + 0.65 * smooth(0.2, 0.9, np.cos(angle - 0.7)))
    red = np.clip(flames + 0.9 * rim, 0, 1)[..., None]
    picture = picture * (1 - 0.8 * red) + red * np.array([1.0, 0.30, 0.36])
    finish("corona.jpg", picture, 85)


def draw_ring():
    """The last bead of light: a diamond ring."""
    x, y = grid()
    cx, cy, radius = 590.0, 1010.0, 300.0
    light, moon, _, _ = corona(cx, cy, radius, 0.62, 1.5)
    at = math.radians(-52)
    bx, by = cx + radius * math.cos(at), cy + radius * math.sin(at)
    d = np.hypot(x - bx, y - by)
    bead = 3.2 * np.exp(-((d / 34) ** 2)) + 0.85 * np.exp(-d / 60) + 0.42 * np.exp(-d / 240)
    spin = np.arctan2(y - by, x - bx)
    spikes = np.zeros_like(d)
    for spoke in range(6):
        away = np.abs(np.sin((spin - math.radians(-52 + 30 * spoke))))
        spikes += np.exp(-((away * d / (3.2 + d * 0.004)) ** 2)) * np.exp(-d / (330 if spoke % 2 == 0 else 190))
    glare = (bead + 0.8 * spikes)[..., None] * np.array([1.0, 0.93, 0.80])
    picture = (np.array([0.014, 0.020, 0.052]) + stars(320, 0.5)) * moon[..., None] + tone(light + glare)
    for k, (far, size, color) in enumerate(((-0.55, 46, (0.30, 0.5, 0.9)), (-1.1, 84, (0.5, 0.35, 0.7)), (-1.7, 60, (0.2, 0.6, 0.5)))):
        gx, gy = cx + (bx - cx) * far * 2, cy + (by - cy) * far * 2
        ghost = smooth(1.0, 0.86, np.hypot(x - gx, y - gy) / size) * (0.045 + 0.01 * k)
        picture = picture + ghost[..., None] * np.array(color)
    finish("ring.jpg", picture, 85)


def play_bed():
    """Slow chords on soft detuned voices, 24 s, whose end leads into its beginning."""
    rate, beats, beat = 48_000, 4, 6.0
    count = int(rate * beats * beat)
    time = np.arange(count) / rate
    chords = [(110.0, 164.81, 220.0, 261.63, 329.63), (87.31, 174.61, 220.0, 261.63, 349.23),
              (130.81, 164.81, 196.0, 261.63, 392.0), (98.0, 146.83, 196.0, 246.94, 293.66)]
    sound = np.zeros(count)
    for index, chord in enumerate(chords):
        for repeat in (-1, 0, 1):
            begin = (index + repeat * beats) * beat
            swell = np.clip((time - begin + 1.6) / 3.2, 0, 1) * np.clip((begin + beat + 1.6 - time) / 3.2, 0, 1)
            if not swell.any():
                continue
            swell = np.sin(swell * math.pi / 2) ** 2
            for voice, base in enumerate(chord):
                # Whole cycles in the loop, so that it has no seam.
                for cents, level in ((-4, 0.5), (0, 0.8), (5, 0.5)):
                    hertz = round(base * 2 ** (cents / 1200) * count / rate) * rate / count
                    sound += swell * level * 0.16 / (1 + 0.35 * voice) * np.sin(2 * math.pi * hertz * time + voice * 1.7 + cents)
                    sound += swell * level * 0.035 / (1 + voice) * np.sin(4 * math.pi * hertz * time + voice)
    bells = np.zeros(count)
    for number, hertz in enumerate((659.26, 523.25, 783.99, 659.26, 587.33, 493.88, 659.26, 392.0)):
        ping = (time - number * 3.0 - 0.75) % (beats * beat)
        bells += 0.055 * np.sin(2 * math.pi * hertz * ping) * np.exp(-ping / 0.9) * np.clip(ping / 0.012, 0, 1)
    sound = np.tanh(1.05 * (sound + bells))
    sound *= 0.62 / np.abs(sound).max()
    pcm = (sound * 32767).round().astype("<i2").tobytes()
    path = ASSETS / "bed.flac"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "-",
               "-compression_level", "12", "-fflags", "+bitexact", str(path)]
    subprocess.run(command, input=pcm, check=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    draw_eclipse()
    draw_shadow()
    draw_corona()
    draw_ring()
    play_bed()
