"""Documents to read, tier by tier, with the truth about each page: made by our generator, or found in a folder."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pikepdf

from console.samples.deliver import deliver
from console.samples.plans import Plan
from console.samples.write import make_sample, scanned

# Settings are tuned on the one, and the figures that are told come from the other.
TUNING_SEED, FINAL_SEED = 11, 97
SMALL_PRINT = 9.0  # points


def _plan(kind: str, pages: tuple[int, int], colour: str, dpi: int, wear: str) -> Plan:
    return Plan(kind, pages, 1, "pdf", colour, dpi, wear)  # type: ignore[arg-type]  # names of the plans


_COLOURS = (("colour", 200), ("grey", 200), ("colour", 300), ("grey", 150))
_KINDS = ("decision", "licence", "letter", "notice")


def _mixed(wear: str) -> tuple[Plan, ...]:
    pairs = zip(_KINDS, _COLOURS, strict=True)
    return tuple(_plan(kind, (2, 0), colour, dpi, wear) for kind, (colour, dpi) in pairs)


TIERS: dict[str, tuple[Plan, ...]] = {
    "clean": _mixed("clean"),
    "typical": _mixed("typical"),
    "poor": _mixed("poor"),
    "rotated": tuple(
        replace(plan, turned={1: turn, 2: (turn + 1) % 4})
        for plan, turn in zip(_mixed("typical"), (1, 2, 3, 2), strict=True)
    ),
    "table": tuple(_plan("certificate", (2, 0), colour, dpi, "typical") for colour, dpi in _COLOURS),
    "small print": tuple(replace(plan, size=SMALL_PRINT) for plan in _mixed("typical")),
    "two columns": tuple(
        replace(_plan("decision", (2, 0), colour, dpi, "typical"), size=11.0, columns=2)
        for colour, dpi in _COLOURS
    ),
    "bitonal": tuple(_plan(kind, (2, 0), "bitonal", 300, "typical") for kind in _KINDS),
    "blank backs": tuple(
        replace(_plan(kind, (1, 0), colour, dpi, "typical"), sides=2)
        for kind, (colour, dpi) in zip(_KINDS, _COLOURS, strict=True)
    ),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One PDF of scans. truths: the text of each page, NFC, in reading order; or of all pages in one."""

    tier: str
    path: Path
    truths: tuple[str, ...]
    pages: int


def made_documents(folder: Path, tiers: Collection[str], *, rounds: int, seed: int) -> Iterator[Document]:
    """Yield documents of some tiers, so many times four of each, written into a folder."""
    for place, (tier, plans) in enumerate(TIERS.items()):
        if tier not in tiers:
            continue
        for index in range(rounds * len(plans)):
            # Each tier has papers of its own: no two say the same.
            number = 100 * place + index
            sample = make_sample(number, seed, plans[index % len(plans)])
            path = folder / f"{tier.replace(' ', '-')}-{index + 1:02d}.pdf"
            deliver(scanned(sample, number, seed), path, "pdf")
            texts = sample.printed.texts
            truths = tuple("" if c.page_number is None else texts[c.page_number - 1] for c in sample.captures)
            yield Document(tier, path, truths, len(truths))


def found_documents(folder: Path, scratch: Path, *, pages_most: int) -> Iterator[Document]:
    """Yield the first pages of each PDF of a folder that has a `.txt` of the same name beside it.

    Without its signature, for OCRmyPDF refuses a signed file, and without a portal's banner: that is text to it.
    """
    for path in sorted(folder.glob("*.pdf")):
        truth = path.with_suffix(".txt")
        if not truth.exists():
            continue
        with pikepdf.open(path) as whole:
            pages = min(pages_most, len(whole.pages))
            del whole.pages[pages:]
            for place, key in ((whole.Root, "/AcroForm"), *((page.obj, "/Annots") for page in whole.pages)):
                if key in place:
                    del place[key]
            whole.save(scratch / path.name)
        yield Document("real", scratch / path.name, (truth.read_text(encoding="utf-8"),), pages)
