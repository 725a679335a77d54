"""What is counted in memory since the process tree began: each figure with its labels."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ingest.timings import STAGES
from ocr.reader import ENDED

PAGE_OUTCOMES = ("read", "blank", "failed")
ITEM_OUTCOMES = ("deposited", "linked", "stopped", "rejected", "deferred", "spread")
STORES = ("archive", "restricted", "staging")

# Seconds. A page takes half a second to a few; a stage of a long document, minutes; a put, milliseconds.
_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Meters:
    """The counters of one process tree, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "sohoa_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "sohoa_http_request_seconds",
            "Seconds to a request's answer, by route template.",
            ["route"],
            buckets=_SHORT,
            registry=self.registry,
        )
        self._stages = Histogram(
            "sohoa_stage_seconds",
            "Seconds of one stage of an item.",
            ["stage"],
            buckets=_LONG,
            registry=self.registry,
        )
        self._pages = Counter(
            "sohoa_pages", "Pages read, by what became of them.", ["outcome"], registry=self.registry
        )
        self._page_seconds = Histogram(
            "sohoa_page_seconds", "Seconds to read one page.", buckets=_LONG, registry=self.registry
        )
        self._items = Counter(
            "sohoa_items_ended", "Items worked, by how the work ended.", ["outcome"], registry=self.registry
        )
        self._sweeps = Counter("sohoa_sweeps", "Sweeps of the work list for lost leases.", registry=self.registry)
        self._returned = Counter(
            "sohoa_leases_returned", "Work given back because its worker was gone.", registry=self.registry
        )
        self._jail_kills = Counter(
            "sohoa_jail_kills", "Acts in the jail that were ended, by reason.", ["why"], registry=self.registry
        )
        self._store = Counter(
            "sohoa_store_acts", "Acts of the object stores.", ["store", "act", "outcome"], registry=self.registry
        )
        self._store_seconds = Histogram(
            "sohoa_store_seconds",
            "Seconds of one act of an object store.",
            ["store", "act"],
            buckets=_SHORT,
            registry=self.registry,
        )
        self._started = Gauge(
            "sohoa_start_time_seconds", "When this process tree began, in seconds of 1970.", registry=self.registry
        )
        self._started.set_to_current_time()
        self._show_zeros()

    def _show_zeros(self) -> None:
        """Show what alarms look at before it first happens: a counter that appears with 1 never seems to rise."""
        for stage in STAGES:
            self._stages.labels(stage)
        for outcome in PAGE_OUTCOMES:
            self._pages.labels(outcome)
        for outcome in ITEM_OUTCOMES:
            self._items.labels(outcome)
        for error in ENDED:
            self._jail_kills.labels(error.code)
        for store in STORES:
            for act in ("put", "head", "read", "read_range", "list"):
                for outcome in ("ok", "store-unavailable", "failed"):
                    self._store.labels(store, act, outcome)
            for act in ("read", "read_range"):
                for outcome in ("object-not-found", "digest-mismatch"):
                    self._store.labels(store, act, outcome)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; status 0: the connection broke before an answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def store_act(self, store: str, act: str, outcome: str, seconds: float) -> None:
        """Count one act of a store."""
        self._store.labels(store, act, outcome).inc()
        self._store_seconds.labels(store, act).observe(seconds)

    def hear(self, measure: str, label: str, amount: float) -> None:
        """Take one measurement of `ingest.timings`, from here or from a datagram; a strange one is dropped."""
        if measure == "stage" and label in STAGES:
            self._stages.labels(label).observe(amount)
        elif measure == "page" and label in PAGE_OUTCOMES:
            self._pages.labels(label).inc()
            self._page_seconds.observe(amount)
        elif measure == "item":
            self._items.labels(label).inc()
        elif measure == "sweep":
            self._sweeps.inc()
            self._returned.inc(amount)
        elif measure == "jail":
            self._jail_kills.labels(label).inc()
        elif measure == "store" and label.count(" ") == 2:
            store, act, outcome = label.split(" ")
            self.store_act(store, act, outcome, amount)
