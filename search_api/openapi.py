"""The description of the interface: error answers in problem+json for each operation, and a page that shows it.

The page is made here from the description and needs nothing from outside.
"""

import re
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from search_api.problem_words import sentence
from search_api.problems import MEDIA_TYPE, STATUS_OF

PREFIX = "/api/v1"
_REF = {"$ref": "#/components/schemas/Problem"}
_EVERYWHERE = ("values-invalid", "too-many-requests", "internal-error")
_METHODS = ("get", "post", "delete")

# (operation, status): (parameter, where its value stands in the answer, operations that take it)
_LINKS: dict[tuple[str, str], tuple[str, str, tuple[str, ...]]] = {
    ("records.find", "200"): (
        "record",
        "/hits/0/record",
        ("records.show_record", "records.show_file", "records.show_package", "records.add_effect"),
    ),
    ("copies.ask", "201"): ("copy", "/copy/serial", ("copies.show", "copies.fetch", "copies.revoke")),
    ("copies.ask", "202"): ("copy", "/id", ("copies.show", "copies.approve", "copies.refuse")),
    ("copies.list_all", "200"): ("copy", "/requests/0/id", ("copies.show", "copies.fetch")),
    ("principals.add", "201"): (
        "login",
        "/login",
        ("principals.add_key", "principals.delete_keys", "principals.disable"),
    ),
    ("batches.add_batch", "202"): ("job", "/job", ("jobs.show_job",)),
    ("batches.list_batches", "200"): (
        "batch",
        "/batches/0/batch",
        ("batches.show_batch", "batches.show_receipt", "batches.accept"),
    ),
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. A program decides by `type`, `urn:sohoa:problem:<slug>`; people read the rest.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:sohoa:problem:[a-z-]+$"},
        "title": {"type": "string", "description": "Vietnamese, or English by Accept-Language."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "pattern": "^urn:sohoa:request:.+$"},
        "reason": {"type": "string"},
        "rule": {"type": "string", "description": "Name of the rule that forbids."},
        "citation": {"type": "string", "description": "Where the rule is written."},
        "field": {"type": "string"},
        "position": {"type": "integer"},
        "row": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["in", "pointer", "detail"],
                "properties": {
                    "in": {"type": "string"},
                    "pointer": {"type": "string", "description": "RFC 6901"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def problems_declared(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """Return the error answers an operation declares, by status, with an example of each slug."""
    grouped: dict[int, list[str]] = {}
    bodies = ("bad-request", "body-too-large") if "json-invalid" in slugs else ()
    for slug in dict.fromkeys((*slugs, *bodies, *_EVERYWHERE)):
        grouped.setdefault(STATUS_OF[slug], []).append(slug)
    return {
        status: {
            "description": " ".join(sentence(slug, "en") for slug in named),
            "content": {MEDIA_TYPE: {"schema": _REF, "examples": {slug: _example(slug) for slug in named}}},
        }
        for status, named in sorted(grouped.items())
    }


def _example(slug: str) -> dict[str, Any]:
    said = sentence(slug, "vi")
    return {
        "value": {
            "type": f"urn:sohoa:problem:{slug}",
            "title": said,
            "status": STATUS_OF[slug],
            "detail": said,
            "instance": "urn:sohoa:request:k3v7t2m5x4n6b8c9d1f2g3h4j5",
        }
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        _link(made)
        made.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        app.openapi_schema = made
    return app.openapi_schema


def operation_id(route: APIRoute) -> str:
    """Return the name a client's code calls an operation by: its noun and what is done."""
    return f"{route.tags[0]}.{route.name}" if route.tags else route.name


def methods_of(app: FastAPI, path: str) -> str:
    """Return what may be done at a path, as the Allow header says it; empty for an address unknown to the
    description."""
    for template, operations in describe(app)["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            return ", ".join(method.upper() for method in operations)
    return ""


def _link(made: dict[str, Any]) -> None:
    """Say which answers name what other operations ask for."""
    operations = {
        operation["operationId"]: operation for methods in made["paths"].values() for operation in methods.values()
    }
    for (source, status), (parameter, place, targets) in _LINKS.items():
        if source in operations:
            operations[source]["responses"][status]["links"] = {
                target.replace(".", "-"): {
                    "operationId": target,
                    "parameters": {parameter: f"$response.body#{place}"},
                }
                for target in targets
                if target in operations
            }


def page_of(description: dict[str, Any]) -> str:
    """Return the description as one HTML page."""
    rows = "\n".join(
        _operation(path, method.upper(), operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    )
    info = description["info"]
    return f"""<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; color: #1b1b1b }}
section {{ border-top: 1px solid #ccc; padding: .5rem 0 }} h2 {{ font-size: 1rem; font-family: monospace }}
table {{ border-collapse: collapse }} td {{ padding: .1rem .8rem .1rem 0; vertical-align: top }}
code {{ background: #f2f2f2; padding: 0 .2rem }}</style></head><body>
<h1>{escape(info["title"])} {escape(info["version"])}</h1><p>{escape(info.get("description", ""))}</p>
<p>OpenAPI 3.1: <a href="openapi.json">openapi.json</a></p>
{rows}
</body></html>"""


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    )
    answers = "".join(
        f"<tr><td><code>{escape(str(status))}</code></td><td>{escape(one.get('description', ''))}</td></tr>"
        for status, one in operation.get("responses", {}).items()
    )
    key = "" if operation.get("security") else " (không cần khóa / no key needed)"
    return (
        f"<section><h2>{method} {escape(path)}</h2><p>{escape(operation.get('summary', ''))}{key}</p>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        f"<table>{parameters}</table><table>{answers}</table></section>"
    )
