"""OpenSearch: the record index of production."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from servers.program import CACHE, HOST, Program, ServerFailed, as_user, binary, free_port, give

VERSION = "3.8.0"


class OpenSearch(Program):
    """One node. It has no security of its own: TLS and credentials stand before it where a test needs them."""

    def __init__(self, folder: Path, *, heap: str = "1g", full_compiler: bool = False) -> None:
        super().__init__(folder)
        self._heap, self._full_compiler = heap, full_compiler
        self._transport = free_port()

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> "OpenSearch":
        top = self.folder / f"opensearch-{VERSION}"
        if not top.exists():
            self._unpack(top)
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "OPENSEARCH_JAVA_HOME": str(self._java_home()),
            "OPENSEARCH_PATH_CONF": str(top / "config"),
            "OPENSEARCH_TMPDIR": str(self.folder / "tmp"),
            "OPENSEARCH_JAVA_OPTS": f"-Xms{self._heap} -Xmx{self._heap} -XX:-AlwaysPreTouch"
            + ("" if self._full_compiler else " -XX:TieredStopAtLevel=1"),
        }
        (self.folder / "tmp").mkdir(exist_ok=True)
        give(self.folder, "nobody")
        self.launch(
            [*as_user("nobody"), str(top / "bin" / "opensearch")],
            environment=environment,
            ready=self._ready,
            seconds=240,
        )
        return self

    def _java_home(self) -> Path:
        return binary("java").resolve().parent.parent

    def _unpack(self, top: Path) -> None:
        archive = CACHE / f"opensearch-{VERSION}.zip"
        if not archive.exists():
            raise ServerFailed(f"{archive} is not there: run `make servers`")
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(self.folder)
        for script in (top / "bin").iterdir():
            script.chmod(0o755)
        (top / "config" / "opensearch.yml").write_text(
            f"cluster.name: sohoa-tests-{self.port}\ndiscovery.type: single-node\nnetwork.host: {HOST}\n"
            f"http.port: {self.port}\ntransport.port: {self._transport}\n"
            f"path.data: {self.folder / 'data'}\npath.logs: {self.folder / 'logs'}\n"
            "cluster.default_number_of_replicas: 0\n"
            "cluster.routing.allocation.disk.threshold_enabled: false\n"
        )
        options = top / "config" / "jvm.options"
        modules = subprocess.run(
            [str(binary("java")), "--list-modules"], capture_output=True, text=True, check=True
        )
        if "jdk.incubator.vector" not in modules.stdout:
            kept = [line for line in options.read_text().splitlines() if "jdk.incubator.vector" not in line]
            options.write_text("\n".join(kept) + "\n")

    def _ready(self) -> bool:
        try:
            return self.ask("GET", "/_cluster/health")["status"] in ("green", "yellow")
        except (OSError, ValueError, KeyError):
            return False

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return its JSON answer, an error's too."""
        request = urllib.request.Request(
            self.endpoint + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        return json.loads(text or b"{}")

    def remove(self) -> None:
        """End it and remove its data and program."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
