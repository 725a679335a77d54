"""The walls of the jail: bubblewrap's command line, and the environment every jailed process gets.

Only what reading needs is visible inside: system libraries, the Python installation, the folders of our own
packages (not the folder they lie in, which may hold the data home with its keys), fonts, and what the caller
lends. As root, `--unshare-all` alone would keep all capabilities: hence the user namespace and --cap-drop.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ocr.errors import JailUnavailable
from ocr.jail.limits import JailLimits

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# ld.so.cache: without it a Python under /usr/local does not find its own shared library.
SYSTEM_SETTINGS = ("/etc/fonts", "/etc/alternatives", "/etc/ld.so.cache")


def bubblewrap() -> str | None:
    """Return the path of bubblewrap, or None when it is not installed."""
    return shutil.which("bwrap")


def package_folders(names: Sequence[str]) -> list[Path]:
    """Return where the named packages (or single modules) lie; a name that is not installed is left out."""
    found: list[Path] = []
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None:
            continue
        if spec.submodule_search_locations:
            found += [Path(place).resolve() for place in spec.submodule_search_locations]
        elif spec.origin:
            found.append(Path(spec.origin).resolve())
    if not found:
        raise JailUnavailable("none of the packages to run in the jail can be found")
    return found


def environment(packages: Sequence[Path], *, temporary: Path) -> dict[str, str]:
    """Return the whole environment of a jailed process.

    One thread for every library: Tesseract's OpenMP threads cost 2.7-5.2 times the CPU and lose pages, and a
    process with threads can't be forked safely.
    """
    roots = dict.fromkeys(str(folder.parent) for folder in packages)
    settings = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(roots),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_THREAD_LIMIT": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
    }
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        settings["TESSDATA_PREFIX"] = prefix
    return settings


def walls(
    program: str,
    *,
    packages: Sequence[Path],
    readable: Sequence[Path],
    writable: Sequence[Path],
    settings: dict[str, str],
    limits: JailLimits,
) -> list[str]:
    """Return the bubblewrap command up to `--`; the jailed command follows it.

    The order matters: /tmp is emptied first, so that lent folders below it show through.
    """
    command = [program, "--unshare-user", "--uid", "65534", "--gid", "65534", "--unshare-all"]
    command += ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in settings.items():
        command += ["--setenv", name, value]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--size", str(limits.temporary_bytes), "--tmpfs", "/tmp"]  # noqa: S108 the jail's own
    lent = [Path(place) for place in (*SYSTEM, *SYSTEM_SETTINGS)]
    lent += [Path(sys.prefix), Path(sys.base_prefix), *packages, *readable]
    if prefix := settings.get("TESSDATA_PREFIX"):
        lent.append(Path(prefix))
    for place in dict.fromkeys(lent):
        if place.exists():
            command += ["--ro-bind", str(place), str(place)]
    for place in dict.fromkeys(writable):
        command += ["--bind", str(place), str(place)]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
