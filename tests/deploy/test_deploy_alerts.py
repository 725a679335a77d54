"""Alarms, dashboard and manual speak of figures the program has, and every alarm says what to do."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.metrics.families import FAMILIES
from console.metrics.meters import Meters

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
PROMETHEUS = ROOT / "deploy/prometheus/prometheus.yml"
MANUAL = ROOT / "docs/operations.md"

# Labels that Prometheus itself gives a target (deploy/prometheus/prometheus.yml).
OF_TARGETS = {"job", "instance", "service"}
# Names of PromQL that stand where a label could.
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


@cache
def exported() -> dict[str, frozenset[str]]:
    """Return the name of every sample the program serves, with its labels, once each has happened."""
    meters = Meters()
    meters.answered("GET", "/", 200, 0.1)
    for measure, label in (("stage", "read"), ("page", "read"), ("item", "deposited"), ("sweep", "")):
        meters.hear(measure, label, 1.0)
    meters.hear("jail", "page-crashed", 1)
    meters.hear("store", "archive put ok", 0.1)
    names: dict[str, set[str]] = {name: set(one.labels) for name, one in FAMILIES.items()}
    for family in meters.registry.collect():
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return {name: frozenset(labels) for name, labels in names.items()}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions() -> list[tuple[str, str]]:
    """Return every expression of the alarms and the dashboard with where it stands."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    shown = [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", ())]
    return [(rule["alert"], rule["expr"]) for rule in rules()] + shown


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_an_expression_asks_for_figures_and_labels_there_are(where: str, expression: str) -> None:
    asked = set(re.findall(r"\bsohoa_\w+", expression))
    assert asked or re.search(r"\bup\{", expression), where
    assert asked <= exported().keys(), where
    for name, matchers in re.findall(r"\b(sohoa_\w+)\{([^}]*)\}", expression):
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert used <= exported()[name] | OF_TARGETS, where
    labels = set().union(OF_TARGETS, *(exported()[name] for name in asked))
    for group in GROUPING.findall(expression):
        assert {one.strip() for one in group.split(",")} <= labels, where


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_how_things_stand_is_never_summed_over_processes(where: str, expression: str) -> None:
    # Each interface process tells the same; a sum would grow with their number.
    for name in set(re.findall(r"\bsohoa_\w+", expression)) & FAMILIES.keys():
        before = expression[: expression.index(name)]
        assert re.search(
            r"(?:max|min|changes)(?: by \([^)]*\))? \((?:deriv|delta)?\(?$|(?:max|min)\((?:delta\()?$", before
        ), f"{where}: {expression}"


def test_labels_that_a_sentence_shows_are_left_by_its_expression() -> None:
    for rule in rules():
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        if groups := GROUPING.findall(rule["expr"]):
            assert shown <= {one.strip() for one in groups[0].split(",")}, rule["alert"]
        else:
            assert shown <= {"instance"}, rule["alert"]


def test_values_an_alarm_waits_for_are_values_the_program_tells() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "console/metrics").glob("*.py"))
    source += "\n".join(
        (ROOT / name).read_text() for name in ("console/dependencies.py", "search_api/readiness.py")
    )
    source += "\n".join((ROOT / name).read_text() for name in ("archive/errors.py", "archive/stores/timed.py"))
    for rule in rules():
        for _, value in re.findall(r'(dependency|state|lane|outcome|act|status|why)=~?"([^"]*)"', rule["expr"]):
            for one in value.split("|"):
                assert one == "5.." or f'"{one}"' in source, (rule["alert"], one)


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    manual = MANUAL.read_text()
    told = manual[manual.index("## Alarms") :]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", told, re.MULTILINE | re.DOTALL))
    assert sections.keys() == {rule["alert"] for rule in rules()}
    for name, text in sections.items():
        assert "**Means**" in text, name
        assert "**Do**" in text, name


def test_every_alarm_has_a_severity_a_sentence_and_its_anchor() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_prometheus_reads_the_alarms_and_the_services_of_the_compose_file() -> None:
    read = yaml.safe_load(PROMETHEUS.read_text())
    assert read["rule_files"] == [ALERTS.name]
    (job,) = read["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    watched = {name: one["environment"] for name, one in services.items() if _watched(one)}
    assert set(found["names"]) == watched.keys()
    assert {one["METRICS_LISTEN"] for one in watched.values()} == {f"0.0.0.0:{found['port']}"}
    assert all("watch" in services[name]["networks"] for name in watched)


def _watched(service: dict[str, Any]) -> bool:
    environment = service.get("environment") or {}
    return isinstance(environment, dict) and "METRICS_LISTEN" in environment


def test_panels_of_the_dashboard_do_not_overlap_and_have_ids_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_figure_is_in_the_manual() -> None:
    manual = MANUAL.read_text()
    counted = {family.name for family in Meters().registry.collect()}
    assert set(re.findall(r"`(sohoa_\w+)`", manual)) == counted | FAMILIES.keys()
