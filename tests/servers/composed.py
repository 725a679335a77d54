"""The compose file's engines without containers: the file's own commands, settings and secrets, on free ports.

What a container would give is put in place by rewriting: `postgres:5432` becomes an address of loopback, and
`/run/secrets` a folder. OpenSearch is the one that all tests share, with a prefix of its own.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers import shared
from servers.minio import Minio
from servers.minio import _ready as minio_answers
from servers.postgres import BIN, Postgres
from servers.program import HOST, as_user, binary, give
from servers.rabbitmq import RabbitMq

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/bin:/bin"


def load_project(*over: Path) -> dict[str, Any]:
    """Return the compose file as the tool loads it. over: files that say more, or otherwise."""
    install = ROOT / "tests/deploy/install.sh"
    loader = subprocess.run(["bash", install], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run([loader, ROOT / "docker-compose.yml", *over], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


class ComposedPostgres(Postgres):
    """PostgreSQL as the service `postgres` says; it asks for the password that lies in the secret."""

    def __init__(self, folder: Path, service: dict[str, Any], password: Path) -> None:
        super().__init__(folder)
        self._rush = service["command"][1:]
        self._environment = service["environment"]
        self._password = password

    def start(self) -> "ComposedPostgres":
        if not (self.data / "PG_VERSION").exists():
            copy = self.folder / "password"  # the secrets' folder is its owner's alone
            copy.write_text(self._password.read_text())
            give(self.folder, "postgres")
            subprocess.run(
                [
                    *as_user("postgres"),
                    str(BIN / "initdb"),
                    f"--pgdata={self.data}",
                    f"--username={self._environment['POSTGRES_USER']}",
                    f"--pwfile={copy}",
                    *self._environment["POSTGRES_INITDB_ARGS"].split(),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        super().start()
        return self

    def make_database(self) -> None:
        """Make the database that the image makes at its first start."""
        name, user = self._environment["POSTGRES_DB"], self._environment["POSTGRES_USER"]
        made = [str(BIN / "createdb"), "-h", HOST, "-p", str(self.port), "-U", user, name]
        subprocess.run(made, check=True, env={"PGPASSWORD": self._password.read_text().strip()})


class ComposedMinio(Minio):
    """MinIO started by the command of the service `silo`, its root's name and password read from the secrets."""

    def __init__(self, folder: Path, service: dict[str, Any], secrets: Path) -> None:
        super().__init__(folder)
        self._service = service
        self._secrets = secrets

    def start(self) -> "ComposedMinio":
        (self.folder / "certs").mkdir(exist_ok=True)
        places = {"/data": str(self.folder / "data"), ":9000": f"{HOST}:{self.port}"}
        command = [places.get(word, word) for word in self._service["command"]]
        environment = {
            name: in_secrets(value, self._secrets) for name, value in self._service["environment"].items()
        }
        self.launch(
            [str(binary("bin/minio")), *command, "--certs-dir", str(self.folder / "certs")],
            environment={"HOME": str(self.folder), "PATH": SYSTEM_PATH, "MINIO_CI_CD": "1", **environment},
            ready=lambda: minio_answers(f"{self.endpoint}/minio/health/ready"),
        )
        return self


class ComposedRabbitMq(RabbitMq):
    """RabbitMQ with the file of settings the service `rabbitmq` is given, and the one that holds its password."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        super().__init__(folder)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {HOST}:{self.port}\n"
            + (ROOT / "deploy/rabbitmq.conf").read_text(encoding="utf-8")
            + (secrets / "broker_password.conf").read_text()
        )


def in_secrets(value: str, secrets: Path) -> str:
    """Return a setting with the places of secrets in a folder; anything else as it is."""
    place = value.removeprefix("/run/secrets/")
    return value if place == value else str(secrets / f"{place}.txt")


@dataclass(frozen=True)
class Composed:
    """The engines of one start, and the folders that stand for the volumes."""

    project: dict[str, Any]
    folder: Path
    postgres: ComposedPostgres
    minio: ComposedMinio
    rabbitmq: ComposedRabbitMq
    prefix: str

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environment(self, service: str) -> dict[str, str]:
        """Return a service's own variables, rewritten for this machine and changed in nothing else."""
        addresses = {
            "postgres:5432": f"{HOST}:{self.postgres.port}",
            "silo:9000": f"{HOST}:{self.minio.port}",
            "rabbitmq:5672": f"{HOST}:{self.rabbitmq.port}",
            "opensearch:9200/records": f"{HOST}:{shared.opensearch().port}/{self.prefix}",
            "/run/sohoa-keys": str(self.folder / "keys"),
            "/var/lib/sohoa": str(self.home),
        }
        given = {}
        for name, value in self.project["services"][service]["environment"].items():
            text = in_secrets(value, self.secrets)
            for before, after in addresses.items():
                text = text.replace(before, after)
            given[name] = text
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **given, "INGEST_SCRATCH": str(self.folder / f"scratch-{service}")}

    def command(self, service: str) -> list[str]:
        """Return a service's command; the interface on any free port of loopback."""
        places = {"0.0.0.0": HOST, "8000": "0", "/run/sohoa-keys": str(self.folder / "keys")}
        return [places.get(word, word) for word in self.project["services"][service]["command"]]


@contextmanager
def composed(prefix: str) -> Iterator[Composed]:
    """Make the secrets and bring the engines up; end them with all they kept. prefix: of the indices."""
    project = load_project()
    services = project["services"]
    # Not in pytest's own folder: each run that starts shuts it to all other users, and servers are other users.
    with tempfile.TemporaryDirectory(prefix="sohoa-composed-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        secrets = folder / "secrets"
        make = ["bash", ROOT / "scripts/make_secrets.sh", secrets]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        for name in ("home", "keys"):
            (folder / name).mkdir()
        password = secrets / "database_password.txt"
        with ExitStack() as stack:
            postgres = ComposedPostgres(folder / "postgres", services["postgres"], password)
            minio = ComposedMinio(folder / "silo", services["silo"], secrets)
            rabbitmq = ComposedRabbitMq(folder / "rabbitmq", secrets)
            for server in (postgres, minio, rabbitmq):
                stack.callback(server.remove)
            postgres.start()
            postgres.make_database()
            minio.start()
            rabbitmq.start()
            yield Composed(project, folder, postgres, minio, rabbitmq, prefix)
