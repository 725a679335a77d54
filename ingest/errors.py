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
