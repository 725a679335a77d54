"""Why a file or a page could not be read: the class is the meaning, `code` its stable slug."""


class ReadingError(Exception):
    """Root of every error of reading; `code` crosses the jail's pipe and finds the class again."""

    code = "reading-error"


class InputRejected(ReadingError):
    """An incoming file that can't be taken in; the subclasses say why."""

    code = "input-rejected"


class EmptyFile(InputRejected):
    """The file has no bytes."""

    code = "empty-file"


class Truncated(InputRejected):
    """The file ends before its content does, or its structure is broken beyond repair."""

    code = "truncated"


class WrongType(InputRejected):
    """The bytes are not a PDF, TIFF, JPEG, JPEG 2000 (JP2) or PNG, whatever the name says."""

    code = "wrong-type"


class PasswordNeeded(InputRejected):
    """The PDF cannot be opened without its user's password."""

    code = "password-needed"


class TooManyPages(InputRejected):
    """The file claims more pages than the limit."""

    code = "too-many-pages"


class TooManyPixels(InputRejected):
    """An image claims more pixels than the limit; checked before anything is decoded."""

    code = "too-many-pixels"


class ProbeFailed(InputRejected):
    """Looking into the file crashed, or went beyond the limits on time or memory."""

    code = "probe-failed"


class PageFailed(ReadingError):
    """One page could not be read; the subclasses say why. The page is never taken as empty."""

    code = "page-failed"


class PageTimedOut(PageFailed):
    """Reading took longer than the limit for its pixels."""

    code = "page-timed-out"


class PageOutOfMemory(PageFailed):
    """Reading needed more memory than the jail allows."""

    code = "page-out-of-memory"


class PageCrashed(PageFailed):
    """The reading process died."""

    code = "page-crashed"


class PageUndecodable(PageFailed):
    """The page's image can't be decoded."""

    code = "page-undecodable"


class PageUnreadable(PageFailed):
    """Something is written or drawn on the page, but nothing of it could be read with any confidence."""

    code = "page-unreadable"


class PdfaFailed(ReadingError):
    """No rung of the ladder gave a valid PDF/A."""

    code = "pdfa-failed"


class JailUnavailable(ReadingError):
    """The reading process can't be started at all: a fault of the installation, not of the file."""

    code = "jail-unavailable"


class NotRecorded(ReadingError):
    """The replay engine has no recorded reading of this page image."""

    code = "not-recorded"


class UnknownEngine(ReadingError):
    """A setting names an engine that does not exist, or whose language data is missing."""

    code = "unknown-engine"


class QualityRulesInvalid(ReadingError):
    """A file of rules of image quality can't be used; the message names the file and the rule."""

    code = "quality-rules-invalid"

    def __init__(self, path: str, reason: str = "") -> None:
        super().__init__(f"{path}: {reason}" if reason else path)
        self.path = path
        self.reason = reason


def _tree(root: type[ReadingError]) -> dict[str, type[ReadingError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


def by_code(code: str, message: str) -> ReadingError:
    """Return the error a slug names, as it crossed the jail's pipe."""
    return _tree(ReadingError).get(code, PageCrashed)(message)
