"""What a command loads before it does anything: who types one waits for it."""

import subprocess
import sys
from importlib import import_module

import click
import pytest

from console.cli import COMMANDS, Root, build

# Libraries of one backend, of reading, of signatures, of the interface: each takes a tenth of a second or more.
HEAVY = (
    "numpy",
    "cv2",
    "minio",
    "opensearchpy",
    "psycopg",
    "alembic",
    "celery",
    "pyhanko",
    "fontTools",
    "fastapi",
)


def _loaded_by(module: str) -> set[str]:
    told = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("group", ["batch", "record", "hold", "search", "principal", "fixity", "vault"])
def test_what_most_commands_need_is_loaded_and_nothing_of_a_backend_besides(group: str) -> None:
    loaded = _loaded_by(f"console.groups.{group}")
    assert "sqlalchemy" in loaded
    assert loaded & set(HEAVY) == set()


def test_the_list_of_commands_needs_none_of_them() -> None:
    loaded = _loaded_by("console.cli")
    assert {name for name in loaded if name.startswith("console.groups.")} == set()
    assert loaded & set(HEAVY) == set()


def test_every_command_is_in_the_module_that_the_table_says_and_no_other_is_there() -> None:
    root = build("en")
    context = click.Context(root)
    assert {name for name in COMMANDS if root.get_command(context, name) is None} == set()
    for module in set(COMMANDS.values()):
        alone = Root()
        import_module(f"console.groups.{module}").add(alone, "en")
        assert set(alone.commands) == {name for name, where in COMMANDS.items() if where == module}
