"""What a scanner and the years do to a printed page: tilt, paper, the other side showing through, noise.

Everything is drawn from the page's own generator: the same draws give the same pixels.
"""

from dataclasses import dataclass
from statistics import NormalDist

import cv2
import numpy as np

from console.samples.draw import Chance, number
from console.samples.plans import Wear
from console.samples.typeset import Picture
from ocr.page import Colour

SHADE_CELLS = (4, 3)  # of the lamp's uneven light
# A byte drawn evenly, looked up here, is a normal deviate: far cheaper than drawing one for every pixel.
QUANTILES = np.array([NormalDist().inv_cdf((n + 0.5) / 256) for n in range(256)])
INK_LOSS = 0.35  # of a seal's red, where the pad was dry
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Faults:
    """How strong each fault is: ranges to draw from.

    tilt_deg: clockwise or not. noise: standard deviation of 255. show_through: share of the other side's ink.
    shade, yellow: share of the light lost, of the blue lost. blur_px: standard deviation at 200 dpi.
    ink: grey value of what was printed black.
    """

    tilt_deg: Range
    noise: Range
    show_through: Range
    shade: Range
    yellow: Range
    blur_px: Range
    ink: Range


FAULTS: dict[Wear, Faults] = {
    "clean": Faults((-0.4, 0.4), (1.0, 2.5), (0.0, 0.02), (0.0, 0.02), (0.0, 0.02), (0.3, 0.45), (15, 40)),
    "typical": Faults((-1.0, 1.0), (2.0, 4.5), (0.03, 0.07), (0.02, 0.05), (0.02, 0.06), (0.4, 0.6), (30, 60)),
    "poor": Faults((-1.5, 1.5), (6.0, 9.0), (0.08, 0.13), (0.06, 0.12), (0.06, 0.12), (0.6, 0.85), (50, 85)),
}


def scan(front: Picture, back: Picture | None, rng: Chance, *, wear: Wear, colour: Colour, dpi: int) -> Picture:
    """Return what the scanner made of a page: height x width x 3, or height x width when not in colour.

    back: what is printed on the other side, which shows through. Bitonal pixels are 0 and 255.
    """
    faults = FAULTS[wear]
    angle = float(rng.uniform(*faults.tilt_deg))
    page = _dry_seal(front, rng)
    page = _inked(page, float(rng.uniform(*faults.ink)))
    if back is not None:
        page = _shown_through(page, back, float(rng.uniform(*faults.show_through)), dpi)
    page = _tilted(page, angle, rng)
    page = cv2.GaussianBlur(page, (0, 0), float(rng.uniform(*faults.blur_px)) * dpi / 200)
    if colour != "colour":
        page = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    page = _on_paper(page, rng, shade=float(rng.uniform(*faults.shade)), yellow=float(rng.uniform(*faults.yellow)))
    page = _noisy(page, rng, float(rng.uniform(*faults.noise)))
    return _bitonal(page, rng) if colour == "bitonal" else page


def with_note(page: Picture, rng: Chance, dpi: int) -> Picture:
    """Return the printed page with a yellow note stuck to its outer margin, scribbled on but not written."""
    noted = page.copy()
    height, width = page.shape[:2]
    side = round(dpi * 0.55)  # the margin is 18 mm wide
    top, left = number(rng, height // 3, height // 2), width - side - round(dpi * 0.04)
    noted[top : top + side, left : left + side] = (250, 228, 92)
    for row in range(4):
        x = np.linspace(0.12, number(rng, 6, 9) / 10, 40)
        y = 0.2 + 0.2 * row + 0.04 * np.sin(x * rng.uniform(40, 60) + rng.uniform(0, 6))
        points = np.stack([left + x * side, top + y * side], 1).round().astype(np.int32)
        cv2.polylines(
            noted,
            [points],
            isClosed=False,
            color=(40, 60, 150),
            thickness=max(1, dpi // 120),
            lineType=cv2.LINE_AA,
        )
    return noted


def turned(page: Picture, quarter_turns: int) -> Picture:
    """Return the page laid down so that so many clockwise quarter turns make it upright."""
    return np.ascontiguousarray(np.rot90(page, quarter_turns))


def _dry_seal(page: Picture, rng: Chance) -> Picture:
    """Let red ink fade in patches, as a rubber stamp's does; pages without red come back as they are."""
    red = (page[:, :, 0].astype(np.int16) - page[:, :, 1]) > 60
    rows = np.flatnonzero(red.any(axis=1))
    if not rows.size:
        return page
    part = page[rows[0] : rows[-1] + 1]
    patches = cv2.resize(
        rng.random((30, 120), dtype=np.float32), (part.shape[1], part.shape[0]), interpolation=cv2.INTER_CUBIC
    )
    loss = (np.clip(patches, 0, 1) ** 2 * INK_LOSS * red[rows[0] : rows[-1] + 1])[:, :, None]
    faded = page.copy()
    faded[rows[0] : rows[-1] + 1] = (part + (255 - part) * loss).astype(np.uint8)
    return faded


def _inked(page: Picture, darkest: float) -> Picture:
    """Lift black to what toner gives back, leaving paper white."""
    table = np.linspace(darkest, 255, 256).round().astype(np.uint8)
    return np.asarray(cv2.LUT(page, table), dtype=np.uint8)


def _shown_through(page: Picture, back: Picture, strength: float, dpi: int) -> Picture:
    mirrored = cv2.cvtColor(back, cv2.COLOR_RGB2GRAY)[:, ::-1]
    soft = cv2.GaussianBlur(np.ascontiguousarray(mirrored), (0, 0), 1.6 * dpi / 200)
    veil = (255 - (255 - soft.astype(np.float32)) * strength).round().astype(np.uint8)
    return np.asarray(cv2.multiply(page, cv2.merge([veil] * 3), scale=1 / 255), dtype=np.uint8)


def _tilted(page: Picture, angle_deg: float, rng: Chance) -> Picture:
    height, width = page.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle_deg, 1.0)
    turn[:, 2] += rng.uniform(-0.004, 0.004, 2) * width
    moved = cv2.warpAffine(page, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    return np.asarray(moved, dtype=np.uint8)


def _on_paper(page: Picture, rng: Chance, *, shade: float, yellow: float) -> Picture:
    """Lay the page on paper that has yellowed, under a lamp that is weaker here and there."""
    cells = (1 - shade * rng.random(SHADE_CELLS, dtype=np.float32)) * 250
    light = cv2.resize(cells.astype(np.float32), (page.shape[1], page.shape[0]), interpolation=cv2.INTER_CUBIC)
    tints = [1.0, 1 - 0.25 * yellow, 1 - yellow] if page.ndim == 3 else [1 - 0.3 * yellow]
    paper = [np.clip(light * tint, 0, 255).round().astype(np.uint8) for tint in tints]
    sheet = cv2.merge(paper) if page.ndim == 3 else paper[0]
    return np.asarray(cv2.multiply(page, sheet, scale=1 / 255), dtype=np.uint8)


def _noisy(page: Picture, rng: Chance, deviation: float) -> Picture:
    """Add the sensor's noise, the same in all colours."""
    steps = (QUANTILES * deviation).round()
    drawn = np.frombuffer(rng.bytes(page.shape[0] * page.shape[1]), np.uint8).reshape(page.shape[:2])
    lighter = cv2.LUT(drawn, np.clip(steps, 0, 255).astype(np.uint8))
    darker = cv2.LUT(drawn, np.clip(-steps, 0, 255).astype(np.uint8))
    if page.ndim == 3:
        lighter, darker = cv2.merge([lighter] * 3), cv2.merge([darker] * 3)
    return np.asarray(cv2.subtract(cv2.add(page, lighter), darker), dtype=np.uint8)


def _bitonal(page: Picture, rng: Chance) -> Picture:
    """Decide black or white, and leave a few specks of dust."""
    _, decided = cv2.threshold(page, number(rng, 150, 175), 255, cv2.THRESH_BINARY)
    for _ in range(number(rng, 10, 40)):
        x, y = number(rng, 0, page.shape[1] - 1), number(rng, 0, page.shape[0] - 1)
        cv2.circle(decided, (x, y), number(rng, 0, 1), 0, -1)
    return np.asarray(decided, dtype=np.uint8)
