"""Traces of requests, for those who run a collector: an extra that the program does without.

Switched on by OTEL_EXPORTER_OTLP_ENDPOINT; the packages come with `pip install 'sohoa[tracing]'`. A span carries
the route's template and the status, never a path, a query or a header: the framework's own instrumentation writes
the whole address, so those attributes are taken out before a span leaves.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from fastapi import FastAPI

from archive.errors import HomeNotReady

_NEEDED = (
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.instrumentation.fastapi",
)
# What a client cannot write freely into; everything else is taken out, whatever a later version adds.
_KEPT = frozenset(
    (
        "http.flavor",
        "http.method",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.scheme",
        "http.status_code",
        "network.protocol.version",
        "url.scheme",
    )
)
_HIDDEN = "(not kept)"


def trace_requests(app: FastAPI, endpoint: str | None) -> Callable[[], None]:
    """Send a span for each request to a collector, if there is one; return what flushes and ends that.

    Raises HomeNotReady when an endpoint is set and the extra is not installed.
    """
    if endpoint is None:
        return lambda: None
    sdk, exporting, instrumentation = (_load(name) for name in _NEEDED)
    export = import_module("opentelemetry.sdk.trace.export")
    resources = import_module("opentelemetry.sdk.resources")
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": "sohoa"}))
    address = f"{endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(export.BatchSpanProcessor(exporting.OTLPSpanExporter(endpoint=address)))
    instrumentation.FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        server_request_hook=_hide,
        exclude_spans=["receive", "send"],
        excluded_urls="health",
    )

    def end() -> None:
        instrumentation.FastAPIInstrumentor.uninstrument_app(app)
        provider.shutdown()

    return end


def _load(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise HomeNotReady(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but what sends traces is not installed; "
            "run `pip install 'sohoa[tracing]'`, or unset it"
        ) from error


def _hide(span: Any, _scope: dict[str, Any]) -> None:
    for name in (span.attributes or {}).keys() - _KEPT:
        span.set_attribute(name, _HIDDEN)
