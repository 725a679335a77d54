"""EU DSS: whether signatures are PAdES, whole, and lead to a root that is given, with its revocation list."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from judges.programs import FOLDER, run_java

CLASSES = FOLDER / "dss-classes"


@dataclass(frozen=True)
class DssVerdict:
    """What DSS says of one signature. format: such as PAdES-BASELINE-B. reasons: its own words."""

    indication: str
    sub_indication: str
    format: str
    reasons: str


def dss(paths: Sequence[Path], root_der: Path, root_crl: Path) -> dict[Path, list[DssVerdict]]:
    """Return a verdict for each signature of each file, in the order DSS lists them; nothing is asked online.

    All files go through one JVM: the first costs three seconds, each further one a tenth.
    """
    assert CLASSES.is_dir(), "EU DSS is not installed: run `make judges`"
    named = {str(path.resolve()): path for path in paths}
    classes = ":".join(map(str, (CLASSES, *sorted((FOLDER / "dss").glob("*.jar")))))
    answer = run_java(["-cp", classes, "DssJudge", str(root_der), str(root_crl), *named])
    assert answer.returncode == 0, f"DSS stopped: {answer.stderr[-2000:]}"
    found: dict[Path, list[DssVerdict]] = {path: [] for path in paths}
    for line in answer.stdout.splitlines():
        file, *verdict = line.split("\t")
        found[named[file]].append(DssVerdict(*verdict))
    return found
