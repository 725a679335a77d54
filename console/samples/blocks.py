"""The pieces papers are made of, each with its text as a reader takes it in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a paper that stays on one page, or a table whose rows do.

    texts: what `paper.typ` sets for this kind, in reading order, empty ones left out; of a table its headings.
    """

    kind: str
    texts: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The text of each piece that stays on one page: the block, or heading and rows of a table."""
        if self.kind == "table":
            return tuple(" ".join(cells) for cells in (self.texts, *self.rows))
        glue = " " if self.kind == "article" else "\n"
        return (glue.join(text for text in self.texts if text),)
