"""Indices of the tests in the shared OpenSearch: each test has a prefix of its own and leaves nothing behind."""

from servers.shared import opensearch


def remove_indices(prefix: str) -> None:
    """Delete every index and template of a prefix."""
    for index in opensearch().ask("GET", f"/_cat/indices/{prefix}-*?format=json"):
        opensearch().ask("DELETE", f"/{index['index']}")
    opensearch().ask("DELETE", f"/_index_template/{prefix}-pages")
