"""PostgreSQL: the catalogue's database in production."""

import subprocess
from pathlib import Path
from uuid import uuid4

from servers.program import HOST, Program, answers, as_user, give

BIN = Path("/usr/lib/postgresql/15/bin")


class Postgres(Program):
    """One cluster that trusts its loopback."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        self._rush = ["-c", "fsync=off", "-c", "full_page_writes=off"]

    def durable(self) -> "Postgres":
        """Let it sync to disk, as in production: what kills a server must not find it rushing."""
        self._rush = []
        return self

    def start(self) -> "Postgres":
        if not (self.data / "PG_VERSION").exists():
            give(self.folder, "postgres")
            subprocess.run(
                [
                    *as_user("postgres"),
                    str(BIN / "initdb"),
                    "-D",
                    str(self.data),
                    "-A",
                    "trust",
                    "-E",
                    "UTF8",
                    "--no-locale",
                    "-U",
                    "sohoa",
                    "--no-instructions",
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        command = [
            *as_user("postgres"),
            str(BIN / "postgres"),
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            "-c",
            f"listen_addresses={HOST}",
            "-c",
            f"unix_socket_directories={self.folder}",
            "-c",
            "max_connections=300",
            *self._rush,
        ]
        self.launch(command, environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, ready=self._ready)
        return self

    def _ready(self) -> bool:
        if not answers(self.port):
            return False
        asked = [str(BIN / "pg_isready"), "-h", HOST, "-p", str(self.port), "-U", "sohoa", "-d", "postgres"]
        return subprocess.run(asked, stdout=subprocess.DEVNULL, check=False).returncode == 0

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://sohoa@{HOST}:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as its superuser and return what psql prints."""
        return subprocess.run(
            [
                str(BIN / "psql"),
                "-qAt",
                "-h",
                HOST,
                "-p",
                str(self.port),
                "-U",
                "sohoa",
                "-d",
                database,
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def new_database(self, *, like: str | None = None) -> str:
        """Make an empty database, or a copy of another that nobody is connected to, and return its name."""
        name = f"t_{uuid4().hex[:16]}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else ""))
        return name

    def drop(self, database: str) -> None:
        """Remove a database with whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
