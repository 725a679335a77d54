"""The shared servers in containers: the compose file's own engines, each on a free port of loopback.

SOHOA_TEST_SERVERS=docker chooses them when `make servers` starts; Toxiproxy, versitygw and the servers that a test
starts for itself stay local programs. What the tests need otherwise is said in a file over the compose file:
ports, a network that leads out (one that is internal publishes no port), passwords the tests know, and a database
that trusts who asks, as the local one does.

The override and the commands are tested; no container has been run from them, for want of an engine where these
tests are run (CONTRIBUTING.md).
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from servers.minio import Minio
from servers.opensearch import OpenSearch
from servers.postgres import Postgres
from servers.program import HOST, ServerFailed, answers, free_port
from servers.rabbitmq import RabbitMq

ROOT = Path(__file__).resolve().parents[2]
SETTING = "SOHOA_TEST_SERVERS"
OVERRIDE = "compose-of-tests.yml"
# By the names of servers.shared: the compose file's service, and the port it listens on inside.
SERVICES = {
    "postgres": ("postgres", 5432),
    "minio": ("silo", 9000),
    "rabbitmq": ("rabbitmq", 5672),
    "opensearch": ("opensearch", 9200),
}
SECRETS = {
    "database_password.txt": "not-asked-for",
    "store_admin_access_key.txt": Minio.user,
    "store_admin_secret_key.txt": Minio.password,
    "broker_password.txt": RabbitMq.password,
    "broker_password.conf": f"default_pass = {RabbitMq.password}",
}

_OTHERWISE = f"without {SETTING} the same servers run as local programs"


def wanted() -> bool:
    """Say whether the setting asks for containers. Raises ServerFailed for a value it does not know."""
    value = os.environ.get(SETTING) or "local"
    if value not in ("local", "docker"):
        raise ServerFailed(f"{SETTING} knows no {value!r}: local, docker")
    return value == "docker"


def require_engine() -> None:
    """Raise ServerFailed unless `docker` is there, has its compose plugin and reaches a container engine."""
    if shutil.which("docker") is None:
        raise ServerFailed(f"{SETTING}=docker needs the program `docker`, which is not on the path; {_OTHERWISE}")
    for words, what in ((["compose", "version"], "its compose plugin"), (["info"], "a running container engine")):
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"{SETTING}=docker needs {what}: {_first_line(done.stderr)}; {_OTHERWISE}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


class _Contained:
    """What a server in a container has in place of a process: a way to run commands in it."""

    folder: Path
    service: str

    def _inside(self, *words: str) -> "subprocess.CompletedProcess[str]":
        within = command(self.folder.parent, "exec", "-T", self.service, *words)
        return subprocess.run(within, capture_output=True, text=True, check=False)


class ContainedPostgres(_Contained, Postgres):
    """The service `postgres`."""

    service = "postgres"

    def execute(self, statement: str, database: str = "postgres") -> str:
        done = self._inside(
            "psql", "-qAt", "-U", "sohoa", "-d", database, "-v", "ON_ERROR_STOP=1", "-c", statement
        )
        done.check_returncode()
        return done.stdout.strip()


class ContainedRabbitMq(_Contained, RabbitMq):
    """The service `rabbitmq`; its user is the one that deploy/rabbitmq.conf names."""

    service = "rabbitmq"
    user = "sohoa"

    def control(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._inside("rabbitmqctl", "-q", *arguments)


KINDS: dict[str, type] = {
    "postgres": ContainedPostgres,
    "minio": Minio,
    "rabbitmq": ContainedRabbitMq,
    "opensearch": OpenSearch,
}


def command(folder: Path, *words: str) -> list[str]:
    """Return a compose command about the containers of a folder of shared servers. No `.env` is read."""
    files = (ROOT / "docker-compose.yml", folder / OVERRIDE)
    named = [word for file in files for word in ("--file", str(file))]
    at = ["--project-name", folder.name, "--project-directory", str(ROOT), "--env-file", os.devnull]
    return ["docker", "compose", *at, *named, *words]


def start(folder: Path) -> dict[str, int]:
    """Bring all of them up, wait until they are healthy, and return their ports. Raises ServerFailed."""
    require_engine()
    ports = {name: free_port() for name in SERVICES}
    write_override(folder, ports)
    services = [service for service, _ in SERVICES.values()]
    done = subprocess.run(
        command(folder, "up", "--detach", "--wait", *services), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ServerFailed(f"the containers did not come up: {done.stderr.strip()[-2000:]}")
    if silent := sorted(name for name, port in ports.items() if not answers(port)):
        raise ServerFailed(f"the containers are healthy, but no port of loopback leads to {silent[0]}")
    return ports


def stop(folder: Path) -> None:
    """End the containers of a folder with all they kept; nothing when there are none."""
    if (folder / OVERRIDE).exists():
        subprocess.run(command(folder, "down", "--volumes", "--timeout", "10"), capture_output=True, check=True)


def write_override(folder: Path, ports: dict[str, int]) -> Path:
    """Write the file over the compose file, and the secrets it names, and return it. ports: by SERVICES' names."""
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    for name, text in SECRETS.items():
        (secrets / name).write_text(f"{text}\n")
        (secrets / name).chmod(0o644)  # each container reads them as a user of its own
    services: dict[str, dict[str, Any]] = {
        service: {"networks": ["tests"], "ports": [f"{HOST}:{ports[name]}:{inside}"]}
        for name, (service, inside) in SERVICES.items()
    }
    services["postgres"]["environment"] = {"POSTGRES_HOST_AUTH_METHOD": "trust"}
    given = {Path(name).stem: {"file": str(secrets / name)} for name in SECRETS if name.endswith(".txt")}
    given["broker_password_setting"] = {"file": str(secrets / "broker_password.conf")}
    override = folder / OVERRIDE
    # JSON is YAML.
    override.write_text(json.dumps({"services": services, "networks": {"tests": {}}, "secrets": given}, indent=1))
    return override
