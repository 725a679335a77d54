"""The ladder itself: for every rule, pages on both sides of its threshold, and good pages of every kind.

A step of the ladder is a strength in parts of the threshold. Between the steps next to it lies the dead zone,
where either answer is right: `DEAD_ZONES`, most of them 0.85 to 1.15.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import ladder
import numpy as np
from ladder import Base, Scanned
from PIL import Image

from console.samples.plans import Wear
from ocr.page import Colour
from ocr.pixels import Pixels

MM = 25.4
BELOW, ABOVE = (0.5, 0.7, 0.85), (1.15, 1.4, 2.0)
TRUE_BLUR_MM = 0.19  # spread of an edge that measures 0.18 mm, the threshold; strokes are thin
OWN_BLUR_MM = 0.5 / 200 * MM  # of a typical scan of ours
DEAD_ZONES = {
    "resolution-document": "none",
    "resolution-stated": "none",
    "resolution-true": "9-18 % off; within 4 % of 1.41",
    "colour-depth": "none",
    "sharpness": "±15 %",
    "skew": "±15 %",
    "text-cut": "3-5 letters",
    "blank-front": "none",
    "double-feed-edge": "3-5 levels of 4",
    "double-feed-length": "±15 %",
    "page-size": "±15 %",
    "border": "±15 %",
    "jpeg-damage": "36-44",
    "file-broken": "0.8-1.25 of it",
    "upright": "none",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One page of a document and the rules it has to fail. untold: rules that may answer either way.

    scale: factors by which the page's sides differ from those of three siblings; None when it has none.
    """

    name: str
    scanned: Scanned
    fails: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()
    scale: tuple[float, float] | None = None
    unread: bool = False


ALL = frozenset(DEAD_ZONES)


def good_cases(numbers: Iterable[int]) -> Iterator[Case]:
    """Yield pages without a defect: every wear, small print, columns, tables, seals, bitonal, blank backs."""
    kinds: list[tuple[str, int, Wear, Colour, float | None, int]] = [
        ("clean", 200, "clean", "colour", None, 1),
        ("clean", 300, "clean", "colour", None, 1),
        ("typical", 200, "typical", "colour", None, 1),
        ("typical", 300, "typical", "colour", None, 1),
        ("poor", 200, "poor", "colour", None, 1),
        ("grey", 200, "typical", "grey", None, 1),
        ("coarse", 150, "typical", "grey", None, 1),
        ("small print", 200, "typical", "colour", 9.0, 1),
        ("two columns", 200, "clean", "colour", 11.0, 2),
        ("bitonal", 300, "typical", "bitonal", None, 1),
    ]
    for number in numbers:
        for name, dpi, wear, colour, size, columns in kinds:
            columns = columns if number % 5 == 0 else 1  # decisions alone are set in columns
            made = ladder.base(number, dpi, size, columns)
            pixels = ladder.worn(made, 31 * number, wear=wear, colour=colour)
            fails = {"colour-depth"} if colour != "colour" else set()
            fails |= {"resolution-document"} if dpi < 200 else set()
            yield Case(name, ladder.as_scanned(pixels, made, colour=colour), frozenset(fails))
        front = ladder.base(number, 200)
        sheet = ladder.worn(ladder.blank(200), 7 * number, back=front)
        yield Case("blank back", ladder.as_scanned(sheet, ladder.blank(200)), untold=frozenset({"blank-front"}))


def defects(numbers: Iterable[int]) -> Iterator[Case]:
    """Yield every class's ladder, on the papers of some numbers."""
    for number in numbers:
        for made in CLASSES:
            yield from made(number)


def _page(number: int, *, dpi: int | None = None, tilt_deg: float | None = None) -> tuple[Pixels, Base]:
    made = ladder.base(number, dpi or (200, 300)[number % 2])
    return ladder.worn(made, 101 + number, tilt_deg=tilt_deg), made


def _case(rule: str, scanned: Scanned, *, bad: bool, step: object, **more: object) -> Case:
    """A page that fails its rule is held against that one alone."""
    fails, untold = (frozenset({rule}), ALL - {rule}) if bad else (frozenset(), frozenset())
    return Case(f"{rule} {step}", scanned, fails, untold, **more)  # type: ignore[arg-type]  # fields of Case


def _resolution(number: int) -> Iterator[Case]:
    for dpi in (100, 150, 175, 200, 240):
        pixels, made = _page(number, dpi=dpi)
        yield _case("resolution-document", ladder.as_scanned(pixels, made), bad=dpi < 200, step=dpi)


def _unstated(number: int) -> Iterator[Case]:
    pixels, made = _page(number)
    found = ladder.as_scanned(pixels, made)
    unstated = replace(found, image=replace(found.image, dpi_assumed=True))
    yield _case("resolution-stated", unstated, bad=True, step="none")


def _claims(number: int) -> Iterator[Case]:
    pixels, made = _page(number)
    for factor in (1.03, 1.07, 1.09, 1.18, 1.3, 1.5, 2.0, 3.0):
        for claim in (made.dpi * factor, made.dpi / factor):
            bad = factor > 1.1
            found = ladder.as_scanned(pixels, made, dpi=claim)
            case = _case("resolution-true", found, bad=bad, step=round(claim / made.dpi, 2))
            yield replace(case, untold=case.untold | {"resolution-document"})


def _depth(number: int) -> Iterator[Case]:
    colours: tuple[Colour, ...] = ("bitonal", "grey")
    for colour in colours:
        made = ladder.base(number, 200)
        pixels = ladder.worn(made, number, colour=colour)
        yield _case("colour-depth", ladder.as_scanned(pixels, made, colour=colour), bad=True, step=colour)


def _blur(number: int) -> Iterator[Case]:
    pixels, made = _page(number)
    for part in BELOW + ABOVE:
        added = np.sqrt(max(0.0, (part * TRUE_BLUR_MM) ** 2 - OWN_BLUR_MM**2)) / MM * made.dpi
        for moved in (False, True):
            soft = (
                ladder.smeared(pixels, added, across=bool(number % 2)) if moved else ladder.softened(pixels, added)
            )
            found = ladder.as_scanned(soft, made)
            yield _case("sharpness", found, bad=part > 1, step=f"{'moved' if moved else 'focus'} {part}")


def _skew(number: int) -> Iterator[Case]:
    for part in BELOW + ABOVE:
        tilt = 2.0 * part * (1 if number % 2 else -1)
        pixels, made = _page(number, dpi=200, tilt_deg=tilt)
        yield _case("skew", ladder.as_scanned(pixels, made), bad=part > 1, step=round(tilt, 2))


def _cuts(number: int) -> Iterator[Case]:
    pixels, made = _page(number, tilt_deg=0.3 * (number % 3 - 1))
    rng = np.random.default_rng(number)
    ink = (cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) < 140).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = boxes[1:]
    mm = made.dpi / MM
    letters = boxes[(boxes[:, 2:4].max(axis=1) > 1.2 * mm) & (boxes[:, 2:4].max(axis=1) < 6 * mm)]
    for side in range(4):
        axis, away = side % 2, side >= 2
        extent = pixels.shape[1 - axis]
        for at in rng.uniform(0.02, 0.3, 5) * extent:
            line = round(extent - at) if away else round(at)
            low, high = letters[:, axis], letters[:, axis] + letters[:, 2 + axis]
            kept = (line - low) if away else (high - line)
            touched = int(((low < line) & (high > line) & (kept > 1.0 * mm)).sum())
            grazed = int(((low <= line + 1) & (high >= line - 1)).sum())
            if grazed > 2 and touched < 6:
                continue
            part = slice(0, line) if away else slice(line, None)
            cut = np.ascontiguousarray(pixels[part] if axis else pixels[:, part])
            shift = (0, 0) if away else ((0, -line) if axis else (-line, 0))
            found = ladder.as_scanned(cut, made, shift=shift)
            case = _case("text-cut", found, bad=touched >= 6, step=f"{'lurd'[side]} {touched}")
            # Another piece of paper than the sheet was: its size says nothing of the claim.
            yield replace(case, untold=case.untold | {"resolution-true"})


def _blanks(number: int) -> Iterator[Case]:
    wear: Wear = ("clean", "typical")[number % 2]  # type: ignore[assignment]  # two of them
    sheet = ladder.blank(200)
    pixels = ladder.worn(sheet, number, wear=wear)
    yield _case("blank-front", ladder.as_scanned(pixels, sheet), bad=True, step="read")
    yield _case("blank-front", ladder.as_scanned(pixels, sheet), bad=True, step="unread", unread=True)
    made = ladder.base(number, 200)
    few = made.picture.copy()
    few[round(made.dpi * 1.6) :] = 255  # the head of a page alone
    pixels = ladder.worn(replace(made, picture=few), number, wear=wear)
    case = _case("blank-front", ladder.as_scanned(pixels, made), bad=False, step="head alone", unread=True)
    yield case


def _sheets(number: int) -> Iterator[Case]:
    pixels, made = _page(number)
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(number)
    for step in (1.0, 2.0, 3.0, 5.0, 7.0, 12.0):
        at, tilt = rng.uniform(0.15, 0.85), np.radians(rng.uniform(-3, 3))
        across = rng.random() < 0.7
        along, extent = (width, height) if across else (height, width)
        line = at * extent + (np.arange(along) - along / 2) * np.tan(tilt)
        beyond = np.arange(extent)[:, None] > line[None, :]
        darker = cv2.GaussianBlur(beyond.astype(np.float32), (0, 0), 0.15 / MM * made.dpi)
        darker = darker if across else darker.T
        if number % 2:
            darker = 1 - darker
        laid = np.clip(pixels - step * darker[..., None] + 0.5, 0, 255).astype(np.uint8)
        yield _case("double-feed-edge", ladder.as_scanned(laid, made), bad=step > 4, step=step)
    folded = pixels.copy()
    cv2.line(folded, (0, height // 2), (width, height // 2 + 9), (185, 180, 170), max(1, made.dpi // 60))
    yield Case("fold", ladder.as_scanned(folded, made))
    banded = pixels.copy()
    top, band = height // 5, height // 8
    banded[top : top + band, width // 12 : -width // 12] -= np.minimum(
        banded[top : top + band, width // 12 : -width // 12], 25
    )
    yield Case("tinted table", ladder.as_scanned(banded, made))


def _sizes(number: int) -> Iterator[Case]:
    made = ladder.base(number, 200)
    found = ladder.as_scanned(ladder.worn(made, number), made)
    for part in BELOW + ABOVE:
        longer = _case("double-feed-length", found, bad=part > 1, step=part, scale=(1.0, 1 + 0.04 * part))
        yield longer
        factor = 1 + 0.05 * part * (-1 if number % 2 else 1)
        yield _case("page-size", found, bad=part > 1, step=part, scale=(factor, factor))


def _borders(number: int) -> Iterator[Case]:
    pixels, made = _page(number)
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(number)
    for part in BELOW + ABOVE:
        wide = 3.0 * part / MM * made.dpi
        bent = number % 3 == 2  # a wedge as of a tilted sheet: its mean is the width
        ends = (0.0, 2 * wide) if bent else (wide, wide)
        edge = np.linspace(*ends, height)[:, None] > np.arange(width)[None, :]
        edge = edge[:, ::-1] if number % 2 else edge
        lid = rng.normal(25 + 15 * (number % 3), 4, (height, width))
        framed = np.where(edge[..., None], np.clip(lid, 0, 255)[..., None], pixels).astype(np.uint8)
        yield _case("border", ladder.as_scanned(framed, made), bad=part > 1, step=part)


def _squeezed(number: int) -> Iterator[Case]:
    pixels, made = _page(number)
    for quality in (15, 25, 32, 36, 44, 50, 65, 85):
        packed = io.BytesIO()
        Image.fromarray(pixels).save(packed, "JPEG", quality=quality)
        with Image.open(packed) as opened:
            seen = np.asarray(opened.convert("RGB"))
        encoded = packed.getvalue() if number % 2 else None
        found = ladder.as_scanned(seen, made, encoded=encoded)
        yield _case("jpeg-damage", found, bad=quality < 40, step=f"{'tables' if encoded else 'pixels'} {quality}")


def _broken(number: int) -> Iterator[Case]:
    pixels, made = _page(number)
    for part in (0.4, 0.8, 1.25, 4.0, 40.0):
        rows = round(0.005 * part * len(pixels))
        grey = pixels.copy()
        grey[len(grey) - rows :] = 128
        yield _case("file-broken", ladder.as_scanned(grey, made), bad=part > 1, step=part)


def _turned(number: int) -> Iterator[Case]:
    pixels, made = _page(number, dpi=200)
    for turns in (1, 2, 3):
        found = ladder.as_scanned(pixels, made, turns=turns)
        yield _case("upright", found, bad=True, step=turns)
        hinted = replace(found, image=replace(found.image, turn_hint=turns))
        yield _case("upright", hinted, bad=False, step=f"{turns} as stated")


CLASSES: tuple[Callable[[int], Iterator[Case]], ...] = (
    _resolution,
    _unstated,
    _claims,
    _depth,
    _blur,
    _skew,
    _cuts,
    _blanks,
    _sheets,
    _sizes,
    _borders,
    _squeezed,
    _broken,
    _turned,
)
