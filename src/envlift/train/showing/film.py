"""Pictures to an animated GIF that loops: small, because all pictures share one palette.

Shape letters: ``H``, ``W`` height and width of a picture.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Picture = np.ndarray[Any, np.dtype[np.uint8]]

MAX_FPS = 50
"""Viewers slow down pictures shown for less than 20 ms."""
COLOURS = 64
LAST_PICTURE = 1500
"""Milliseconds for which the last picture stays."""
_SAMPLES = 12


class Film:
    """Collects pictures of one size, each with a line of text above it, and writes them.

    Args:
        fps: pictures per second, 1 to 50; a GIF counts in hundredths of a second.
        seconds: how long it may become; later pictures are counted and dropped.

    Raises:
        ValueError: for a number out of range.
    """

    def __init__(self, *, fps: int = MAX_FPS, seconds: float = 30.0) -> None:
        if not 1 <= fps <= MAX_FPS:
            raise ValueError(f"fps = {fps} is not allowed: give a whole number from 1 to {MAX_FPS}")
        if not seconds > 0:
            raise ValueError(f"seconds = {seconds} is not allowed: give a number above 0")
        self.delay = round(100 / fps) * 10
        self.room = max(1, round(1000 * seconds / self.delay))
        self.dropped = 0
        self._packed: list[bytes] = []
        self._shape: tuple[int, ...] = ()

    @property
    def full(self) -> bool:
        """Whether further pictures would be dropped."""
        return len(self._packed) >= self.room

    def __len__(self) -> int:
        return len(self._packed)

    def add(self, picture: Picture, text: str) -> None:
        """Add a picture, uint8 [H, W, 3], under a line of text; dropped if the film is full."""
        if self.full:
            self.dropped += 1
            return
        titled = under_text(picture, text)
        self._shape = titled.shape
        # A minute of raw pictures would be gigabytes; these are mostly flat colour.
        self._packed.append(zlib.compress(titled.tobytes(), 1))

    def picture(self, index: int) -> Picture:
        """Return one picture as it was added, uint8 [H + text, W, 3]."""
        raw = zlib.decompress(self._packed[index])
        return np.frombuffer(raw, np.uint8).reshape(self._shape)

    def save(self, path: Path) -> None:
        """Write the GIF; its folder is made.

        Raises:
            ValueError: if there is no picture.
        """
        if not self._packed:
            raise ValueError("there is no picture to write")
        path.parent.mkdir(parents=True, exist_ok=True)
        images = self._images()
        next(images).save(
            path,
            format="GIF",
            save_all=True,
            append_images=images,
            duration=[self.delay] * (len(self) - 1) + [LAST_PICTURE],
            loop=0,
            disposal=1,
        )

    def _images(self) -> Iterator[Image.Image]:
        chosen = np.unique(np.linspace(0, len(self) - 1, _SAMPLES).astype(int))
        sample = np.concatenate([self.picture(int(index)) for index in chosen])
        palette = Image.fromarray(sample).quantize(COLOURS, dither=Image.Dither.NONE)
        for index in range(len(self)):
            whole = Image.fromarray(self.picture(index))
            yield whole.quantize(palette=palette, dither=Image.Dither.NONE)


def under_text(picture: Picture, text: str) -> Picture:
    """Return a picture, uint8 [H, W, 3], with a strip above it that holds a line of text."""
    width = picture.shape[1]
    size = max(9, round(width / 20))
    strip = Image.new("RGB", (width, round(1.6 * size)), (0, 0, 0))
    draw = ImageDraw.Draw(strip)
    draw.text(
        (size / 2, strip.height / 2),
        text,
        fill=(235, 235, 235),
        font=ImageFont.load_default(size=size),
        anchor="lm",
    )
    return np.concatenate([np.asarray(strip), picture])
