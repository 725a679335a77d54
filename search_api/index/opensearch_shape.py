"""How a generation lies in OpenSearch: names, settings, mappings.

One index a generation, `PREFIX-gNNNNNN-pages`, with one document a page, one a record and one that says how far
the generation is. Two aliases lead to them, `PREFIX` to the one that answers, `PREFIX-building` to the one being
built; a third, `PREFIX-gNNNNNN`, is each index's own and what is written through: an index that was dropped has
none, and so no late writer can call it back to life.

- Nothing is seen before a refresh that we ask for: a batch appears at once in each shard, a record in one shard.
- Terms come cleaned and folded, a space or a tab between them, and are cut there only; `asciifolding` takes the
  few letters that have no mark to lose. Longer ones than a query can hold are left out, their places are kept.
- A score knows the page alone: statistics over the index would tell of records out of the asker's scope.
- The texts are inverted, not stored: a page's terms and words are in `words`, packed, and nowhere else.
"""

import re
from dataclasses import dataclass
from typing import Any, get_args

from search_api.index.query import MAX_CHARACTERS, FieldName

FORMAT_NUMBER = 1
POSITION = "position"  # id and kind of the document that says how far a generation is
PAGE, RECORD = "page", "record"  # kinds of the others
OPENING, CLOSING = "<", ">"  # stand around each described value; no term looks like them
FIELDS: tuple[FieldName, ...] = get_args(FieldName)

_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_USUAL_LENGTH = 300.0  # terms of a page, against which long ones score less
_SCORE = (
    "double often = doc.freq; "
    f"return query.boost * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * doc.length / {_USUAL_LENGTH}));"
)


def is_prefix(name: str) -> bool:
    """Say whether the engine's indices may begin so."""
    return _PREFIX.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Layout:
    """What the indices of one archive are called, and how they are spread."""

    prefix: str
    shards: int = 1
    replicas: int | None = None  # None: as the cluster has it

    @property
    def building(self) -> str:
        """The alias of the generation being built."""
        return f"{self.prefix}-building"

    def index(self, number: int) -> str:
        """The index of a generation."""
        return f"{self.prefix}-g{number:06}-pages"

    def alias(self, number: int) -> str:
        """The alias a generation is written through."""
        return f"{self.prefix}-g{number:06}"

    def number(self, index: str) -> int | None:
        """Return which generation an index is, None if it is not one of ours."""
        found = re.fullmatch(rf"{re.escape(self.prefix)}-g(\d{{6,}})-pages", index)
        return int(found[1]) if found else None

    def template(self) -> dict[str, Any]:
        """Return the template every generation is made from."""
        return {
            "index_patterns": [f"{self.prefix}-g*-pages"],
            "priority": 500,
            "version": FORMAT_NUMBER,
            "template": {"settings": self._settings(), "mappings": _mappings()},
        }

    def _settings(self) -> dict[str, Any]:
        spread = {"number_of_shards": self.shards}
        if self.replicas is not None:
            spread["number_of_replicas"] = self.replicas
        return {
            **spread,
            "refresh_interval": "-1",
            "similarity": {"page_alone": {"type": "scripted", "script": {"source": _SCORE}}},
            "analysis": {
                "tokenizer": {"terms": {"type": "whitespace", "max_token_length": 1024 * 1024}},
                "filter": {"askable": {"type": "length", "max": MAX_CHARACTERS}},
                "analyzer": {
                    "exact": {"type": "custom", "tokenizer": "terms", "filter": ["askable"]},
                    "folded": {"type": "custom", "tokenizer": "terms", "filter": ["asciifolding", "askable"]},
                },
                "normalizer": {"plain": {"type": "custom", "filter": ["lowercase", "asciifolding"]}},
            },
        }


def _mappings() -> dict[str, Any]:
    keyword, kept = {"type": "keyword"}, {"type": "keyword", "index": False, "doc_values": False}
    described = {
        name: {"properties": {column: _text(column, norms=False) for column in ("exact", "folded")}}
        for name in FIELDS
    }
    return {
        "dynamic": "strict",
        "_meta": {"format": FORMAT_NUMBER},
        "_source": {"excludes": ["exact", "folded", "said", "holders"]},
        "properties": {
            "kind": keyword,
            "record": keyword,
            "batch": {"type": "long"},  # the cursor of the batch it was written with
            # of a page
            "number": {"type": "integer"},
            "order": {"type": "long"},  # later pages have higher ones, and none has one again
            "units": keyword,
            "mode": keyword,
            "kept": {"type": "boolean"},
            "holders": keyword,
            "exact": _text("exact"),
            "folded": _text("folded"),
            "said": {"properties": described},
            "words": {"type": "binary"},
            # of a record
            "state": keyword,
            "package_number": {"type": "integer"},
            "package_sha256": keyword,
            "archive_number": {"type": "keyword", "normalizer": "plain", "ignore_above": MAX_CHARACTERS},
            "pages": {"type": "integer"},
            # of the position
            "format": {"type": "integer"},
            "cursor": {"type": "long"},
            "name": kept,
            "key": kept,
        },
    }


def _text(analyzer: str, *, norms: bool = True) -> dict[str, Any]:
    return {"type": "text", "analyzer": analyzer, "similarity": "page_alone", "norms": norms}
