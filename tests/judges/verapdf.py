"""veraPDF: whether files are PDF/A-2b."""

import json
from collections.abc import Sequence
from pathlib import Path

from judges.programs import VERAPDF, run_java


def verapdf(paths: Sequence[Path]) -> dict[Path, list[str]]:
    """Return the rules each file breaks, `clause-test: description`; an empty list is a valid PDF/A-2b.

    All files go through one JVM: the first costs a second or two, each further one hardly anything.
    """
    named = {str(path.resolve()): path for path in paths}
    asked = ["-jar", str(VERAPDF), "--flavour", "2b", "--format", "json", "--nonpdfext", *named]
    answer = run_java(asked)
    jobs = json.loads(answer.stdout)["report"]["jobs"] if answer.stdout.startswith("{") else []
    found = {named[job["itemDetails"]["name"]]: _broken(job) for job in jobs}
    assert found.keys() == set(named.values()), f"veraPDF did not judge every file: {answer.stderr[-2000:]}"
    return found


def _broken(job: dict[str, object]) -> list[str]:
    results = job.get("validationResult")
    if not isinstance(results, list) or not results:
        return [f"not validated: {job.get('taskException') or job}"]
    (result,) = results
    rules = [
        f"{rule['clause']}-{rule['testNumber']}: {rule['description']}"
        for rule in result["details"]["ruleSummaries"]
        if rule["status"] == "failed"
    ]
    return rules if rules or result["compliant"] else ["not compliant, without a rule"]
