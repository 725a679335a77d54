"""commons-ip: whether packages keep the E-ARK specification for information packages."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judges.programs import VERAPDF, run_java

VERSIONS = ("2.0.4", "2.1.0", "2.2.0")
MAIN = "org.roda_project.commons_ip2.cli.Main"


def commons_ip(path: Path) -> dict[str, list[str]]:
    """Return the errors of a package under each version of the rules; empty lists are a valid package."""
    return commons_ip_all([path])[path]


def commons_ip_all(paths: Sequence[Path]) -> dict[Path, dict[str, list[str]]]:
    """Return the errors of packages, all of them in one JVM for each version of the rules.

    The judge may stop without a report at a package that is very wrong; then that is its error, and the
    packages behind it are judged no more.
    """
    found: dict[Path, dict[str, list[str]]] = {path: {} for path in paths}
    for version in VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            named = {f"package-{n}.zip": path for n, path in enumerate(paths)}
            _validate(Path(folder), named, version)
            for name, path in named.items():
                found[path][version] = _errors(Path(folder), name)
    return found


def _validate(folder: Path, named: dict[str, Path], version: str) -> None:
    classes = ":".join(str(jar) for jar in sorted(VERAPDF.parent.glob("*.jar")) if jar != VERAPDF)
    asked = ["-cp", classes, MAIN, "validate", "-o", str(folder), f"--specification-version={version}"]
    for name, path in named.items():
        (folder / name).write_bytes(path.read_bytes())
        asked += ["-i", str(folder / name)]
    run_java(asked)


def _errors(folder: Path, name: str) -> list[str]:
    reports = list(folder.glob(f"{name}_validation-report_*.json"))
    if not reports:
        return ["commons-ip stopped without a report"]
    report: dict[str, Any] = json.loads(reports[0].read_text(encoding="utf-8"))
    assert report["summary"]["success"] > 50, f"commons-ip judged next to nothing: {report['summary']}"
    errors = [
        f"{rule['id']}: {'; '.join(rule['testing']['issues'])}"
        for rule in report["validation"]
        if rule["testing"]["outcome"] == "FAILED" and rule["level"] == "MUST"
    ]
    told = report["summary"]["errors"]
    return errors if len(errors) >= told else [*errors, f"{told} errors in all"]
