"""What the jail's tests run inside it."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ocr.errors import Truncated
from ocr.jail.child import await_turn


def echo(**arguments: Any) -> Any:
    return arguments


def truncated() -> None:
    raise Truncated("cut off at page 3")


def stumble() -> None:
    raise ValueError("odd")


def zygote() -> int:
    return os.getppid()


def read_text(path: str) -> str:
    return Path(path).read_text()


def write_text(path: str, text: str) -> None:
    Path(path).write_text(text)


def ahead(act: str | None = None, wait: float = 0.0) -> list[float]:
    """Do what need not wait, and say when this began, and when it was this call's turn."""
    began = time.monotonic()
    if act is not None:
        globals()[act]()
    await_turn()
    went = time.monotonic()
    time.sleep(wait)
    return [began, went]


def spin() -> None:
    while True:
        pass


def hoard() -> int:
    kept = []
    while True:
        kept.append(bytearray(16 << 20))
        time.sleep(0.001)


def ask_for_too_much() -> int:
    return len(bytearray(8 << 30))


def die_of(number: int) -> None:
    signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), number)


def dereference_nothing() -> None:
    ctypes.string_at(0)


def leave_orphan(marker: str) -> int:
    """Start a grandchild in a session of its own that nobody waits for."""
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", marker], start_new_session=True
    )
    return orphan.pid


def orphan_and_spin(marker: str) -> None:
    leave_orphan(marker)
    spin()


def kill_the_zygote() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def connect(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return "connected"
    except OSError as error:
        return type(error).__name__


def look_around() -> dict[str, Any]:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "environment": dict(os.environ),
        "top": sorted(place.name for place in Path("/").iterdir()),
        "capabilities": status["CapEff"],
        "no_new_privileges": status["NoNewPrivs"],
        "processes": [place.name for place in Path("/proc").iterdir() if place.name.isdigit()],
        "writable": [p for p in ("/usr", "/dev", "/", "/tmp") if os.access(p, os.W_OK)],
    }


def deep_answer() -> Any:
    answer: Any = []
    for _ in range(900):
        answer = [answer]
    return answer


def long_answer(length: int) -> str:
    return "x" * length


def read_with_program(side: int) -> int:
    """Have the real tesseract program read grain of this many pixels a side, which takes it long."""
    import numpy as np
    import pytesseract
    from PIL import Image

    grain = np.random.default_rng(1).integers(0, 256, (side, side), dtype=np.uint8)
    return len(pytesseract.image_to_data(Image.fromarray(grain), lang="vie"))
