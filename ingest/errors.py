"""What can go wrong on the way in: the class is the meaning, `code` its stable slug."""


class IngestError(Exception):
    """Root of every error of ingest."""

    code = "ingest-error"


class FolderUnreadable(IngestError):
    """The folder named for intake is not there, or is no folder."""

    code = "folder-unreadable"

    def __init__(self, folder: str) -> None:
        super().__init__(f"no folder that can be read: {folder}")
        self.folder = folder


class ManifestUnreadable(IngestError):
    """The manifest cannot be understood; the batch is refused as a whole and nothing is taken in.

    row: line of the manifest the trouble is in, the heading being 1; None for the file as a whole.
    """

    code = "manifest-unreadable"

    def __init__(self, reason: str, *, row: int | None = None) -> None:
        super().__init__(f"row {row}: {reason}" if row is not None else reason)
        self.reason = reason
        self.row = row


class FileUnreadable(IngestError):
    """A file of the folder cannot be opened or read through: no permission, a damaged disk, or it is gone."""

    code = "file-unreadable"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"the file cannot be read: {file}: {reason}")
        self.file = file
        self.reason = reason


class StillBeingWritten(IngestError):
    """A file kept changing for as long as intake was willing to wait."""

    code = "still-being-written"

    def __init__(self, file: str) -> None:
        super().__init__(f"the file is still being written: {file}; take it in again when it is complete")
        self.file = file


class LeaseLost(IngestError):
    """Another worker holds the work by now; nothing of this one's may be written."""

    code = "lease-lost"

    def __init__(self, work_item_id: str) -> None:
        super().__init__(f"another worker holds work item {work_item_id}")
        self.work_item_id = work_item_id


class BatchHalted(IngestError):
    """A batch was paused or cancelled while something of it was under way; state: which."""

    code = "batch-halted"

    def __init__(self, batch_id: str, state: str) -> None:
        super().__init__(f"batch {batch_id} is {state}")
        self.batch_id = batch_id
        self.state = state


class BatchNotNow(IngestError):
    """A batch is in a state that does not allow the act."""

    code = "batch-not-now"

    def __init__(self, act: str, state: str) -> None:
        super().__init__(f"a batch that is {state} cannot be told to {act}")
        self.act = act
        self.state = state
        self.reason = str(self)


class MarkFound(IngestError):
    """A later reading sees a mark of secrecy on a kept record: nothing of it is deposited, a person decides.

    page: from 1. mark: which, as a slug.
    """

    code = "mark-found"

    def __init__(self, record_id: str, page: int, mark: str) -> None:
        super().__init__(f"page {page} of {record_id} was read with the mark {mark}; nothing was deposited")
        self.record_id, self.page, self.mark = record_id, page, mark


class RereadingFailed(IngestError):
    """No page of a record could be read again. failure: the slug of the first page's."""

    code = "rereading-failed"

    def __init__(self, record_id: str, failure: str | None) -> None:
        super().__init__(f"no page of {record_id} could be read again ({failure}); its text stays as it is")
        self.record_id, self.failure = record_id, failure


class CapturesDiffer(IngestError):
    """A received file is not taken apart into the images it was at deposit: its pages cannot be told apart."""

    code = "captures-differ"

    def __init__(self, record_id: str, page: int) -> None:
        super().__init__(f"page {page} of {record_id} is another image than at deposit; it was not read again")
        self.record_id, self.page = record_id, page


class RoomShort(IngestError):
    """A place has less room than a batch needs; nothing of it was taken in. needed, free: bytes."""

    code = "room-short"

    def __init__(self, place: str, needed: int, free: int) -> None:
        super().__init__(f"the {place} needs {needed} bytes for this batch and has {free} free; give it room")
        self.place = place
        self.needed = needed
        self.free = free


class UploadRefused(IngestError):
    """An uploaded form can't be a batch: a field is unknown, a name can't be a path, two files have one name."""

    code = "upload-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BrokerUnavailable(IngestError):
    """The broker cannot be reached. Work goes on without it: `sohoa work` drains the same list."""

    code = "broker-unavailable"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the broker at {url} cannot be reached: {reason}; start it or mend INGEST_BROKER_URL")
        self.url = url
        self.reason = reason


class BrokerUnfit(IngestError):
    """The broker answers and will not do: wrong password or virtual host, queues of another kind or none."""

    code = "broker-unfit"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the broker at {url} will not do: {reason}")
        self.url = url
        self.reason = reason
