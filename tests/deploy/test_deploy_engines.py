"""The compose file's engines as real servers: they take its settings and secrets and answer its health checks."""

import re
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from minio import Minio as Client
from minio.error import S3Error
from servers import shared
from servers.composed import Composed, composed
from servers.postgres import BIN
from servers.program import HOST
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from archive.database import open_engine, reading
from archive.errors import ArchiveError


@pytest.fixture(scope="module")
def engines() -> Iterator[Composed]:
    with composed("none") as up:
        yield up


def _secret(engines: Composed, name: str) -> str:
    return (engines.secrets / f"{name}.txt").read_text().strip()


def test_the_database_takes_the_password_of_the_secret_and_no_other(engines: Composed) -> None:
    url = engines.environment("api")["ARCHIVE_DATABASE_URL"]
    opened = open_engine(url, password=_secret(engines, "database_password"))
    with reading(opened) as connection:
        asked = "SELECT current_setting('data_checksums'), current_setting('max_connections')"
        assert tuple(connection.execute(text(asked)).one()) == ("on", "200")
    opened.dispose()
    other = open_engine(url, password="another")
    with pytest.raises((ArchiveError, OperationalError), match="password authentication failed"), reading(other):
        pass
    other.dispose()


def test_the_databases_health_check_holds(engines: Composed) -> None:
    program, *arguments = engines.project["services"]["postgres"]["healthcheck"]["test"][1:]
    done = subprocess.run([BIN / program, *arguments], env={"PGPORT": str(engines.postgres.port)}, check=False)
    assert done.returncode == 0


def test_the_store_takes_the_keys_of_the_secrets_and_no_others(engines: Composed) -> None:
    access, secret = _secret(engines, "store_admin_access_key"), _secret(engines, "store_admin_secret_key")
    address = f"{HOST}:{engines.minio.port}"
    assert list(Client(address, access, secret, secure=False).list_buckets()) == []
    with pytest.raises(S3Error) as refused:
        Client(address, "minioadmin", "minioadmin", secure=False).list_buckets()
    assert refused.value.code == "InvalidAccessKeyId"


def test_the_broker_has_one_user_with_the_password_of_the_secret_and_its_own_host(engines: Composed) -> None:
    control = engines.rabbitmq.control
    assert control("authenticate_user", "sohoa", _secret(engines, "broker_password")).returncode == 0
    assert control("authenticate_user", "sohoa", "another").returncode != 0
    assert control("list_users").stdout.split("\n")[1:-1] == ["sohoa\t[administrator]"]
    assert "sohoa\t.*\t.*\t.*" in control("list_permissions", "-p", "sohoa").stdout


def test_the_brokers_settings_are_those_of_the_file(engines: Composed) -> None:
    asked = "application:get_env(rabbit, consumer_timeout)."
    assert engines.rabbitmq.control("eval", asked).stdout.strip() == "{ok,7200000}"


def test_the_indexs_health_check_is_answered(engines: Composed) -> None:
    url = engines.project["services"]["opensearch"]["healthcheck"]["test"][-1]
    asked = url.replace("127.0.0.1:9200", f"{HOST}:{shared.opensearch().port}")
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200


def test_every_services_variables_point_into_this_machine(engines: Composed) -> None:
    for name, service in engines.project["services"].items():
        if service["image"].startswith("sohoa:"):
            values = " ".join(engines.environment(name).values())
            assert not re.search(r"[@/](postgres|silo|rabbitmq|opensearch):\d", values)
            assert not re.search(r"/run/|/var/lib/", values)
