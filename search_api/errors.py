"""What can go wrong in finding, certifying and verifying: the class is the meaning, `code` its stable slug."""


class SearchApiError(Exception):
    """Root of every error this package raises on purpose."""

    code = "search-api-error"


class QueryInvalid(SearchApiError):
    """A query can't be understood or is too long; position counts characters from 0."""

    code = "query-invalid"

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason if position is None else f"{reason} (at character {position + 1})")
        self.reason = reason
        self.position = position


class CursorInvalid(SearchApiError):
    """A cursor was not given out for this query and caller, or the index was rebuilt since."""

    code = "cursor-invalid"

    def __init__(self) -> None:
        super().__init__("the cursor is not one of this query; start again without it")


class IndexUnavailable(SearchApiError):
    """The index cannot be opened, read or written; the archive itself is not concerned."""

    code = "index-unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the search index cannot be used: {reason}")
        self.reason = reason


class IndexUnfit(IndexUnavailable):
    """The engine behind the index is not one we can use until somebody mends something; the reason says what."""

    code = "index-unfit"


class RequestInvalid(SearchApiError):
    """A request for a copy lacks something or says something that can't be."""

    code = "request-invalid"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class CopyInvalid(SearchApiError):
    """A copy just signed, or found where it belongs, is not what its reservation says; it is never issued."""

    code = "copy-invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the signed copy does not pass: {reason}")
        self.reason = reason


class CopyObjectTaken(SearchApiError):
    """Another object stands under the key of a copy; nothing is written over it."""

    code = "copy-object-taken"

    def __init__(self, key: str) -> None:
        super().__init__(f"another object stands under {key}; look at it, then ask for the copy again")
        self.key = key


class CopyRefused(SearchApiError):
    """A rule forbids the copy; rule is its name, citation where it is written."""

    code = "copy-refused"

    def __init__(self, rule: str, reason: str, citation: str) -> None:
        super().__init__(f"{reason} ({citation})")
        self.rule = rule
        self.reason = reason
        self.citation = citation


class MarkPlacesUnknown(SearchApiError):
    """A record's package does not say which places on page 1 were kept free for the mark and the QR."""

    code = "mark-places-unknown"

    def __init__(self, archive_number: str) -> None:
        super().__init__(
            f"the package of {archive_number} names no places for a copy's mark; take the record in again"
        )
        self.archive_number = archive_number


class NotNow(SearchApiError):
    """The request or copy is not in the state this act needs."""

    code = "not-now"

    def __init__(self, act: str, state: str) -> None:
        super().__init__(f"{act} is not possible in the state {state}")
        self.act = act
        self.state = state


class SecondPersonNeeded(SearchApiError):
    """Who asked for a copy may not approve it."""

    code = "second-person-needed"

    def __init__(self) -> None:
        super().__init__("a copy is approved by another person than the one who asked for it")


class IdempotencyConflict(SearchApiError):
    """An idempotency key was used before with another request."""

    code = "idempotency-conflict"

    def __init__(self) -> None:
        super().__init__("this idempotency key was used before with another request; use a new one")


class RequestInFlight(SearchApiError):
    """The first request under this idempotency key has not been answered yet."""

    code = "request-in-flight"

    def __init__(self, retry_after: int) -> None:
        super().__init__("the first request under this idempotency key is still being worked on; ask again")
        self.retry_after = retry_after


class TooManyRequests(SearchApiError):
    """An address asked more often than it may; retry_after in seconds."""

    code = "too-many-requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after} s")
        self.retry_after = retry_after


class UploadInvalid(SearchApiError):
    """An uploaded body is no form, or not the form this operation takes."""

    code = "upload-invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Interrupted(SearchApiError):
    """A job was told to stop because its process does; what it had begun is not finished."""

    code = "interrupted"

    def __init__(self) -> None:
        super().__init__("the job was interrupted; send the request again")
