"""Where `install.sh` puts the judges, and how a Java program among them is started."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(os.environ.get("SOHOA_CACHE") or Path.home() / ".cache" / "sohoa") / "judges"
JAVA = FOLDER / "java"
VERAPDF = FOLDER / "jars" / "cli-1.30.2.jar"
SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # half the processor time of a long-running server's


def run_java(arguments: Sequence[str], *, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the judges' Java, in a folder it may leave its logs in; its exit code is the caller's to judge."""
    missing = [str(path) for path in (JAVA, VERAPDF) if not path.exists()]
    assert not missing, f"the judges are not installed ({missing[0]}): run `make judges`"
    return subprocess.run(
        [str(JAVA), *SHORT_RUN, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
