"""A home as staff use it: commands run as they type them, with their JSON answers; the replay engine reads."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import stack
from sqlalchemy import Engine

from archive.stores.port import ObjectStore

SOHOA = str(Path(sys.executable).with_name("sohoa"))
QUICK = {"INGEST_SETTLE_SECONDS": "0", "INGEST_HEARTBEAT_SECONDS": "5"}


@dataclass(frozen=True)
class Answer:
    """What one command did: exit code, JSON document (None without one), and what it told people."""

    code: int
    document: Any
    told: str


@dataclass(frozen=True)
class TestHome:
    """An archive in a folder of its own. recordings: what the replay engine reads; None: the real engine."""

    __test__ = False

    folder: Path
    recordings: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def nowhere(cls, folder: Path) -> "TestHome":
        """Return a place without an archive and without settings that name one, on any stack."""
        return cls(folder, settings={"ARCHIVE_DATABASE_URL": f"sqlite:///{folder}/archive.db"})

    @property
    def environment(self) -> dict[str, str]:
        """The environment a command runs in; everything of the caller's that could change it is left out."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        engine = {"OCR_ENGINE_URL": f"replay:{self.recordings}?log={self.log}"} if self.recordings else {}
        # What names its own database names its own everything.
        parts = {} if "ARCHIVE_DATABASE_URL" in self.settings else stack.environment_for(self.folder)
        return {**kept, "SOHOA_HOME": str(self.folder), **QUICK, **engine, **parts, **self.settings}

    @property
    def log(self) -> Path:
        """One line per page the replay engine was asked to read."""
        return self.folder.parent / f"{self.folder.name}.log"

    def run(self, *arguments: str, drill: str | None = None) -> Answer:
        """Run `sohoa` in a process group of its own. drill: a failpoint, `place:count:group`."""
        if self.recordings:
            self.log.touch()
        extra = {"SOHOA_DRILL": "kill-me", "SOHOA_FAILPOINT": drill} if drill else {}
        done = subprocess.run(
            [SOHOA, *arguments],
            env={**self.environment, **extra},
            capture_output=True,
            text=True,
            start_new_session=True,
            check=False,
        )
        document = json.loads(done.stdout) if "--json" in arguments and done.stdout else None
        return Answer(done.returncode, document, done.stderr)

    def ask(self, *arguments: str) -> Any:
        """Run a command that must do its work, and return its JSON document."""
        answer = self.run(*arguments, "--json")
        assert answer.code == 0, answer.told
        return answer.document

    def start(self, *arguments: str, told: Path | None = None) -> "subprocess.Popen[str]":
        """Start a command in a process group of its own, to be killed.

        told: the file that its log goes to; without it a pipe, which holds up who writes more than 64 kB into it.
        """
        self.log.touch()
        with told.open("a") if told is not None else nullcontext(subprocess.PIPE) as stderr:
            return subprocess.Popen(
                [SOHOA, *arguments],
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )

    def engine(self) -> Engine:
        """Open its catalogue, to look or to break something."""
        return stack.known_engine(self.folder)

    def store(self) -> ObjectStore:
        """Open its archive store."""
        return stack.new_store(self.folder)

    def staging(self) -> ObjectStore:
        """Open its staging store."""
        return stack.new_staging(self.folder)

    def record_numbered(self, code_number: str) -> str:
        """Return the id of the record with this code number."""
        listed = self.ask("record", "list")["records"]
        return next(str(one["record"]) for one in listed if one["number"].split("/")[0] == code_number)

    def read_log(self) -> list[str]:
        """Return the digests of the pages read so far, in order."""
        return self.log.read_text().split()

    def copy(self, folder: Path) -> "TestHome":
        """Return an equal home elsewhere."""
        shutil.copytree(self.folder, folder)
        stack.copy_parts(self.folder, folder)
        twin = TestHome(folder, self.recordings, self.settings)
        if self.recordings:
            shutil.copy(self.log, twin.log)
        return twin

    def faults(self) -> set[str]:
        """Return the faults `doctor` names."""
        answer = self.run("doctor", "--json")
        assert answer.code == (0 if answer.document["ok"] else 3), answer.told
        return {finding["fault"] for finding in answer.document["findings"]}


def write_manifest(folder: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write manifest.csv with the columns the rows use, `file` first."""
    columns = list(dict.fromkeys(["file", *(name for row in rows for name in row)]))
    lines = [",".join(columns)]
    lines += [",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows]
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
