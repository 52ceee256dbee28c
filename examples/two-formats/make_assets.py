#!/usr/bin/env python3
"""Draws the pictures of this example. reel does not need it: what it makes is in Git.

    pip install numpy pillow
    python3 make_assets.py
"""

import pathlib

import numpy as np
from PIL import Image

ASSETS = pathlib.Path(__file__).parent / "assets"
RNG = np.random.default_rng(7)
SIZE = (900, 1440)


def grid():
    y, x = np.mgrid[0:SIZE[1], 0:SIZE[0]].astype(np.float32)
    return x, y


def noise(cells, octaves=5):
    total = np.zeros((SIZE[1], SIZE[0]), np.float32)
    for octave in range(octaves):
        cell = RNG.random((cells * 2**octave * 8 // 5 + 1, cells * 2**octave + 1)).astype(np.float32)
        total += np.asarray(Image.fromarray(cell).resize(SIZE, Image.BICUBIC)) * 0.55**octave
    return (total - total.min()) / (total.max() - total.min())


def save(name, picture):
    picture = picture + RNG.normal(0, 0.005, picture.shape[:2])[..., None]
    path = ASSETS / name
    Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)).save(path, quality=82, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


def tide():
    """A sea under the moon: bands of light on waves."""
    x, y = grid()
    t = y / SIZE[1]
    sky = np.stack([np.interp(t, [0, 0.5], [a, b]) for a, b in ((0.04, 0.26), (0.07, 0.36), (0.18, 0.52))], -1)
    d = np.hypot(x - 450, y - 480)
    disc = np.clip((112 - d) / 2, 0, 1)[..., None]
    face = 0.86 + 0.22 * (noise(6)[..., None] - 0.5)
    glow = (0.5 * np.exp(-np.clip(d - 110, 0, None) / 90) + 0.2 * np.exp(-d / 400))[..., None]
    sky = sky + glow * np.array([0.85, 0.9, 1.0])
    sky = sky * (1 - disc) + face * np.array([1.0, 0.98, 0.92]) * disc
    depth = np.clip((y - 760) / 680, 0.001, 1)
    waves = noise(5, 6)
    ripple = 0.5 + 0.5 * np.sin(240 * np.sqrt(depth) + 9 * waves + 0.004 * (x - 450))
    path = np.exp(-(((x - 450) / (60 + 330 * depth)) ** 2)) * ripple**2 * (1.1 - 0.6 * depth)
    sea = np.array([0.03, 0.09, 0.17]) * (1.5 - depth[..., None]) + 0.05 * ripple[..., None] * np.array([0.3, 0.6, 1])
    sea = sea + path[..., None] * np.array([0.95, 0.96, 1.0])
    under = np.clip((y - 760) / 1.5, 0, 1)[..., None]
    save("tide.jpg", sky * (1 - under) + sea * under)


def moon():
    """The moon, near, with craters."""
    x, y = grid()
    cx, cy, radius = 450.0, 700.0, 360.0
    dx, dy = (x - cx) / radius, (y - cy) / radius
    rr = np.hypot(dx, dy)
    dz = np.sqrt(np.clip(1 - rr * rr, 0, 1))
    high = noise(8, 6) * 0.55
    for _ in range(190):
        a, far, size = RNG.random() * 6.283, RNG.random() ** 0.5 * 0.97, 0.012 + 0.075 * RNG.random() ** 4
        px, py = far * np.cos(a), far * np.sin(a)
        squeeze = max(np.sqrt(1 - far * far), 0.3)
        along = ((dx - px) * np.cos(a) + (dy - py) * np.sin(a)) / squeeze
        across = -(dx - px) * np.sin(a) + (dy - py) * np.cos(a)
        ring = np.hypot(along, across) / size
        high += size * 9 * (np.exp(-(((ring - 1) / 0.22) ** 2)) - 0.9 * np.exp(-((ring / 0.75) ** 4)))
    slope_y, slope_x = np.gradient(high, 2.4)
    light = np.clip(-0.62 * (dx + 9 * slope_x * 1.0) - 0.36 * (dy + 9 * slope_y) + 0.70 * dz, 0, 1)
    seas = 0.62 + 0.38 * np.clip((noise(3, 4) - 0.38) * 5, 0, 1)
    surface = (light * seas * 1.05)[..., None] * np.array([1.0, 0.97, 0.92])
    sky = np.zeros((SIZE[1], SIZE[0], 3), np.float32) + np.array([0.012, 0.016, 0.04])
    for _ in range(260):
        sx, sy = RNG.integers(0, SIZE[0]), RNG.integers(0, SIZE[1])
        sky[sy, sx] += RNG.random() ** 3
    edge = np.clip((1.002 - rr) * 180, 0, 1)[..., None]
    save("moon.jpg", sky * (1 - edge) + surface * edge)


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    tide()
    moon()
