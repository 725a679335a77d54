"""Servers of one test's own, to be killed, hung, wiped and cut off, each behind a line that can be broken."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from servers import shared
from servers.minio import Minio
from servers.opensearch import OpenSearch
from servers.postgres import Postgres
from servers.program import HOST, Program
from servers.rabbitmq import RabbitMq
from servers.toxiproxy import Line, Toxiproxy

Name = Literal["postgres", "minio", "rabbitmq", "opensearch"]


@dataclass(frozen=True)
class OwnServers:
    """A database, a store and a broker of its own, and an engine, its own or the shared one, behind lines."""

    postgres: Postgres
    minio: Minio
    rabbitmq: RabbitMq
    opensearch: OpenSearch | None
    toxiproxy: Toxiproxy
    lines: dict[Name, Line]

    @classmethod
    def start(cls, folder: Path, *, opensearch: bool = False) -> "OwnServers":
        """Bring them up in a folder that every user of the machine may enter.

        opensearch: with an engine of its own, which takes half a minute; the others use the shared one.
        """
        folder.chmod(0o755)
        postgres = Postgres(folder / "postgres").durable().start()
        minio = Minio(folder / "minio").start()
        rabbitmq = RabbitMq(folder / "rabbitmq").start()
        engine = OpenSearch(folder / "opensearch").start() if opensearch else None
        toxiproxy = Toxiproxy(folder / "toxiproxy").start()
        lines: dict[Name, Line] = {
            "postgres": toxiproxy.before(postgres.port),
            "minio": toxiproxy.before(minio.port),
            "rabbitmq": toxiproxy.before(rabbitmq.port),
            "opensearch": toxiproxy.before((engine or shared.opensearch()).port),
        }
        return cls(postgres, minio, rabbitmq, engine, toxiproxy, lines)

    def restart(self, name: Name, *, after_seconds: float) -> None:
        """Kill a server that is this test's own, and start it again with the same data after a while."""
        server: Program
        start: Callable[[], object]
        if name == "opensearch":
            assert self.opensearch is not None
            server, start = self.opensearch, self.opensearch.start
        else:
            own = {"postgres": self.postgres, "minio": self.minio, "rabbitmq": self.rabbitmq}
            server, start = own[name], own[name].start
        server.kill()
        time.sleep(after_seconds)
        start()

    def settings(self, *, database: str, bucket: str, prefix: str) -> dict[str, str]:
        """Return the settings of a home that reaches all of them through their lines."""
        at = {name: f"{HOST}:{line.port}" for name, line in self.lines.items()}
        endpoint = f"endpoint=http://{at['minio']}"
        keys = {"ACCESS_KEY": self.minio.user, "SECRET_KEY": self.minio.password}
        return {
            "ARCHIVE_DATABASE_URL": f"postgresql+psycopg://sohoa@{at['postgres']}/{database}",
            "ARCHIVE_STORE_URL": f"s3://{bucket}?{endpoint}&lock=compliance",
            "INGEST_STAGING_URL": f"s3://{bucket}-staging?{endpoint}&lock=none",
            "SEARCH_INDEX_URL": f"opensearch://{at['opensearch']}/{prefix}?tls=off",
            "INGEST_BROKER_URL": f"amqp://{self.rabbitmq.user}@{at['rabbitmq']}/",
            "INGEST_BROKER_PASSWORD": self.rabbitmq.password,
            **{f"ARCHIVE_STORE_{name}": value for name, value in keys.items()},
            **{f"ARCHIVE_STORE_ADMIN_{name}": value for name, value in keys.items()},
            **{f"INGEST_STAGING_{name}": value for name, value in keys.items()},
        }

    def close(self) -> None:
        """End them and remove what they kept."""
        if self.opensearch is not None:
            self.opensearch.remove()
        for server in (self.toxiproxy, self.rabbitmq, self.minio, self.postgres):
            server.remove()
