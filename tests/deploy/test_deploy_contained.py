"""The shared servers in containers, as far as can be told without an engine: file, commands, refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from servers import contained, shared
from servers.composed import load_project
from servers.minio import Minio
from servers.program import ServerFailed
from servers.rabbitmq import RabbitMq

PORTS = {"postgres": 15432, "minio": 19000, "rabbitmq": 15672, "opensearch": 19200}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sohoa-servers-of-a-test"
    made.mkdir()
    return made


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that notes each command in the file returned, and fails with all words of `fails` beside it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    noted = programs / "noted"
    noted.touch()
    program = programs / "docker"
    program.write_text(
        "#!/usr/bin/env python3\n"
        "import json, pathlib, sys\n"
        f"noted = pathlib.Path({str(noted)!r})\n"
        "noted.open('a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "fails = noted.with_name('fails')\n"
        "words = fails.read_text().split() if fails.exists() else ['never']\n"
        "sys.exit(f'no {words[0]} here' if all(word in sys.argv for word in words) else 0)\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return noted


def commands(docker: Path) -> list[list[str]]:
    return [json.loads(line) for line in docker.read_text().splitlines()]


@pytest.fixture
def project(folder: Path) -> dict[str, Any]:
    return load_project(contained.write_override(folder, PORTS))


def test_each_engine_listens_on_its_port_of_loopback_alone(project: dict[str, Any]) -> None:
    for name, (service, inside) in contained.SERVICES.items():
        (port,) = project["services"][service]["ports"]
        assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", str(PORTS[name]), inside)
        # An engine whose networks are all internal publishes nothing.
        assert any(
            not project["networks"][one].get("internal") for one in project["services"][service]["networks"]
        )


def test_the_engines_are_otherwise_those_of_the_compose_file(project: dict[str, Any]) -> None:
    before = load_project()
    assert set(project["services"]) == set(before["services"])
    for service, _ in contained.SERVICES.values():
        left = {**project["services"][service], "ports": None, "networks": None, "environment": None}
        assert left == {**before["services"][service], "ports": None, "networks": None, "environment": None}
    others = set(before["services"]) - {service for service, _ in contained.SERVICES.values()}
    assert {one: project["services"][one] for one in others} == {one: before["services"][one] for one in others}


def test_they_have_the_passwords_that_the_tests_know(project: dict[str, Any]) -> None:
    told = {name: Path(secret["file"]).read_text().strip() for name, secret in project["secrets"].items()}
    assert set(told) == set(load_project()["secrets"])
    assert (told["store_admin_access_key"], told["store_admin_secret_key"]) == (Minio.user, Minio.password)
    assert told["broker_password_setting"] == f"default_pass = {RabbitMq.password}"
    settings = (contained.ROOT / "deploy/rabbitmq.conf").read_text()
    assert f"default_user = {contained.ContainedRabbitMq.user}\n" in settings
    database = project["services"]["postgres"]["environment"]
    assert (database["POSTGRES_USER"], database["POSTGRES_HOST_AUTH_METHOD"]) == ("sohoa", "trust")


def test_they_are_brought_up_and_taken_down_by_compose_commands(
    folder: Path, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "answers", lambda _port: True)
    ports = contained.start(folder)
    contained.stop(folder)
    at = ["compose", "--project-name", folder.name, "--project-directory", str(contained.ROOT)]
    at += ["--env-file", "/dev/null", "--file", str(contained.ROOT / "docker-compose.yml")]
    at += ["--file", str(folder / contained.OVERRIDE)]
    assert commands(docker) == [
        ["compose", "version"],
        ["info"],
        [*at, "up", "--detach", "--wait", "postgres", "silo", "rabbitmq", "opensearch"],
        [*at, "down", "--volumes", "--timeout", "10"],
    ]
    assert set(ports) == set(contained.SERVICES)
    assert len(set(ports.values())) == len(ports)


def test_where_nothing_was_started_nothing_is_taken_down(folder: Path, docker: Path) -> None:
    contained.stop(folder)
    assert commands(docker) == []


def test_what_tests_ask_of_the_database_and_the_broker_is_asked_inside(
    folder: Path, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "FOLDER", folder)
    noted = {name: {"pid": None, "port": port, "state": {"port": port}} for name, port in PORTS.items()}
    monkeypatch.setattr(shared, "_noted", lambda: noted)
    monkeypatch.setattr(shared, "answers", lambda _port: True)
    find = shared._shared.__wrapped__  # what is found is kept for the whole run otherwise
    database, broker = find("postgres").new_database(), find("rabbitmq").new_vhost()
    asked = [" ".join(command[command.index("exec") :]) for command in commands(docker)]
    assert asked == [
        f"exec -T postgres psql -qAt -U sohoa -d postgres -v ON_ERROR_STOP=1 -c CREATE DATABASE {database}",
        f"exec -T rabbitmq rabbitmqctl -q add_vhost {broker}",
        f"exec -T rabbitmq rabbitmqctl -q set_permissions -p {broker} sohoa .* .* .*",
    ]
    assert find("postgres").url("d") == f"postgresql+psycopg://sohoa@127.0.0.1:{PORTS['postgres']}/d"
    assert find("rabbitmq").url(broker) == f"amqp://sohoa@127.0.0.1:{PORTS['rabbitmq']}/{broker}"
    assert find("minio").endpoint == f"http://127.0.0.1:{PORTS['minio']}"
    assert find("opensearch").endpoint == f"http://127.0.0.1:{PORTS['opensearch']}"


def test_without_docker_a_sentence_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerFailed, match="needs the program `docker`, which is not on the path"):
        contained.require_engine()


@pytest.mark.parametrize(
    ("fails", "told"), [("version", "needs its compose plugin"), ("info", "needs a running container engine")]
)
def test_without_its_plugin_or_an_engine_too(docker: Path, folder: Path, fails: str, told: str) -> None:
    docker.with_name("fails").write_text(fails)
    with pytest.raises(ServerFailed, match=f"{told}: no {fails} here; without SOHOA_TEST_SERVERS"):
        contained.start(folder)


def test_containers_that_do_not_come_up_say_why(docker: Path, folder: Path) -> None:
    docker.with_name("fails").write_text("up")
    with pytest.raises(ServerFailed, match="did not come up: no up here"):
        contained.start(folder)


def test_a_port_that_leads_nowhere_is_told(docker: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "answers", lambda _port: False)
    with pytest.raises(ServerFailed, match="no port of loopback leads to minio"):
        contained.start(folder)


def test_make_servers_prints_the_sentence_and_ends_with_1(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "servers.shared", "start"],
        cwd=Path(__file__).parents[1],
        env={"PATH": str(tmp_path), "TMPDIR": str(tmp_path), contained.SETTING: "docker"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("SOHOA_TEST_SERVERS=docker needs the program `docker`")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("value", "meant"), [("", False), ("local", False), ("docker", True)])
def test_the_setting_chooses(monkeypatch: pytest.MonkeyPatch, value: str, *, meant: bool) -> None:
    monkeypatch.setenv(contained.SETTING, value)
    assert contained.wanted() is meant


def test_a_value_that_is_none_of_them_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(contained.SETTING, "podman")
    with pytest.raises(ServerFailed, match="knows no 'podman': local, docker"):
        contained.wanted()
