"""How a server is started, watched, killed and stopped: as a process group of its own, in a private folder."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import SystemRandom

CACHE = Path(os.environ.get("SOHOA_CACHE") or Path.home() / ".cache" / "sohoa") / "servers"
HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 15_000, 31_999  # below the ports the kernel gives to outgoing connections


class ServerFailed(AssertionError):
    """A server of the tests did not come up: a failure, never a skip."""


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    for _ in range(200):
        port = SystemRandom().randint(FIRST_PORT, LAST_PORT)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
    raise ServerFailed("no free port on loopback")


def answers(port: int) -> bool:
    """Say whether something listens on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def wait_for(what: str, ready: Callable[[], bool], *, seconds: float, alive: Callable[[], bool]) -> None:
    """Wait until a server is ready. Raises ServerFailed if its process ends or the time does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready():
            return
        if not alive():
            break
        time.sleep(0.1)
    raise ServerFailed(f"{what} did not come up; its log is beside its data")


def binary(name: str) -> Path:
    """Return an installed program. Raises ServerFailed when `make servers` has not run."""
    path = CACHE / name
    if not path.exists():
        raise ServerFailed(f"{path} is not there: run `make servers`")
    return path


def as_user(name: str) -> list[str]:
    """Return what stands before a command to run it as an unprivileged user, where we are root."""
    return (
        ["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"]
        if is_root()
        else []
    )


def is_root() -> bool:
    """Say whether the tests run as root: some servers refuse to."""
    return os.geteuid() == 0


def give(folder: Path, name: str) -> None:
    """Give a folder and all in it to a user, where we are root."""
    if is_root():
        subprocess.run(["chown", "-R", f"{name}:", str(folder)], check=True)


class Program:
    """One server process. kill() is kill -9 of its whole group; start() after it goes on with the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def launch(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        ready: Callable[[], bool],
        seconds: float = 60,
    ) -> None:
        """Start the process and wait until it is ready. Raises ServerFailed, a foreign server on the port too."""
        if answers(self.port):
            raise ServerFailed(f"port {self.port} is another's")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        process = self._process
        try:
            wait_for(type(self).__name__, ready, seconds=seconds, alive=lambda: process.poll() is None)
        except ServerFailed as error:
            self.kill()
            told = self.log.read_text(errors="replace")[-2000:]
            raise ServerFailed(f"{error}\n{told}") from None

    def stop(self) -> None:
        """Ask it to end; end it after a while."""
        self._end(signal.SIGTERM, 30)

    def kill(self) -> None:
        """End it at once, with all it started."""
        self._end(signal.SIGKILL, 10)

    def suspend(self) -> None:
        """Let it hang: connections stay, answers do not come."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals, seconds: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for each in (number, signal.SIGKILL):
            try:
                os.killpg(process.pid, each)
            except ProcessLookupError:
                break
            try:
                process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait()

    def remove(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
