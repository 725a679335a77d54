"""The servers that a whole run of the tests shares: started once, found by every process, stopped by name.

    python -m servers.shared start | stop | show | env

They live in a private folder under the system's temporary one, named after this checkout; who starts them leaves
a note of ports and pids there. A test that kills or breaks a server brings up one of its own instead.
SOHOA_TEST_SERVERS=docker: those of the compose file run in containers (servers.contained).
"""

import argparse
import fcntl
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from servers import contained
from servers.minio import Minio, Versity
from servers.opensearch import OpenSearch
from servers.postgres import Postgres
from servers.program import ServerFailed, answers
from servers.rabbitmq import RabbitMq
from servers.toxiproxy import Toxiproxy

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(tempfile.gettempdir()) / f"sohoa-servers-{sha256(str(CHECKOUT).encode()).hexdigest()[:12]}"
NOTE = "servers.json"
KINDS = {
    "postgres": Postgres,
    "minio": Minio,
    "versity": Versity,
    "rabbitmq": RabbitMq,
    "toxiproxy": Toxiproxy,
    "opensearch": OpenSearch,
}


@contextmanager
def _alone() -> Iterator[None]:
    FOLDER.mkdir(exist_ok=True)
    FOLDER.chmod(0o755)
    with (FOLDER / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _noted() -> dict[str, dict[str, Any]]:
    try:
        noted: dict[str, dict[str, Any]] = json.loads((FOLDER / NOTE).read_text())
    except FileNotFoundError:
        return {}
    return noted


def _runs(noted: dict[str, Any]) -> bool:
    lives = noted["pid"] is None or Path(f"/proc/{noted['pid']}").exists()  # one in a container has no pid here
    return lives and answers(noted["port"])


def start() -> None:
    """Start what does not run yet; safe to repeat and to race. Raises ServerFailed."""
    with _alone():
        noted = _noted()
        if contained.wanted() and not all(name in noted and _runs(noted[name]) for name in contained.SERVICES):
            _stop(noted)
            noted = {
                name: {"pid": None, "port": port, "state": {"port": port}}
                for name, port in contained.start(FOLDER).items()
            }
            (FOLDER / NOTE).write_text(json.dumps(noted, indent=1))
        for name, kind in KINDS.items():
            if name in noted and _runs(noted[name]):
                continue
            folder = FOLDER / name
            shutil.rmtree(folder, ignore_errors=True)
            server = kind(folder)
            server.start()  # type: ignore[attr-defined]  # each kind has it
            state = {k: v for k, v in vars(server).items() if k not in ("folder", "_process", "_mapper")}
            extra = {"mapper": server._mapper.pid} if isinstance(server, RabbitMq) and server._mapper else {}
            noted[name] = {
                "pid": server.pid,
                "port": server.port,
                **extra,
                "state": {k: str(v) if isinstance(v, Path) else v for k, v in state.items()},
            }
            (FOLDER / NOTE).write_text(json.dumps(noted, indent=1))


def stop() -> None:
    """Stop them all and remove what they kept."""
    with _alone():
        _stop(_noted())
    shutil.rmtree(FOLDER, ignore_errors=True)


def _stop(noted: dict[str, dict[str, Any]]) -> None:
    contained.stop(FOLDER)
    for one in noted.values():
        for pid in (one["pid"], one.get("mapper")):
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


@cache
def _shared(name: str) -> Any:
    noted = _noted().get(name)
    if noted is None or not _runs(noted):
        raise ServerFailed(f"{name} does not run: run `make servers`")
    kind = contained.KINDS[name] if noted["pid"] is None else KINDS[name]
    server = kind.__new__(kind)
    for key, value in noted["state"].items():
        setattr(server, key, value)
    server.folder = FOLDER / name
    if name == "postgres":
        server.data = FOLDER / name / "data"
    return server


def postgres() -> Postgres:
    """Return the shared PostgreSQL. Raises ServerFailed, as the others."""
    return _shared("postgres")  # type: ignore[no-any-return]


def minio() -> Minio:
    """Return the shared MinIO."""
    return _shared("minio")  # type: ignore[no-any-return]


def versity() -> Versity:
    """Return the shared versitygw."""
    return _shared("versity")  # type: ignore[no-any-return]


def opensearch() -> OpenSearch:
    """Return the shared OpenSearch."""
    return _shared("opensearch")  # type: ignore[no-any-return]


def rabbitmq() -> RabbitMq:
    """Return the shared RabbitMQ."""
    return _shared("rabbitmq")  # type: ignore[no-any-return]


def toxiproxy() -> Toxiproxy:
    """Return the shared Toxiproxy."""
    return _shared("toxiproxy")  # type: ignore[no-any-return]


def exports() -> str:
    """Return shell lines that point a home at these servers: to a database, buckets, and indices of its own."""
    database, vhost = postgres().new_database(), rabbitmq().new_vhost()
    store, keys = minio(), (minio().user, minio().password)
    settings = {
        "ARCHIVE_DATABASE_URL": postgres().url(database),
        "ARCHIVE_STORE_URL": f"s3://{database.replace('_', '-')}?endpoint={store.endpoint}&lock=compliance",
        "INGEST_STAGING_URL": f"s3://{database.replace('_', '-')}-staging?endpoint={store.endpoint}&lock=none",
        "SEARCH_INDEX_URL": f"opensearch://{opensearch().endpoint.removeprefix('http://')}/{database}?tls=off",
        "INGEST_BROKER_URL": rabbitmq().url(vhost),
        "INGEST_BROKER_PASSWORD": rabbitmq().password,
    }
    for prefix in ("ARCHIVE_STORE", "ARCHIVE_STORE_ADMIN", "INGEST_STAGING"):
        settings |= dict(zip((f"{prefix}_ACCESS_KEY", f"{prefix}_SECRET_KEY"), keys, strict=True))
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("act", choices=("start", "stop", "show", "env"))
    act = parser.parse_args().act
    if act == "start":
        try:
            start()
        except ServerFailed as error:
            print(error, file=sys.stderr)
            return 1
    elif act == "stop":
        stop()
    elif act == "env":
        print(exports())
        return 0
    for name, noted in _noted().items():
        print(f"{name:10} port {noted['port']} pid {noted['pid']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
