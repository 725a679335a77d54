"""The frame every public page has, and the pieces pages are put together from. All text is escaped here."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from console.web.style import SHEET
from console.web.words import say
from console.words.speak import Language


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of HTML: what was made here, never what came from outside."""

    html: str


def piece(*parts: "Piece | str") -> Piece:
    """Join pieces; plain strings are escaped."""
    return Piece("".join(part.html if isinstance(part, Piece) else escape(part) for part in parts))


def element(tag: str, *inside: Piece | str, **attributes: str) -> Piece:
    """Return an element; `class_` and `for_` lose their underscore, other underscores become dashes."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items()
    )
    return Piece(f"<{tag}{named}>{piece(*inside).html}</{tag}>")


def link(path: str, text: str) -> Piece:
    """Return a link within this service."""
    return element("a", text, href=path)


def card(*inside: Piece | str, class_: str = "") -> Piece:
    """Return a framed section."""
    return element("section", *inside, class_=f"card {class_}".strip())


def facts(rows: Iterable[tuple[str, str | None]], *, mono: frozenset[str] = frozenset()) -> Piece:
    """Return names with their values; a row without a value is left out. mono: names whose value is code."""
    listed = [
        piece(element("dt", name), element("dd", value, class_="mono") if name in mono else element("dd", value))
        for name, value in rows
        if value
    ]
    return element("dl", *listed)


def field(name: str, label: str, hint: str, *, kind: str = "text", **attributes: str) -> Piece:
    """Return a labelled input with its hint, tied together for those who listen to the page."""
    given = {"id": name, "name": name, "type": kind, "aria_describedby": f"{name}-hint", **attributes}
    named = "".join(f' {key.replace("_", "-")}="{escape(value)}"' for key, value in given.items())
    return piece(
        element("label", label, for_=name),
        element("p", hint, class_="hint", id=f"{name}-hint"),
        Piece(f"<input{named} required>"),
    )


def at(path: str, language: Language) -> str:
    """Return an address in the page's language."""
    return path if language == "vi" else f"{path}?lang=en"


def page(title: str, *inside: Piece | str, language: Language, path: str) -> str:
    """Return a whole page. path: its own address, for the link to the other language."""
    other: Language = "en" if language == "vi" else "vi"
    switch = element(
        "a", say("other-language", language), href=at(path, other), hreflang=other, lang=other, rel="alternate"
    )
    home = element("a", say("service", language), href=at("/", language), class_="name")
    body = piece(
        element("a", say("skip", language), href="#content", class_="skip"),
        element("header", element("div", home, switch, class_="inside")),
        element("main", element("h1", title), *inside, id="content"),
        element("footer", element("div", say("footer", language), class_="inside")),
    )
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} — Sohoa</title><style>{SHEET}</style></head>"
        f"<body>{body.html}</body></html>\n"
    )
