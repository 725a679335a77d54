"""How sharp the edges of a page's letters are: the spread of an edge on paper, whatever the ink's contrast.

An edge that is blurred once more by a known spread loses the less of its steepness the softer it was. That ratio
does not know how dark the ink is, so pale ink and small print are no blur.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ocr.pixels import Pixels

TILE_PX = 128
TILES = 14  # looked at of a page
AGAIN_PX = 1.5  # spread laid over the edges, as a standard deviation
CLEAR = 0.45  # of a tile's steepest edges; what is paler is noise, show-through, or a stroke's end
LEAST_STEP, LEAST_STEP_REDUCED = 12.0, 5.0  # grey levels a pixel under which an edge is noise
LEAST_EDGES = 60
SOFTEST = 70.0  # percentile of the edges that counts: the edges of thin strokes seem sharper than they are
STEEPEST = 99.3  # percentile of a tile's steps that stands for its steepest edges
STRAIGHT = 2.5  # times as steep along a direction as along the other: an edge straight across it
# Letters smeared by more than a stroke's width keep steep, but pale edges: their steps across and down, alike on a
# still page, tell the length. What they are on a still page, from which ratio on it counts, and spread by ratio.
LEVEL_RATIO, LOPSIDED, LOPSIDED_MM = 1.07, 1.5, 0.083
MM = 25.4
OWN_PX2 = 0.4  # variance that the pixel and the difference over two pixels add

Floats = npt.NDArray[np.float32]


def blur_mm(
    grey: Pixels, energy: Pixels, scale: float, dpi: float, *, least_step: float = LEAST_STEP
) -> float | None:
    """Return the spread of a page's edges on paper, as a standard deviation; None when it has too few.

    energy: where ink is, on a copy smaller by `scale`, 0-255. Across and down are told apart, since a sheet that
    moved is blurred along its way alone: the softer counts. least_step: grey levels a pixel under which an edge is
    noise.
    """
    across: list[Floats] = []
    down: list[Floats] = []
    ratios: list[float] = []
    for top, left in _places(energy, scale, grey.shape):
        tile = grey[top : top + TILE_PX, left : left + TILE_PX].astype(np.float32)
        again = cv2.GaussianBlur(tile, (0, 0), AGAIN_PX)
        over, under = _steps(tile), _steps(again)
        clear = [_steepest(step) for step in over]
        across.append(_spread(over[0], over[1], under[0], max(least_step, CLEAR * clear[0])))
        down.append(_spread(over[1], over[0], under[1], max(least_step, CLEAR * clear[1])))
        ratios.append(max(clear[0], 1.0) / max(clear[1], 1.0) / LEVEL_RATIO)
    found = [np.concatenate(spreads) for spreads in (across, down) if spreads]
    told = [float(np.percentile(spreads, SOFTEST)) * MM / dpi for spreads in found if len(spreads) >= LEAST_EDGES]
    if not told:
        return None
    ratio = float(np.median(ratios))
    lopsided = max(ratio, 1 / ratio)
    return max(*told, LOPSIDED_MM * lopsided if lopsided >= LOPSIDED else 0.0)


def _places(energy: Pixels, scale: float, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the corners of the tiles with the most ink."""
    rows, columns = shape[0] // TILE_PX, shape[1] // TILE_PX
    if not rows or not columns:
        return [(0, 0)] if min(shape[:2]) >= 16 else []
    inner = energy[: round(rows * TILE_PX / scale), : round(columns * TILE_PX / scale)]
    cells = cv2.resize(inner, (columns, rows), interpolation=cv2.INTER_AREA)
    order = np.argsort(cells, axis=None)[::-1][:TILES]
    return [(int(at // columns) * TILE_PX, int(at % columns) * TILE_PX) for at in order]


def _steps(tile: Floats) -> tuple[Floats, Floats]:
    """Return the steps across and down, central differences."""
    across = np.zeros_like(tile)
    down = np.zeros_like(tile)
    across[:, 1:-1] = np.abs(tile[:, 2:] - tile[:, :-2]) / 2
    down[1:-1] = np.abs(tile[2:] - tile[:-2]) / 2
    return across, down


def _steepest(step: Floats) -> float:
    values = step[::2].ravel()
    at = round((len(values) - 1) * STEEPEST / 100)
    return float(np.partition(values, at)[at])


def _spread(step: Floats, other: Floats, again: Floats, least: float) -> Floats:
    """Return the spread at the steepest pixels of edges that run straight across a direction."""
    at = (step >= least) & (step > STRAIGHT * other)
    ratio = np.square(step[at] / np.maximum(again[at], 1e-3))
    spread = AGAIN_PX**2 / np.maximum(ratio - 1, 1e-3) - OWN_PX2
    return np.asarray(np.sqrt(np.clip(spread, 0, 100)), np.float32)
