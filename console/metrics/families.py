"""The figures that are read from the database and the parts around it: name, meaning, labels."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One figure. All are gauges: what is so now."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a figure; labels in the order its family names them."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


_ALL = (
    Family("sohoa_up", "Whether a dependency is there (1) or not (0).", ("dependency",)),
    Family("sohoa_reading_ok", "Whether a group of figures could be read (1) or not (0).", ("reading",)),
    Family("sohoa_reading_age_seconds", "How old a group of figures is.", ("reading",)),
    Family("sohoa_items", "Items of batches that are not closed, by state.", ("state",)),
    Family(
        "sohoa_oldest_item_seconds", "Since the oldest such batch with an item in this state came.", ("state",)
    ),
    Family("sohoa_batches", "Batches that are not closed, by state.", ("state",)),
    Family("sohoa_work_items", "Work that is not done, by state and lane.", ("state", "lane")),
    Family(
        "sohoa_oldest_ready_seconds", "How long the longest-waiting work has been ready; 0: none is.", ("lane",)
    ),
    Family("sohoa_expired_leases", "Leases that ran out and were not given back yet."),
    Family("sohoa_copies", "Numbers of the copy registers, by status.", ("status",)),
    Family("sohoa_oldest_reserved_copy_seconds", "How long the oldest number has been reserved; 0: none is."),
    Family("sohoa_copy_requests_overdue", "Requests for copies past their deadline and not decided."),
    Family("sohoa_events", "Events of a stream since the beginning.", ("stream",)),
    Family("sohoa_index_lag_events", "Events that are not in the search index yet."),
    Family("sohoa_index_lag_seconds", "How long ago the oldest event happened that is not in the index; 0: none."),
    Family("sohoa_index_rebuilding", "Whether another generation of the index is being built (1)."),
    Family("sohoa_key_expiry_seconds", "Until a signing certificate or one above it ends.", ("role",)),
    Family(
        "sohoa_api_keys", "API keys that were not revoked: active, expiring within 30 days, expired.", ("state",)
    ),
    Family(
        "sohoa_log_waiting_seconds", "Since the oldest event that is not in the vault; 0: all are.", ("stream",)
    ),
    Family("sohoa_lock_expiry_seconds", "Until the first lock ends that must not; absent: nothing is locked."),
    Family("sohoa_locks_compared_age_seconds", "Since all locks were last compared with their rows."),
    Family("sohoa_fixity_versions", "Stored versions, by the newest check.", ("store", "verdict")),
    Family("sohoa_fixity_oldest_check_seconds", "Since the oldest of the newest checks.", ("store",)),
    Family("sohoa_replica_behind_objects", "Objects without a second copy; absent: no replica is in use."),
    Family("sohoa_replica_behind_seconds", "Since the oldest object without a second copy is there; 0: none is."),
    Family("sohoa_store_canary_age_seconds", "Since the store last proved that its locks hold."),
)
FAMILIES: Mapping[str, Family] = {family.name: family for family in _ALL}
