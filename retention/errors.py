"""What can go wrong in retention: the class is the meaning, `code` its stable slug."""


class RetentionError(Exception):
    """Root of every error of retention."""

    code = "retention-error"


class ScheduleInvalid(RetentionError):
    """A file of rules can't be used: a field is missing, a date is impossible, two rules collide."""

    code = "schedule-invalid"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class HoldRefused(RetentionError):
    """A hold can't be placed or lifted as asked."""

    code = "hold-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
