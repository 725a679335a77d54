"""How a running process is watched: the settings of its log, its metrics and its traces."""

from collections.abc import Mapping
from dataclasses import dataclass

from archive.errors import HomeNotReady
from console.logs import Format


@dataclass(frozen=True, slots=True)
class Listening:
    """Where metrics are served: an address of this machine and a port, 0 for any free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ObservingSettings:
    """metrics: None where none are served. traces_url: where spans are sent, None where none are made."""

    log_format: Format = "text"
    log_level: str = "INFO"
    metrics: Listening | None = None
    traces_url: str | None = None


def read_observing(environment: Mapping[str, str]) -> ObservingSettings:
    """Return the settings of the environment. Raises HomeNotReady naming the one that is wrong."""
    form = environment.get("LOG_FORMAT") or "text"
    level = (environment.get("LOG_LEVEL") or "INFO").upper()
    if form not in ("text", "json"):
        raise HomeNotReady(f"LOG_FORMAT must be text or json, not {form!r}")
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise HomeNotReady(f"LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {level!r}")
    return ObservingSettings(
        log_format="json" if form == "json" else "text",
        log_level=level,
        metrics=_listening(environment.get("METRICS_LISTEN", "")),
        traces_url=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
    )


def _listening(value: str) -> Listening | None:
    if not value.strip():
        return None
    host, _, port = value.strip().rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise HomeNotReady(f"METRICS_LISTEN must be an address and a port such as 127.0.0.1:9464, not {value!r}")
    return Listening(host.strip("[]"), int(port))
