"""Servers of one test's own, to be killed, hung, wiped and cut off, each behind a line that can be broken."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from servers import shared
from servers.minio import Minio
from servers.postgres import Postgres
from servers.program import HOST, Program
from servers.rabbitmq import RabbitMq
from servers.toxiproxy import Line, Toxiproxy

Name = Literal["postgres", "minio", "rabbitmq", "opensearch"]


@dataclass(frozen=True)
class OwnServers:
    """A database, a store and a broker of its own, and the shared engine behind a line of its own."""

    postgres: Postgres
    minio: Minio
    rabbitmq: RabbitMq
    toxiproxy: Toxiproxy
    lines: dict[Name, Line]

    @classmethod
    def start(cls, folder: Path) -> "OwnServers":
        """Bring them up in a folder that every user of the machine may enter."""
        folder.chmod(0o755)
        postgres = Postgres(folder / "postgres").durable().start()
        minio = Minio(folder / "minio").start()
        rabbitmq = RabbitMq(folder / "rabbitmq").start()
        toxiproxy = Toxiproxy(folder / "toxiproxy").start()
        lines: dict[Name, Line] = {
            "postgres": toxiproxy.before(postgres.port),
            "minio": toxiproxy.before(minio.port),
            "rabbitmq": toxiproxy.before(rabbitmq.port),
            "opensearch": toxiproxy.before(shared.opensearch().port),
        }
        return cls(postgres, minio, rabbitmq, toxiproxy, lines)

    def server(self, name: Name) -> Program:
        """Return one of the servers that are this test's own."""
        own: dict[str, Program] = {"postgres": self.postgres, "minio": self.minio, "rabbitmq": self.rabbitmq}
        return own[name]

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
        for server in (self.toxiproxy, self.rabbitmq, self.minio, self.postgres):
            server.remove()
