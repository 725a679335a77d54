"""Where `install.sh` puts the judges, and how a Java program among them is started."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(os.environ.get("SOHOA_CACHE") or Path.home() / ".cache" / "sohoa") / "judges"
VERAPDF = FOLDER / "jars" / "cli-1.30.2.jar"
SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def run_java(arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run the judges' Java; its exit code is the caller's to judge."""
    java = FOLDER / "java"
    assert java.exists() and VERAPDF.exists(), f"no judges in {FOLDER}: run `make judges`"
    return subprocess.run([str(java), *SHORT_RUN, *arguments], capture_output=True, text=True, check=False)
