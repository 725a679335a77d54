"""Lifts round seals off a page scanned in grey, where no colour tells their ink from print.

In a colour scan the red channel has no seal. In grey, also where a scanner delivers grey as colour, one lies over
the name below a signature, and its lettering is read between the lines of the closing block. It is told by its
form, a ring of a seal's size with lettering along its inside, and by its tone: in grey red ink is paler than black
print. Print under it stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr.pixels import Pixels

LOOK_DPI = 75.0  # rings are looked for on the page reduced to it
RADIUS_MM = (14.0, 23.0)  # seals of agencies and companies are 32-42 mm wide
VOTES = 70  # of its edge, from which OpenCV calls something a circle: lower, and every page is full of them
CANDIDATES = 24  # of one page, the clearest first
WANDER_MM = 1.4  # by how much a ring's radius is off as it is found
INKED = 225  # grey level of ink on the reduced page; the paper is white
RING = 0.75  # share of a ring's length that has ink: of any circle through print a third has
LIKELY, SHIFTS = 0.5, (-2, -1, 0, 1, 2)  # and of one whose centre may be off by some pixels
BAND = (0.68, 0.92)  # of the radius: where a seal's lettering runs
LETTERED = 0.6  # share of the band's sectors with ink in them: a plain circle around a number has none
ANGLES, SECTORS = 180, 36
PALER = 35  # grey levels between print and a seal's ink, from which they can be told apart
PRINT, SEAL = 5.0, 10.0  # percentiles of a page's and of a ring's ink that stand for their darkest
EDGE_MM = 0.35  # beside dark ink: the edges of letters are as pale as a seal
REACH = 1.1  # of the radius: what is lifted, the ring's own width included


@dataclass(frozen=True, slots=True)
class _Ring:
    """A circle on the reduced page, in its pixels."""

    x: float
    y: float
    radius: float


def without_grey_seals(grey: Pixels, *, dpi: float) -> tuple[Pixels, int]:
    """Return a page, dark on white, without its seals, and how many were lifted; none that is as dark as print."""
    scale = min(1.0, LOOK_DPI / dpi)
    small = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    lifted, count = grey, 0
    for ring in _seals(small, px_mm=dpi * scale / 25.4):
        lifted = grey.copy() if lifted is grey else lifted
        count += _lift(lifted, _Ring(ring.x / scale, ring.y / scale, ring.radius / scale), px_mm=dpi / 25.4)
    return lifted, count


def _seals(small: Pixels, *, px_mm: float) -> Iterator[_Ring]:
    shortest, longest = (round(mm * px_mm) for mm in RADIUS_MM)
    if min(small.shape) < 2 * shortest:
        return
    found = cv2.HoughCircles(
        small,
        cv2.HOUGH_GRADIENT,
        dp=1.5,
        minDist=shortest,
        param1=120,
        param2=VOTES,
        minRadius=shortest,
        maxRadius=longest,
    )
    for x, y, radius in found[0][:CANDIDATES] if found is not None else ():
        ring = _fitted(small, _Ring(float(x), float(y), float(radius)), wander=round(WANDER_MM * px_mm))
        if ring is not None and _is_lettered(small, ring):
            yield ring


def _fitted(small: Pixels, ring: _Ring, *, wander: int) -> _Ring | None:
    """Return the ring with the centre and radius at which most of it has ink; None where too little has."""
    best, most = _best_radius(small, ring, wander)
    if most < LIKELY:
        return None
    for across in SHIFTS:
        for down in SHIFTS:
            moved, inked = _best_radius(small, _Ring(ring.x + across, ring.y + down, ring.radius), wander)
            if inked > most:
                best, most = moved, inked
    return best if most >= RING else None


def _best_radius(small: Pixels, ring: _Ring, wander: int) -> tuple[_Ring, float]:
    """Return the ring with the radius at which most of it has ink, and the share that has."""
    radii = ring.radius + np.arange(-wander, wander + 1, dtype=np.float64)
    inked = (_around(small, ring, radii) < INKED).mean(axis=1)
    best = int(inked.argmax())
    return _Ring(ring.x, ring.y, float(radii[best])), float(inked[best])


def _is_lettered(small: Pixels, ring: _Ring) -> bool:
    radii = np.arange(BAND[0] * ring.radius, BAND[1] * ring.radius, dtype=np.float64)
    inked = _around(small, ring, radii) < INKED
    return float(inked.reshape(len(radii), SECTORS, -1).any(axis=(0, 2)).mean()) >= LETTERED


def _around(small: Pixels, ring: _Ring, radii: npt.NDArray[np.float64]) -> Pixels:
    """Return the levels along circles of some radii, one a row; white beyond the page."""
    angles = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    xs = np.round(ring.x + radii[:, None] * np.cos(angles)).astype(int)
    ys = np.round(ring.y + radii[:, None] * np.sin(angles)).astype(int)
    height, width = small.shape
    inside = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
    levels = small[ys.clip(0, height - 1), xs.clip(0, width - 1)]
    return np.asarray(np.where(inside, levels, 255), np.uint8)


def _lift(grey: Pixels, ring: _Ring, *, px_mm: float) -> bool:
    """Whiten what is as pale as the ring within it, but for edges of darker ink; return whether it was paler."""
    reach = round(REACH * ring.radius)
    x, y = round(ring.x), round(ring.y)
    top, left = max(0, y - reach), max(0, x - reach)
    part = grey[top : y + reach, left : x + reach]
    ys, xs = np.ogrid[: part.shape[0], : part.shape[1]]
    away = np.hypot(ys - (ring.y - top), xs - (ring.x - left))
    on_ring = part[np.abs(away - ring.radius) <= px_mm]
    ink, seal_ink = grey[grey < INKED], on_ring[on_ring < INKED]
    if not len(seal_ink):
        return False
    print_level, seal_level = np.percentile(ink, PRINT), np.percentile(seal_ink, SEAL)
    if seal_level - print_level < PALER:
        return False
    dark = np.asarray(part < (print_level + seal_level) / 2, np.uint8)
    edge = 2 * max(1, round(EDGE_MM * px_mm)) + 1
    kept = cv2.dilate(dark, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge, edge))) > 0
    part[(away <= reach) & ~kept] = 255
    return True
