"""Toxiproxy: a network between us and a server that can be cut, slowed or made a black hole."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from uuid import uuid4

from servers.program import HOST, Program, binary, free_port


class Toxiproxy(Program):
    """One proxy process that stands before any number of servers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)

    def start(self) -> "Toxiproxy":
        self.launch(
            [str(binary("bin/server")), "-host", HOST, "-port", str(self.port)],
            environment={"PATH": "/usr/bin:/bin"},
            ready=self._ready,
        )
        return self

    def _ready(self) -> bool:
        try:
            self.ask("GET", "/version")
        except OSError:
            return False
        return True

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"User-Agent": "tests"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith((b"{", b"[")) else None

    def before(self, port: int) -> "Line":
        """Return a line to the server on a port, whole so far."""
        listen, name = free_port(), f"l-{uuid4().hex[:8]}"
        self.ask(
            "POST",
            "/proxies",
            {"name": name, "listen": f"{HOST}:{listen}", "upstream": f"{HOST}:{port}", "enabled": True},
        )
        return Line(self, name, listen)


class Line:
    """One line through the proxy; port: where it listens."""

    def __init__(self, proxy: Toxiproxy, name: str, port: int) -> None:
        self._proxy, self._name, self.port = proxy, name, port

    def black_hole(self) -> None:
        """Take everything and answer nothing, both ways; connections stay open."""
        for stream in ("upstream", "downstream"):
            self._add("timeout", stream, timeout=0)

    def cut_after(self, count: int) -> None:
        """Close the connection after so many bytes towards the server."""
        self._add("limit_data", "upstream", bytes=count)

    def delay(self, milliseconds: int) -> None:
        """Slow every answer down."""
        self._add("latency", "downstream", latency=milliseconds)

    def refuse(self) -> None:
        """Refuse connections, and close those there are."""
        self._proxy.ask("POST", f"/proxies/{self._name}", {"enabled": False})

    def heal(self) -> None:
        """Be a plain line again."""
        self._proxy.ask("POST", f"/proxies/{self._name}", {"enabled": True})
        for toxic in self._proxy.ask("GET", f"/proxies/{self._name}/toxics"):
            self._proxy.ask("DELETE", f"/proxies/{self._name}/toxics/{toxic['name']}")

    def _add(self, kind: str, stream: str, **attributes: int) -> None:
        self._proxy.ask(
            "POST",
            f"/proxies/{self._name}/toxics",
            {"name": f"{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes},
        )
