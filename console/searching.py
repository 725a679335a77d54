"""The commands that find records and look after the index."""

from contextlib import suppress
from typing import Any

from console.embedded import catch_up
from console.home import Home
from console.terminal import Terminal
from search_api.errors import IndexUnavailable
from search_api.index.completeness import Completeness
from search_api.index.projector import Projector
from search_api.search import search


def run_search(
    home: Home, terminal: Terminal, text: str, *, purpose: str | None, limit: int, cursor: str | None
) -> None:
    """Bring the index up to date if that is quick, then answer; how complete it is stands in the answer."""
    # Without its engine a search still answers, from the catalogue, and says so.
    with suppress(IndexUnavailable):
        catch_up(home)
    with home.services() as services:
        answer = search(services, home.caller(), text, purpose=purpose, limit=limit, cursor=cursor)
    terminal.table(
        ["archive-number", "page", "found"],
        [[hit.archive_number, str(hit.page or "—"), hit.snippet] for hit in answer.hits],
    )
    exact = "say.found" if answer.total_is_exact else "say.found-more"
    terminal.say(exact, total=answer.total, shown=len(answer.hits))
    if answer.completeness.from_catalogue:
        terminal.say("say.from-catalogue")
    elif answer.completeness.behind or answer.completeness.rebuilding:
        terminal.say("say.behind", behind=answer.completeness.behind)
    if answer.next_cursor:
        terminal.say("say.more", cursor=answer.next_cursor)
    terminal.answer(answer.as_json())


def show_index(home: Home, terminal: Terminal) -> None:
    """Say how far the index is."""
    _tell(terminal, catch_up(home, seconds=0))


def rebuild_index(home: Home, terminal: Terminal) -> None:
    """Make the index anew from the archive; the old one answers meanwhile."""
    index = home.index()
    try:
        done = Projector(home.engine, home.store(), home.seal(), index).rebuild()
    finally:
        index.close()
    _tell(terminal, done)


def _tell(terminal: Terminal, completeness: Completeness) -> None:
    shown: dict[str, Any] = {
        "indexed_to": completeness.indexed_to,
        "behind": completeness.behind,
        "rebuilding": completeness.rebuilding,
    }
    terminal.say("say.indexed", **shown)
    terminal.answer(shown)
