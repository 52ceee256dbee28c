"""The film of film.py, made with MoviePy: `film_moviepy.py FOLDER FILM`, where FOLDER holds what film.py put there.

Pictures are drawn as MoviePy does it: every frame passes through Python as an array. Captions are one transparent
picture for each lit word, which is less work for MoviePy than a text for each word. The music has the script's level
and does not make room for the voice, which MoviePy has no ready way to do.
"""

import json
import pathlib
import subprocess
import sys
import wave

import numpy
from moviepy import (AudioFileClip, CompositeAudioClip, CompositeVideoClip, ImageClip, afx, concatenate_audioclips,
                     concatenate_videoclips)
from PIL import Image, ImageDraw, ImageFont

ZOOM, FONT, SIZE, TOGETHER = 0.12, "DejaVuSans-Bold.ttf", 81, 6


def speak(folder, scene, index):
    """Both sentences of a scene as one file; its path and length."""
    parts = []
    for part, text in enumerate(scene):
        path = folder / f"{index}.{part}.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "170", "-w", path, text], check=True)
        with wave.open(str(path)) as file:
            parts.append((file.getparams(), file.readframes(file.getnframes())))
    path = folder / f"{index}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams(parts[0][0])
        for _, frames in parts:
            file.writeframes(frames)
    with wave.open(str(path)) as file:
        return path, file.getnframes() / file.getframerate()


def moving(picture, motion, size, seconds):
    """A picture over which the camera moves, exactly as film.py's script has it; parts of pixels are kept."""
    width, height = size
    image = Image.open(picture).convert("RGB")

    def frame(t):
        part = min(t / seconds, 1.0)
        zoom = {"push-in": 1 + ZOOM * part, "pull-out": 1 + ZOOM * (1 - part)}.get(motion, 1 + ZOOM)
        seen = (image.width / zoom, image.height / zoom)
        left, top = ((image.width - seen[0]) / 2, (image.height - seen[1]) / 2)
        way = {"pan-left": (1 - part, None), "pan-right": (part, None), "pan-up": (None, 1 - part),
               "pan-down": (None, part)}.get(motion, (None, None))
        left = left if way[0] is None else (image.width - seen[0]) * way[0]
        top = top if way[1] is None else (image.height - seen[1]) * way[1]
        box = (left, top, left + seen[0], top + seen[1])
        return numpy.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))

    still = ImageClip(frame(0), duration=seconds)
    return still.transform(lambda _, t: frame(t), keep_duration=True)


def line(words, lit, size):
    """A caption of several words, one of them lit, on two lines, as a transparent picture."""
    font = ImageFont.truetype(FONT, SIZE)
    half = (len(words) + 1) // 2
    rows = [list(enumerate(words))[:half], list(enumerate(words))[half:]]
    picture = Image.new("RGBA", (size[0], 2 * int(SIZE * 1.25) + 20))
    draw = ImageDraw.Draw(picture)
    for number, row in enumerate(rows):
        x = (size[0] - draw.textlength(" ".join(word for _, word in row), font=font)) / 2
        for index, word in row:
            color = "#ffd400" if index == lit else "#ffffff"
            draw.text((x, number * SIZE * 1.25), word, font=font, fill=color, stroke_width=6, stroke_fill="#000000")
            x += draw.textlength(word + " ", font=font)
    return numpy.asarray(picture)


def scene(folder, work, told, index):
    """One scene with its captions: the picture clip, the voice's file and its length."""
    size = (told["width"], told["height"])
    voice, seconds = speak(work, told["scenes"][index], index)
    seconds = -(-int(seconds * told["fps"] * 1000) // 1000) / told["fps"]
    clips = [moving(folder / f"assets/{index}.jpg", told["motions"][index], size, seconds)]
    words = " ".join(told["scenes"][index]).split()
    each = (seconds - 0.3) / len(words)
    for number, _ in enumerate(words):
        first = number - number % TOGETHER
        picture = ImageClip(line(words[first:first + TOGETHER], number - first, size), duration=each)
        clips.append(picture.with_start(number * each).with_position(("center", size[1] - 307 - 2 * SIZE)))
    # The first is the ground: nothing has to be laid over an empty frame first.
    return CompositeVideoClip(clips, size=size, use_bgclip=True).with_duration(seconds), voice, seconds


def main():
    folder, film = map(pathlib.Path, sys.argv[1:])
    told = json.loads((folder / "film.json").read_text())
    work = film.parent
    made = [scene(folder, work, told, index) for index in range(len(told["scenes"]))]
    starts = numpy.cumsum([0.0] + [seconds for *_, seconds in made])
    voices = [AudioFileClip(str(voice)).with_start(start) for (_, voice, _), start in zip(made, starts)]
    music = AudioFileClip(str(folder / "assets/bed.flac"))
    music = concatenate_audioclips([music] * (int(starts[-1] / music.duration) + 1)).subclipped(0, starts[-1])
    music = music.with_effects([afx.MultiplyVolume(10 ** (-18 / 20))])
    whole = concatenate_videoclips([clip for clip, *_ in made])
    whole = whole.with_audio(CompositeAudioClip([music, *voices]).with_duration(starts[-1]))
    whole.write_videofile(str(film), fps=told["fps"], codec="libx264", preset=told["preset"], audio_codec="aac",
                          audio_fps=48000, audio_bitrate="160k", ffmpeg_params=["-crf", str(told["crf"])],
                          temp_audiofile_path=str(work), logger=None)


if __name__ == "__main__":
    main()
