"""The commands that run one part of the service each, where `sohoa serve` would run all: for many machines."""

import click

from console.door import Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command("api", help=say("api"))
    @click.option("--host", default="127.0.0.1", show_default=True, help=say("serve.host"))
    @click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help=say("serve.port"))
    @json_option(language)
    @click.pass_obj
    def api(door: Door, host: str, port: int) -> None:
        from console.serve import run_server  # no other command needs the web framework

        run_server(door.home(), door.terminal, host=host, port=port, workers=0, alone=True)

    @sohoa.command("projector", help=say("projector"))
    @json_option(language)
    @click.pass_obj
    def projector(door: Door) -> None:
        from console.projecting import run_projector  # opens what signs copies, which takes a while to load

        run_projector(door.home(), door.terminal)
