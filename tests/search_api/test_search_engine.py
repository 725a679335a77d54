"""The line to an engine: what is tried again, how much at once, and what is told of one that does not fit."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from engine_doors import Asked, door, said

from search_api.errors import IndexUnavailable, IndexUnfit
from search_api.index.opensearch_bulk import Bulk, BulkAct
from search_api.index.opensearch_client import Engine, EngineAddress, EngineLimits

WELCOME = {"version": {"distribution": "opensearch", "number": "3.8.0"}}
FULL = {"type": "cluster_block_exception", "reason": "flood stage"}
REJECTED = {"type": "rejected_execution_exception", "reason": "queue full"}
Told = tuple[int, dict[str, Any]]


class Scripted:
    """An engine that answers a bulk request as a test says, each document by its id, and notes what came."""

    def __init__(self, told: Callable[[int, Sequence[str]], Told | dict[str, Told]]) -> None:
        self.told = told
        self.came: list[list[str]] = []
        self.sizes: list[int] = []

    def __call__(self, asked: Asked) -> tuple[int, bytes]:
        if asked.path == "/":
            return said(200, WELCOME)
        heads = [line for line in asked.lines if isinstance(line, dict) and line.keys() & {"index", "delete"}]
        names = [next(iter(head.values()))["_id"] for head in heads]
        self.came.append(names)
        self.sizes.append(len(asked.body))
        answer = self.told(len(self.came), names)
        if isinstance(answer, tuple):
            return said(*answer)
        kinds = {next(iter(head.values()))["_id"]: next(iter(head)) for head in heads}
        items = [{kinds[name]: {"status": answer[name][0], **answer[name][1]}} for name in names]
        return said(200, {"errors": any(answer[name][0] >= 300 for name in names), "items": items})


@contextmanager
def engine_at(port: int, *, waits: list[float] | None = None, **limits: Any) -> Iterator[Engine]:
    pauses = waits if waits is not None else []
    made = Engine(EngineAddress("127.0.0.1", port, tls=False), limits=EngineLimits(**limits), pause=pauses.append)
    yield made
    made.close()


def acts(*names: str, size: int = 10) -> list[BulkAct]:
    return [BulkAct(json.dumps({"index": {"_id": name}}), json.dumps({"words": "x" * size})) for name in names]


def done(names: Sequence[str]) -> dict[str, Told]:
    return {name: (200, {}) for name in names}


def test_only_what_was_refused_for_now_is_sent_again() -> None:
    script = Scripted(
        lambda count, names: (
            done(names) | ({"b": (429, {"error": REJECTED}), "d": (503, {})} if count == 1 else {})
        )
    )
    waits: list[float] = []
    with door(script) as port, engine_at(port, waits=waits) as engine:
        Bulk(engine).write(acts("a", "b", "c", "d"))
    assert script.came == [["a", "b", "c", "d"], ["b", "d"]]
    assert len(waits) == 1


def test_what_is_newer_already_and_what_is_gone_already_count_as_done() -> None:
    conflict = {"error": {"type": "version_conflict_engine_exception"}}
    script = Scripted(lambda _, names: done(names) | {"a": (409, conflict), "b": (404, {"result": "not_found"})})
    with door(script) as port, engine_at(port) as engine:
        Bulk(engine).write([*acts("a"), BulkAct(json.dumps({"delete": {"_id": "b"}}))])
    assert script.came == [["a", "b"]]


def test_an_engine_under_pressure_gets_half_as_much_at_once_after_a_wait() -> None:
    script = Scripted(lambda count, names: (429, {"error": REJECTED, "status": 429}) if count < 3 else done(names))
    waits: list[float] = []
    names = [f"n{n:02}" for n in range(64)]
    with door(script) as port, engine_at(port, waits=waits, chunk=64_000, least_chunk=4_000) as engine:
        Bulk(engine).write(acts(*names, size=1_000))
    assert [len(came) for came in script.came[:3]] == [61, 30, 15]
    assert 0.05 <= waits[0] <= 0.15 < waits[0] + waits[1]
    assert waits[1] >= 0.1
    done_names = [name for came in script.came[2:] for name in came]
    assert done_names == names


def test_a_request_has_so_many_bytes_at_most_and_a_document_is_never_cut() -> None:
    script = Scripted(lambda _, names: done(names))
    names = [f"n{n:02}" for n in range(40)]
    with door(script) as port, engine_at(port, chunk=10_000) as engine:
        Bulk(engine).write([*acts(*names, size=1_000), *acts("large", size=50_000), *acts("last")])
    assert [name for came in script.came for name in came] == [*names, "large", "last"]
    assert [size for size, came in zip(script.sizes, script.came, strict=True) if "large" not in came] == [
        size for size in script.sizes if size <= 10_000
    ]


def test_pressure_without_end_has_an_end() -> None:
    script = Scripted(lambda _, names: {name: (429, {"error": REJECTED}) for name in names})
    with (
        door(script) as port,
        engine_at(port, write=0.5, longest_wait=0.3) as engine,
        pytest.raises(IndexUnavailable, match="keep up"),
    ):
        Bulk(engine).write(acts("a"))
    assert len(script.came) > 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_full_disk_is_told_at_once(status: int) -> None:
    script = Scripted(lambda _, names: done(names) | {"b": (status, {"error": FULL})})
    waits: list[float] = []
    with (
        door(script) as port,
        engine_at(port, waits=waits) as engine,
        pytest.raises(IndexUnavailable, match="disk is too full"),
    ):
        Bulk(engine).write(acts("a", "b"))
    assert (len(script.came), waits) == (1, [])


def test_a_request_refused_whole_for_a_full_disk_is_told_at_once() -> None:
    with (
        door(Scripted(lambda *_: (403, {"error": FULL, "status": 403}))) as port,
        engine_at(port) as engine,
        pytest.raises(IndexUnavailable, match="disk is too full"),
    ):
        Bulk(engine).write(acts("a"))


def test_a_document_the_engine_never_takes_is_told_without_its_words() -> None:
    refusal = {"error": {"type": "mapper_parsing_exception", "reason": "secret words"}}
    with (
        door(Scripted(lambda _, names: done(names) | {"a": (400, refusal)})) as port,
        engine_at(port) as engine,
        pytest.raises(IndexUnavailable, match="mapper_parsing_exception") as told,
    ):
        Bulk(engine).write(acts("a"))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "welcome", "told"),
    [
        (200, {"version": {"number": "8.15.0", "build_flavor": "default"}}, "is not OpenSearch"),
        (200, {"version": {"number": "1.3.20", "distribution": "opensearch"}}, "OpenSearch 1.3.20"),
        (200, {"version": {"distribution": "opensearch"}}, "of no version"),
        (200, {"version": "3.8.0"}, "is not OpenSearch"),
        (200, {"hello": "world"}, "is not OpenSearch"),
        (200, ["hello"], "does not answer as OpenSearch does"),
        (401, {"error": {"type": "security_exception"}, "status": 401}, "SEARCH_INDEX_USER"),
        (403, {"error": {"type": "security_exception"}, "status": 403}, "rights"),
    ],
)
def test_what_is_no_engine_of_ours_is_refused_in_one_sentence(status: int, welcome: Any, told: str) -> None:
    with (
        door(lambda _: said(status, welcome)) as port,
        engine_at(port) as engine,
        pytest.raises(IndexUnfit, match=told) as refused,
    ):
        engine.ask("GET", "/records")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("version", ["2.0.0", "2.19.1", "3.8.0", "10.0.0"])
def test_every_version_from_the_oldest_on_is_taken_and_asked_for_once(version: str) -> None:
    came: list[str] = []

    def answer(asked: Asked) -> tuple[int, bytes]:
        came.append(asked.path)
        return said(200, {"version": {"distribution": "opensearch", "number": version}})

    with door(answer) as port, engine_at(port) as engine:
        engine.ask("GET", "/a")
        engine.ask("GET", "/b")
    assert came == ["/", "/a", "/b"]


def test_a_question_is_tried_again_a_few_times_and_once_only_while_the_engine_is_down() -> None:
    came: list[str] = []
    is_up: list[bool] = []

    def answer(asked: Asked) -> tuple[int, bytes]:
        if asked.path == "/":
            return said(200, WELCOME)
        came.append(asked.path)
        return said(200, {}) if is_up else said(503, {"error": {"type": "x"}, "status": 503})

    with door(answer) as port, engine_at(port) as engine:
        for path in ("/first", "/second"):
            with pytest.raises(IndexUnavailable, match="not ready"):
                engine.ask("GET", path)
        is_up.append(True)
        engine.ask("GET", "/third")
    assert came == ["/first"] * 3 + ["/second", "/third"]


def test_an_answer_that_is_no_json_is_told() -> None:
    with door(lambda _: (200, b"<html>")) as port, engine_at(port) as engine, pytest.raises(IndexUnavailable):
        engine.ask("GET", "/a")
