"""RabbitMQ: the doorbell of production."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from uuid import uuid4

from servers.program import HOST, Program, answers, as_user, free_port, give

BIN = Path("/usr/lib/rabbitmq/bin")


class RabbitMq(Program):
    """One node with a port mapper of its own, which outlives the node and is ended with it."""

    user = "guest"
    password = "guest"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._dist, self._epmd = free_port(), free_port()
        self._node = f"t{self.port}@localhost"
        self._mapper: subprocess.Popen[bytes] | None = None
        (folder / "home").mkdir(exist_ok=True)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {HOST}:{self.port}\n"
            "raft.wal_max_size_bytes = 67108864\nloopback_users.guest = false\n"
            "vm_memory_high_watermark.absolute = 1GB\n"
            "disk_free_limit.absolute = 50MB\nconsumer_timeout = 1800000\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")

    @property
    def _environment(self) -> dict[str, str]:
        at = self.folder
        return {
            "PATH": "/usr/sbin:/usr/bin:/bin",
            "HOME": str(at / "home"),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(at / "mnesia"),
            "RABBITMQ_LOG_BASE": str(at / "logs"),
            "RABBITMQ_PID_FILE": str(at / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def start(self) -> "RabbitMq":
        for name in ("mnesia", "logs"):
            (self.folder / name).mkdir(exist_ok=True)
        give(self.folder, "rabbitmq")
        environment = self._environment
        with self.log.open("ab") as log:
            self._mapper = subprocess.Popen(
                [*as_user("rabbitmq"), "epmd", "-address", HOST, "-port", str(self._epmd)],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.launch(
            [*as_user("rabbitmq"), str(BIN / "rabbitmq-server")],
            environment=environment,
            ready=self._ready,
            seconds=120,
        )
        return self

    def _ready(self) -> bool:
        if not answers(self.port):
            return False
        return self.control("await_startup", "--timeout", "60").returncode == 0

    def control(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run rabbitmqctl against the node."""
        return subprocess.run(
            [*as_user("rabbitmq"), str(BIN / "rabbitmqctl"), "-q", "-n", self._node, *arguments],
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def _end(self, number: signal.Signals, seconds: float) -> None:
        super()._end(number, seconds)
        mapper, self._mapper = self._mapper, None
        if mapper is not None:
            os.killpg(mapper.pid, signal.SIGKILL)
            mapper.wait()

    def wipe(self) -> None:
        """Throw away all it kept: queues, messages, users."""
        self.kill()
        shutil.rmtree(self.folder / "mnesia")

    def url(self, vhost: str = "%2F") -> str:
        """Return the address of one of its virtual hosts."""
        return f"amqp://{self.user}@{HOST}:{self.port}/{vhost}"

    def new_vhost(self) -> str:
        """Make an empty virtual host and return its name."""
        name = f"t-{uuid4().hex[:12]}"
        for arguments in (("add_vhost", name), ("set_permissions", "-p", name, self.user, ".*", ".*", ".*")):
            done = self.control(*arguments)
            assert done.returncode == 0, done.stderr
        return name

    def drop(self, vhost: str) -> None:
        """Remove a virtual host with all in it."""
        self.control("delete_vhost", vhost)
