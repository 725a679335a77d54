"""The compose file as the tool itself loads it: all it names is known to the program, the image or the file."""

import json
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml

from console.cli import build
from search_api.routes.health import router as health

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
JOBS = {"store-prepare", "init"}
PROGRAM = {*JOBS, "api", "worker", "projector", "sweeper"}
ENGINES = {"silo", "postgres", "rabbitmq", "opensearch"}
OURS = re.compile(r"(SOHOA|ARCHIVE|INGEST|SEARCH|API|COPY|RETENTION|OCR|METRICS|LOG|OTEL)_")


@pytest.fixture(scope="session")
def loader() -> str:
    """Where the loader is: the library of the tool itself, built once."""
    done = subprocess.run(["bash", ROOT / "tests/deploy/install.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _load(loader: str, file: Path, *values: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([loader, file, *values], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def project(loader: str) -> dict[str, Any]:
    done = _load(loader, FILE)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def services(project: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(project["services"])


@pytest.fixture(scope="session")
def reasons() -> dict[str, dict[str, str]]:
    """What each service says of a rule it does not keep, by rule."""
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: service.get("x-why", {}) for name, service in document["services"].items()}


def _dockerfile() -> list[tuple[str, str]]:
    """Return its instructions with their arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line]


def _settings_of(services: Mapping[str, dict[str, Any]], names: set[str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(names):
        for variable, value in services[name]["environment"].items():
            yield name, variable, value


def test_the_tool_takes_the_file_and_it_has_every_part(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == PROGRAM | ENGINES


def test_the_loader_refuses_what_the_tool_refuses(loader: str, tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(FILE.read_text(encoding="utf-8").replace("    depends_on:", "    depends_upon:", 1))
    assert _load(loader, broken).returncode == 1
    broken.write_text(FILE.read_text(encoding="utf-8").replace("      silo: {cond", "      sillo: {cond", 1))
    assert "sillo" in _load(loader, broken).stderr


def test_every_setting_is_one_the_program_documents(services: dict[str, dict[str, Any]]) -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))
    known |= {f"{one}_FILE" for one in known if one.endswith(("_PASSWORD", "_ACCESS_KEY", "_SECRET_KEY", "_USER"))}
    given = {variable for _, variable, _ in _settings_of(services, PROGRAM)}
    assert given <= known
    assert all(OURS.match(variable) for variable in given)


@pytest.mark.parametrize("name", sorted(PROGRAM))
def test_every_command_is_one_the_program_has(services: dict[str, dict[str, Any]], name: str) -> None:
    command: click.Command = build("en")
    context, words = None, list(services[name]["command"])
    while isinstance(command, click.Group):
        context = command.make_context("sohoa", [], parent=context, resilient_parsing=True)
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    # Parsing checks the options and their values, and runs nothing.
    command.make_context(command.name, words, parent=context)


def test_a_command_the_program_does_not_have_would_be_noticed(services: dict[str, dict[str, Any]]) -> None:
    wrong = {"api": {"command": ["api", "--hosts", "0.0.0.0"]}}
    with pytest.raises(click.UsageError):
        test_every_command_is_one_the_program_has(wrong, "api")


def test_only_the_interface_publishes_a_port_and_by_default_on_this_machine_alone(
    services: dict[str, dict[str, Any]],
) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"api"}
    (port,) = published["api"]
    assert port["host_ip"] == "127.0.0.1"
    command = services["api"]["command"]
    assert str(port["target"]) == command[command.index("--port") + 1]


def test_only_the_interface_is_on_a_network_that_leads_anywhere(
    project: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    leading = {name for name, network in project["networks"].items() if not network.get("internal")}
    on_them = {name for name, service in services.items() if leading & set(service["networks"])}
    assert on_them == {"api"}
    assert all("network_mode" not in service for service in services.values())


def test_a_part_is_on_the_networks_of_the_engines_its_settings_name_and_no_others(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in PROGRAM:
        named = {
            host
            for _, variable, value in _settings_of(services, {name})
            if variable.endswith("_URL") and value
            for host in re.findall(r"(?:@|//)([a-z]+):\d+", value)
        }
        assert named <= ENGINES
        needed = {network for engine in named for network in services[engine]["networks"]}
        if name == "store-prepare":  # it is told where the catalogue is, as all are, and works without it
            needed -= {"queue", "search"}
        assert set(services[name]["networks"]) - {"outside", "watch"} == needed, name


def test_what_serves_figures_serves_them_to_their_own_network(services: dict[str, dict[str, Any]]) -> None:
    serving = {name for name in PROGRAM if "METRICS_LISTEN" in services[name]["environment"]}
    assert serving == PROGRAM - JOBS
    assert {name for name, service in services.items() if "watch" in service["networks"]} == serving


def test_every_image_is_pinned(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        tag = service["image"].partition("@")[0].rpartition(":")[2]
        assert re.search(r"\d+\.\d+\.\d+|\d+\.\d+-|RELEASE\.\d{4}-\d\d-\d\dT", tag), f"{name}: {tag}"
    for instruction, rest in _dockerfile():
        if instruction == "FROM":
            assert re.match(r"python:3\.11\.\d+-slim-bookworm AS [a-z]+$", rest)
    assert "latest" not in FILE.read_text(encoding="utf-8") + (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_program_is_one_image_of_this_version_built_from_this_folder(
    services: dict[str, dict[str, Any]],
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {services[name]["image"] for name in PROGRAM} == {f"sohoa:{version}"}
    assert all(services[name]["build"]["context"] == "." for name in PROGRAM)
    assert all("build" not in services[name] for name in ENGINES)


@pytest.mark.parametrize("name", sorted(PROGRAM | ENGINES))
def test_every_service_is_confined(
    services: dict[str, dict[str, Any]], reasons: dict[str, dict[str, str]], name: str
) -> None:
    service, why = services[name], reasons[name]
    assert int(service["mem_limit"]) > 0
    assert float(service["cpus"]) > 0
    assert int(service["pids_limit"]) > 0
    assert service["cap_drop"] == ["ALL"]
    assert not service.get("cap_add")
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["stop_grace_period"]
    assert service.get("read_only") or why["read_only"]
    if name in ENGINES:
        assert service["user"].split(":")[0] != "0" or why["user"]
    else:
        assert "user" not in service  # the image's own
    assert service["restart"] == ("no" if name in JOBS else "unless-stopped")
    assert service["healthcheck"].get("test") or why["healthcheck"]
    assert all(mount["type"] != "bind" for mount in service.get("volumes", []))


def test_the_interface_is_asked_for_its_health_where_it_answers(services: dict[str, dict[str, Any]]) -> None:
    (url,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/[a-z/]+)", services["api"]["healthcheck"]["test"][-1])
    command = services["api"]["command"]
    assert url[0] == command[command.index("--port") + 1]
    assert url[1] in {getattr(route, "path", None) for route in health.routes}


def test_what_must_come_first_comes_first(services: dict[str, dict[str, Any]]) -> None:
    for name in PROGRAM:
        for needed, how in services[name]["depends_on"].items():
            expected = "service_completed_successfully" if needed in JOBS else "service_healthy"
            assert how["condition"] == expected, f"{name} after {needed}"
    for name in PROGRAM - JOBS:
        assert "init" in services[name]["depends_on"]
    assert "store-prepare" in services["init"]["depends_on"]


def test_workers_can_be_as_many_as_wanted(services: dict[str, dict[str, Any]]) -> None:
    worker = services["worker"]
    assert not {"container_name", "ports", "hostname"} & set(worker)
    written = [mount for mount in worker["volumes"] if not mount.get("read_only")]
    assert [mount.get("source") for mount in written] == [None]  # a volume of each container's own


def test_no_secret_stands_in_the_file(services: dict[str, dict[str, Any]]) -> None:
    for name, variable, value in _settings_of(services, PROGRAM | (ENGINES - {"rabbitmq"})):
        if re.search(r"PASSWORD|SECRET|ACCESS_KEY|TOKEN|ROOT_USER|API_KEY", variable):
            assert variable.endswith("_FILE"), variable
            given = {secret["target"] for secret in services[name].get("secrets", [])}
            mounted = {mount["target"] for mount in services[name]["volumes"]}
            assert value in given or str(Path(value).parent) in mounted, f"{name}: {variable}"
        elif "://" in value:
            assert urlsplit(value).password is None
            assert not re.search(r"(secret|password|key)=", value, re.IGNORECASE)


def test_each_service_is_given_no_secret_but_its_own(services: dict[str, dict[str, Any]]) -> None:
    for name in PROGRAM:
        used = {value for _, _, value in _settings_of(services, {name}) if value.startswith("/run/secrets/")}
        if name == "store-prepare":
            used.add("/run/secrets/database_password")
        assert {secret["target"] for secret in services[name]["secrets"]} == used, name
    admin = {name for name in services if "store_admin_secret_key" in json.dumps(services[name].get("secrets"))}
    assert admin == {"store-prepare", "silo"}


def test_the_script_makes_every_secret_once(project: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make = ["bash", ROOT / "scripts/make_secrets.sh", folder]
    subprocess.run(make, check=True, capture_output=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert {Path(secret["file"]).name for secret in project["secrets"].values()} == set(made)
    assert {str(Path(secret["file"]).parent) for secret in project["secrets"].values()} == {"deploy/secrets"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(set(made.values())) == len(made)
    assert made["broker_password.conf"] == f"default_pass = {made['broker_password.txt']}"
    assert all(len(text.strip()) >= 16 for text in made.values())
    assert subprocess.run(make, check=True, capture_output=True).stdout == b""
    assert {path.name: path.read_text() for path in folder.iterdir()} == made


def test_secrets_are_kept_out_of_the_repository_and_the_image() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "--quiet", "deploy/secrets/database_password.txt"], cwd=ROOT, check=False
    )
    assert ignored.returncode == 0
    admitted = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in admitted
    assert not {"!deploy", "!var", "!."} & set(admitted)


def test_every_mounted_place_is_one_the_image_makes_for_its_user(services: dict[str, dict[str, Any]]) -> None:
    made = {
        place
        for instruction, rest in _dockerfile()
        if instruction == "RUN"
        for places in re.findall(r"install -d -o 10001 -g 10001 -m 0750 ([^&]+)", rest)
        for place in places.split()
    }
    for name in PROGRAM:
        targets = {mount["target"] for mount in services[name]["volumes"]}
        assert targets <= made, name
        assert {"/var/lib/sohoa", "/scratch"} <= targets  # SOHOA_HOME and INGEST_SCRATCH
        assert services[name]["environment"]["SOHOA_HOME"] == "/var/lib/sohoa"
        assert services[name]["tmpfs"]  # for everything that wants a temporary file


def test_the_image_runs_as_an_ordinary_user_and_starts_the_program() -> None:
    steps = _dockerfile()
    assert [rest for instruction, rest in steps if instruction == "USER"] == ["10001:10001"]
    assert ("ENTRYPOINT", '["sohoa"]') in steps
    environment = " ".join(rest for instruction, rest in steps if instruction == "ENV")
    assert "SOHOA_HOME=/var/lib/sohoa" in environment
    assert "INGEST_SCRATCH=/scratch" in environment


def test_the_image_has_our_packages_and_takes_all_others_by_digest() -> None:
    steps = _dockerfile()
    copied = {rest.split()[0] for instruction, rest in steps if instruction == "COPY" and "--from" not in rest} - {
        "requirements/run.txt",
        "pyproject.toml",
    }
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert copied == set(pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied <= admitted
    installs = [one for _, rest in steps for one in re.findall(r"pip install ([^&]+)", rest)]
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-deps --no-index" in one for one in installs)


def test_the_image_has_system_packages_that_the_setup_has_too() -> None:
    (step,) = [rest for instruction, rest in _dockerfile() if instruction == "RUN" and "apt-get install" in rest]
    packages = set(re.findall(r"--no-install-recommends ([^&]+)", step)[0].split())
    setup = (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    assert packages <= set(re.findall(r"packages=\(([^)]+)\)", setup)[0].split())
    assert {"tesseract-ocr", "tesseract-ocr-vie", "tesseract-ocr-osd"} <= packages


def test_the_example_of_values_lists_those_the_file_asks_for_with_their_defaults(
    loader: str, services: dict[str, dict[str, Any]]
) -> None:
    text = FILE.read_text(encoding="utf-8")
    asked = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text))
    assert len(re.findall(r"\$\{", text)) == len(re.findall(r"\$\{[A-Z_]+:-", text))  # each has its default
    example = (ROOT / "deploy/env.example").read_text(encoding="utf-8")
    assert dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.MULTILINE)) == asked
    again = _load(loader, FILE, *(f"{name}={value}" for name, value in asked.items()))
    assert json.loads(again.stdout)["services"] == services
    other = _load(loader, FILE, "PUBLISH_AT=0.0.0.0:443", "WORKER_MEMORY=8g")
    changed = json.loads(other.stdout)["services"]
    assert changed["api"]["ports"][0]["published"] == "443"
    assert int(changed["worker"]["mem_limit"]) == 8 << 30


def test_engines_are_told_the_names_that_the_program_uses(services: dict[str, dict[str, Any]]) -> None:
    settings = services["api"]["environment"]
    database, broker = urlsplit(settings["ARCHIVE_DATABASE_URL"]), urlsplit(settings["INGEST_BROKER_URL"])
    postgres = services["postgres"]["environment"]
    assert (database.username, database.path[1:]) == (postgres["POSTGRES_USER"], postgres["POSTGRES_DB"])
    text = (ROOT / "deploy/rabbitmq.conf").read_text(encoding="utf-8")
    told = dict(re.findall(r"^([\w.]+) = (.+)$", text, re.MULTILINE))
    assert (broker.username, broker.path[1:]) == (told["default_user"], told["default_vhost"])
    # The server must hold its publishers back before the container is killed.
    assert int(told["vm_memory_high_watermark.absolute"].removesuffix("MB")) * 1_000_000 < int(
        services["rabbitmq"]["mem_limit"]
    )


def test_every_volume_network_and_secret_is_used(
    project: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    mounted = {m.get("source") for service in services.values() for m in service.get("volumes", [])} - {None}
    assert mounted == set(project["volumes"])
    assert {n for service in services.values() for n in service["networks"]} == set(project["networks"])
    given = {one["source"] for service in services.values() for one in service.get("secrets", [])}
    assert given == set(project["secrets"])
