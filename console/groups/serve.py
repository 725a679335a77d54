"""The command that serves: the interface, the workers and the index in one process tree."""

import click

from console.door import Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add it to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command("serve", help=say("serve"))
    @click.option("--host", default="127.0.0.1", show_default=True, help=say("serve.host"))
    @click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help=say("serve.port"))
    @click.option("--workers", type=click.IntRange(0, 64), default=1, show_default=True, help=say("work.workers"))
    @json_option(language)
    @click.pass_obj
    def serve(door: Door, host: str, port: int, workers: int) -> None:
        from console.serve import run_server  # no other command needs the web framework

        run_server(door.home(), door.terminal, host=host, port=port, workers=workers)
