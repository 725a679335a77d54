"""How hard a page was squeezed by JPEG, on the scale 1-100 of the reference encoder.

The file's own tables say it where its bytes are at hand. Where a JPEG was packed into something else, the steps
are still in the pixels: the waves of every square of 8 x 8 stand at multiples of the step they were rounded to.
"""

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr.pixels import Pixels

# Steps of the reference encoder at quality 50 for the waves looked at, as (down, across): ITU-T T.81, table K.1.
WAVES = {(0, 1): 11, (1, 0): 12, (1, 1): 12, (0, 2): 10, (2, 0): 14}
REFERENCE_SUM = 3685  # of the whole table K.1
SQUARES = 1200  # looked at of a page
VALUES = 500  # of a wave
LARGEST_STEP = 60
CLEAR = 0.5  # how well the waves must stand at multiples, 0-1
LEAST_WAVE = 3.0  # grey levels; less is rounding
TELLING = 40  # waves that are not zero, without which nothing is told

Floats = npt.NDArray[np.float32]


def quality_by_tables(encoded: bytes) -> int | None:
    """Return the quality a JPEG's luminance table stands for; None for bytes that are no JPEG."""
    if not encoded.startswith(b"\xff\xd8"):
        return None
    try:
        with Image.open(io.BytesIO(encoded), formats=["JPEG"]) as image:
            tables: dict[int, list[int]] = getattr(image, "quantization", {})
    except (OSError, SyntaxError, ValueError, LookupError):
        return None
    return _quality_of(100 * sum(tables[0]) / REFERENCE_SUM) if tables.get(0) else None


def quality_by_pixels(grey: Pixels, energy: Pixels, scale: float) -> int | None:
    """Return the quality the steps in the pixels stand for; None where no squares of a JPEG can be seen.

    energy: where ink is, on a copy smaller by `scale`. Squares are told from the top left corner, as a JPEG's are.
    """
    squares = _squares(grey, energy, scale)
    if squares is None:
        return None
    turn = _cosines()
    waves = np.einsum("ui,nij,vj->nuv", turn[:4], squares, turn[:4], optimize=True)
    told = []
    for (down, across), reference in WAVES.items():
        step = _step(waves[:, down, across])
        if step is not None and step > 1:
            told.append(100 * step / reference)
    return _quality_of(float(np.median(told))) if len(told) >= 2 else None


def _quality_of(percent: float) -> int:
    """Return the reference encoder's quality for tables scaled to so many percent."""
    quality = 5000 / percent if percent >= 100 else (200 - percent) / 2
    return int(min(100, max(1, round(quality))))


def _squares(grey: Pixels, energy: Pixels, scale: float) -> Floats | None:
    """Return the squares with the most ink, their mean taken away."""
    rows, columns = grey.shape[0] // 8, grey.shape[1] // 8
    if rows * columns < TELLING:
        return None
    inner = energy[: round(rows * 8 / scale), : round(columns * 8 / scale)]
    cells = cv2.resize(inner, (columns, rows), interpolation=cv2.INTER_AREA).ravel()
    count = min(SQUARES, len(cells))
    chosen = np.argpartition(cells, len(cells) - count)[len(cells) - count :]
    tops, lefts = chosen // columns * 8, chosen % columns * 8
    inside = np.arange(8)
    squares: Floats = (
        grey[tops[:, None, None] + inside[:, None], lefts[:, None, None] + inside].astype(np.float32) - 128
    )
    return squares


def _cosines() -> Floats:
    waves = np.arange(8)[:, None] * (2 * np.arange(8)[None, :] + 1)
    turn = np.cos(waves * np.pi / 16) / 2
    turn[0] /= np.sqrt(2)
    return turn.astype(np.float32)


def _step(wave: Floats) -> int | None:
    """Return the largest step that a wave's values are multiples of; 1 when there is none, None if few tell."""
    steps = np.arange(2, LARGEST_STEP + 1, dtype=np.float32)[:, None]
    values = np.abs(wave)
    values = values[values > LEAST_WAVE][:VALUES]
    if len(values) < TELLING:
        return None
    near = np.cos(values[None, :] * (np.float32(2 * np.pi) / steps))
    # A value under half a step is near nought whatever the step: larger ones have to bear it out.
    large = values[None, :] > steps / 2
    count = large.sum(axis=1)
    fit = np.minimum(near.mean(axis=1), (near * large).sum(axis=1) / np.maximum(count, 1))
    good = (fit >= max(CLEAR, 0.75 * float(fit.max()))) & (count >= TELLING)
    return int(steps[good].max()) if good.any() else 1
