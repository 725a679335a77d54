"""commons-ip: whether packages keep the E-ARK specification for information packages."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judges.programs import VERAPDF, run_java

VERSIONS = ("2.0.4", "2.1.0", "2.2.0")
MAIN = "org.roda_project.commons_ip2.cli.Main"


def commons_ip(path: Path, versions: Sequence[str] = VERSIONS) -> dict[str, list[str]]:
    """Return the errors of a package under each version of the rules; empty lists are a valid package.

    A JVM of a second or two for each version: its command line stops at a second package or version. A
    package that is very wrong stops it without a report, which is an error too.
    """
    return {version: _judge(path, version) for version in versions}


def _judge(path: Path, version: str) -> list[str]:
    classes = ":".join(str(jar) for jar in sorted(VERAPDF.parent.glob("*.jar")) if jar != VERAPDF)
    with tempfile.TemporaryDirectory() as folder:
        asked = ["-cp", classes, MAIN, "validate", "-i", str(path.resolve()), "-o", folder]
        answer = run_java([*asked, f"--specification-version={version}"], folder=Path(folder))
        reports = list(Path(folder).glob("*_validation-report_*.json"))
        if not reports:
            return [f"commons-ip stopped without a report: {answer.stdout[-500:]}{answer.stderr[-500:]}"]
        return _errors(json.loads(reports[0].read_text(encoding="utf-8")))


def _errors(report: dict[str, Any]) -> list[str]:
    assert report["summary"]["success"] > 50, f"commons-ip judged next to nothing: {report['summary']}"
    errors = [
        f"{rule['id']}: {'; '.join(rule['testing']['issues'])}"
        for rule in report["validation"]
        if rule["testing"]["outcome"] == "FAILED" and rule["level"] == "MUST"
    ]
    told = report["summary"]["errors"]
    return errors if len(errors) >= told else [*errors, f"{told} errors in all"]
