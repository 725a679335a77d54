"""MinIO: the object store with locks that production names."""

import urllib.request
from pathlib import Path

from servers.program import HOST, Program, binary


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Minio(Program):
    """One MinIO with one disk. user, password: its root."""

    user = "sohoa-root"
    password = "sohoa-root-secret"

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> "Minio":
        certificates = self.folder / "certs"
        certificates.mkdir(exist_ok=True)
        command = [
            str(binary("bin/minio")),
            "server",
            "--quiet",
            "--address",
            f"{HOST}:{self.port}",
            "--certs-dir",
            str(certificates),
            str(self.folder / "data"),
        ]
        environment = {
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
            "MINIO_ROOT_USER": self.user,
            "MINIO_ROOT_PASSWORD": self.password,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "MINIO_CI_CD": "1",
            "GOMAXPROCS": "2",
        }
        self.launch(command, environment=environment, ready=lambda: _ready(f"{self.endpoint}/minio/health/ready"))
        return self


class Versity(Program):
    """versitygw over a folder: a second store with locks, and defects of its own that must not hurt us."""

    user = "sohoa-root"
    password = "sohoa-root-secret"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in ("objects", "versions"):
            (folder / name).mkdir(exist_ok=True)

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> "Versity":
        command = [
            str(binary("bin/versitygw")),
            "--port",
            f"{HOST}:{self.port}",
            "--health",
            "/health",
            "--quiet",
            "--iam-dir",
            str(self._iam()),
            "posix",
            "--versioning-dir",
            str(self.folder / "versions"),
            str(self.folder / "objects"),
        ]
        environment = {
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
            "ROOT_ACCESS_KEY": self.user,
            "ROOT_SECRET_KEY": self.password,
            "GOMAXPROCS": "2",
        }
        self.launch(command, environment=environment, ready=lambda: _ready(f"{self.endpoint}/health"))
        return self

    def _iam(self) -> Path:
        folder = self.folder / "iam"
        folder.mkdir(exist_ok=True)
        return folder
