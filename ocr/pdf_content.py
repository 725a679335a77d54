"""What a page of a PDF paints: where its images fall, and which of its text can be seen.

Runs the content stream as far as that needs and no further. Nothing is decoded but content streams, and those
only up to a limit: a bomb is not inflated to find out that it is one.
"""

import math
import zlib
from dataclasses import dataclass, field
from typing import Any

import pikepdf

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
CONTENT_LIMIT = 16 << 20  # bytes of one decoded content stream; a longer one is not examined
FORM_DEPTH = 6
# The published decree's scan covers 0.78 of its page, with margins all round.
SCAN_COVER = 0.6
# A dependency is missing where content says that it is encoded as a JBIG2 picture.
UNPARSABLE = (
    pikepdf.PdfError,
    pikepdf.DependencyError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
)
OPERATORS = "q Q cm Do Tr Tf Td TD Tm T* TL Tj TJ ' \" BT ET BI ID EI g rg k sc scn"


@dataclass(frozen=True, slots=True)
class Painted:
    """An image as a page paints it: the unit square under the matrix. black: the fill colour is dark."""

    image: pikepdf.Object
    matrix: Matrix
    black: bool


@dataclass(slots=True)
class Content:
    """What a page paints. texts: (bytes, x, y, width, height) in user space, those a scan covers left out.

    examined: False when the content is too long or can't be parsed; then nothing else is known.
    """

    images: list[Painted] = field(default_factory=list)
    inline_images: int = 0
    texts: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    examined: bool = True


def content_of(page: pikepdf.Page) -> Content:
    """Return what a page paints; `examined` is False when its content is too long or can't be parsed."""
    content = Content()
    if not _short_enough(page.obj.get("/Contents")):
        content.examined = False
        return content
    try:
        _Reader(page, content).read(page.obj, resources_of(page), IDENTITY, depth=0)
    except UNPARSABLE:
        content.examined = False
    return content


def _short_enough(contents: Any) -> bool:
    """Whether content streams stay below the limit when inflated; a bomb is not inflated to find out."""
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    total = 0
    for stream in streams:
        if not isinstance(stream, pikepdf.Stream):
            continue
        raw = stream.read_raw_bytes()
        total += len(raw)
        if stream.get("/Filter") is not None:
            inflater = zlib.decompressobj()
            try:
                total += len(inflater.decompress(raw, CONTENT_LIMIT))
            except zlib.error:
                total += 10 * len(raw)
        if total > CONTENT_LIMIT:
            return False
    return True


@dataclass(slots=True)
class _State:
    """The part of the graphics state that decides what is seen."""

    matrix: Matrix
    mode: int = 0
    size: float = 12.0
    leading: float = 0.0
    black: bool = True


class _Reader:
    """Runs a content stream far enough to know where images and visible text fall."""

    def __init__(self, page: pikepdf.Page, content: Content) -> None:
        self._content = content
        self._page = page

    def read(self, source: Any, resources: Any, matrix: Matrix, *, depth: int) -> None:
        state, stack = _State(matrix), []
        line = text = IDENTITY
        for operands, operator in (
            (list(step.operands), str(step.operator)) for step in pikepdf.parse_content_stream(source, OPERATORS)
        ):
            if operator == "q":
                stack.append(_State(state.matrix, state.mode, state.size, state.leading, state.black))
            elif operator == "Q":
                state = stack.pop() if stack else state
            elif operator == "cm":
                state.matrix = times(_matrix(operands), state.matrix)
            elif operator in ("g", "rg", "k", "sc", "scn"):
                state.black = _is_black(operator, operands)
            elif operator == "Do":
                self._paint(operands[0], resources, state, depth)
            elif operator == "INLINE IMAGE":
                self._content.inline_images += 1
            elif operator == "Tr":
                state.mode = int(operands[0])
            elif operator == "Tf":
                state.size = abs(float(operands[1]))
            elif operator == "TL":
                state.leading = float(operands[0])
            elif operator == "BT":
                line = text = IDENTITY
            elif operator == "Tm":
                line = text = _matrix(operands)
            elif operator in ("Td", "TD", "T*", "'", '"'):
                x, y = (float(n) for n in operands) if operator in ("Td", "TD") else (0.0, -state.leading)
                if operator == "TD":
                    state.leading = -y
                line = text = times((1.0, 0.0, 0.0, 1.0, x, y), line)
            if operator in ("Tj", "TJ", "'", '"'):
                text = self._write(operands, state, text)

    def _paint(self, name: Any, resources: Any, state: _State, depth: int) -> None:
        painted = resources.get("/XObject", {}).get(str(name)) if resources is not None else None
        if not isinstance(painted, pikepdf.Stream):
            return
        kind = painted.get("/Subtype")
        if kind == "/Image":
            self._content.images.append(Painted(painted, state.matrix, state.black))
            opaque = not any(key in painted for key in ("/SMask", "/Mask", "/ImageMask"))
            if opaque and share_of(self._page, state.matrix) >= SCAN_COVER:
                self._content.texts.clear()  # covered by the scan: an old reading laid underneath
        elif kind == "/Form" and depth < FORM_DEPTH and _short_enough(painted):
            own = _matrix(painted.get("/Matrix", IDENTITY))
            inner = painted.get("/Resources", resources)
            self.read(painted, inner, times(own, state.matrix), depth=depth + 1)

    def _write(self, operands: list[Any], state: _State, text: Matrix) -> Matrix:
        shown = operands[-1] if operands else b""
        pieces = list(shown) if isinstance(shown, pikepdf.Array) else [shown]
        strings = [bytes(piece) for piece in pieces if isinstance(piece, pikepdf.String)]
        length = sum(len(string) for string in strings)
        width = length * state.size / 2
        if state.mode not in (3, 7) and any(string.strip(b" \0") for string in strings):
            a, b, c, d, x, y = times(text, state.matrix)
            self._content.texts.append((length, x, y, width * math.hypot(a, b), state.size * math.hypot(c, d)))
        return times((1.0, 0.0, 0.0, 1.0, width, 0.0), text)


def times(first: Matrix, then: Matrix) -> Matrix:
    """Return the matrix that applies first, then then, as PDF multiplies them."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def _matrix(numbers: Any) -> Matrix:
    a, b, c, d, e, f = (float(number) for number in numbers)
    return a, b, c, d, e, f


def _is_black(operator: str, operands: list[Any]) -> bool:
    numbers = [float(n) for n in operands if isinstance(n, (int, float)) or hasattr(n, "as_integer_ratio")]
    if operator == "k" or (operator in ("sc", "scn") and len(numbers) == 4):
        return bool(numbers) and numbers[-1] > 0.5
    return bool(numbers) and max(numbers) < 0.5


def share_of(page: pikepdf.Page, matrix: Matrix) -> float:
    """Return the share of the crop box that the unit square under a matrix covers (its bounding box)."""
    left, bottom, right, top = crop_box(page)
    a, b, c, d, e, f = matrix
    xs, ys = (e, e + a, e + c, e + a + c), (f, f + b, f + d, f + b + d)
    width = min(right, max(xs)) - max(left, min(xs))
    height = min(top, max(ys)) - max(bottom, min(ys))
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((right - left) * (top - bottom))


def crop_box(page: pikepdf.Page) -> tuple[float, float, float, float]:
    """Return the crop box within the media box, corners in order; A4 when it has no area."""
    media = _corners(page.mediabox)
    crop = _corners(page.cropbox)
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    if right - left < 1 or top - bottom < 1:
        left, bottom, right, top = media
    if right - left < 1 or top - bottom < 1:
        return 0.0, 0.0, 595.0, 842.0
    return left, bottom, right, top


def resources_of(page: pikepdf.Page) -> pikepdf.Object | None:
    """Return a page's resources, its own or inherited; None when there are none, or they are no dictionary."""
    try:
        return page.resources
    except TypeError:
        return None


def xobjects_of(page: pikepdf.Page) -> list[Any]:
    """Return the images and forms in a page's resources, painted or not."""
    resources = resources_of(page)
    found: Any = resources.get("/XObject") if resources is not None else None
    return list(found.values()) if isinstance(found, pikepdf.Dictionary) else []


def user_unit(page: pikepdf.Page) -> float:
    """Return how many 1/72 inch one unit of the page is."""
    unit = float(page.obj.get("/UserUnit", 1))
    return unit if 0 < unit <= 1000 else 1.0


def _corners(box: Any) -> tuple[float, float, float, float]:
    """Return a box's corners in order; one without an area when it is not four numbers."""
    try:
        a, b, c, d = (float(edge) for edge in list(box)[:4])
    except (TypeError, ValueError):
        return 0.0, 0.0, 0.0, 0.0
    return min(a, c), min(b, d), max(a, c), max(b, d)
