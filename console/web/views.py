"""The public pages themselves: start, serial form, status of a copy, verdicts on a file, and what went wrong."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from archive.access.principals import LEGAL_TIME
from console.web.page import Piece, at, card, element, facts, field, link, page
from console.web.words import say
from console.words.speak import Language
from search_api.copies.public import Disclosed, PublicStatus
from search_api.copies.verify import Report
from search_api.copies.verify_words import Verdict, sentence

SERIAL_GROUP = 4  # letters; as under the QR of a copy


@dataclass(frozen=True, slots=True)
class Frame:
    """How a page is shown. megabytes: the largest file taken for verification."""

    language: Language
    megabytes: int

    def say(self, name: str, **told: object) -> str:
        """Return a phrase."""
        return say(name, self.language, **told)

    def day(self, value: date | None) -> str | None:
        """Return a day as it is written: 24/11/2026."""
        return value.strftime("%d/%m/%Y") if value else None


def start_page(frame: Frame) -> str:
    """What this service is, and the two doors that lead on."""
    return page(
        frame.say("start.title"),
        element("p", frame.say("start.about")),
        card(element("h2", frame.say("start.check")), _serial_form(frame)),
        card(
            element("h2", frame.say("start.api")),
            element("p", link("/api/v1/docs", frame.say("start.api.docs"))),
        ),
        language=frame.language,
        path="/",
    )


def serial_page(frame: Frame) -> str:
    """The form for a serial, and the one for a file."""
    return page(
        frame.say("check.title"),
        card(_serial_form(frame)),
        _file_form(frame, "/v"),
        language=frame.language,
        path="/v",
    )


def status_page(
    frame: Frame,
    status: PublicStatus,
    *,
    disclosed: Disclosed | None = None,
    document_type: str | None = None,
    wrong_value: bool = False,
) -> str:
    """What is public of a copy, more where a printed value was given, and the forms that lead on."""
    path = _path_of(status.serial)
    if disclosed is not None:
        more = card(element("h2", frame.say("more.shown")), _disclosed(frame, disclosed, document_type))
    else:
        more = _value_form(frame, path, wrong=wrong_value)
    return page(
        frame.say("check.title"),
        _large(frame, status.status),
        element("p", frame.say("demo"), class_="demo") if status.demo else "",
        card(element("h2", frame.say("about")), _public(frame, status)),
        more,
        _file_form(frame, path),
        language=frame.language,
        path=path,
    )


def unknown_page(frame: Frame, serial: str) -> str:
    """The answer for a serial that is not in the register, whatever it is."""
    large = card(
        element(
            "p",
            element("span", frame.say("status.unknown"), class_="word"),
            frame.say("status.unknown.said"),
            class_="said",
        ),
        class_="status unchecked",
    )
    return page(
        frame.say("check.title"),
        large,
        element("p", frame.say("status.unknown.help")),
        card(_serial_form(frame)),
        _file_form(frame, "/v"),
        language=frame.language,
        path=_path_of(serial),
    )


def verdicts_page(frame: Frame, report: Report, *, serial: str | None) -> str:
    """The three verdicts on an uploaded file. serial: of the page it was uploaded from."""
    named = (("integrity", report.integrity), ("status", report.status), ("issuer", report.issuer))
    other = serial is not None and report.copy is not None and report.copy.serial != serial
    copy = report.copy
    rows = [
        (frame.say("number"), copy.number_text if copy else None),
        (frame.say("agency"), copy.agency if copy else None),
        (frame.say("signed-by"), _signer(report.subject)),
        (frame.say("signed-at"), _instant(report.signed_at)),
        (frame.say("sha256"), report.sha256),
    ]
    path = _path_of(serial) if serial else "/v"
    return page(
        frame.say("verdicts"),
        element("p", frame.say("file.other"), class_="demo", role="alert") if other else "",
        *(_verdict(frame, name, verdict) for name, verdict in named),
        card(facts(rows, mono=frozenset((frame.say("sha256"),)))),
        _file_form(frame, path),
        element("p", link(at(path, frame.language), frame.say("check.title"))),
        language=frame.language,
        path=path,
    )


def message_page(frame: Frame, said: str, *, path: str) -> str:
    """A page that only says why there is none."""
    return page(
        frame.say("busy"),
        card(element("p", said, class_="said", role="alert"), class_="status unchecked"),
        element("p", link(at("/v", frame.language), frame.say("check.title"))),
        language=frame.language,
        path=path,
    )


def _path_of(serial: str) -> str:
    return f"/v/{quote(serial, safe='')}"


def _large(frame: Frame, verdict: Verdict) -> Piece:
    word = element("span", frame.say(f"status.{verdict.verdict}"), class_="word")
    said = element("p", word, sentence(verdict.reason, frame.language), class_="said")
    return card(said, class_=f"status {verdict.verdict}")


def _verdict(frame: Frame, name: str, verdict: Verdict) -> Piece:
    word = f"{frame.say(f'verdict.{name}')}: {frame.say(f'verdict.{verdict.verdict}')}"
    return card(
        element("h2", word, class_="word"),
        element("p", sentence(verdict.reason, frame.language)),
        class_=f"status {verdict.verdict}",
    )


def _instant(value: datetime | None) -> str | None:
    """Return an instant as the mark of a copy says it, in legal time."""
    return value.astimezone(LEGAL_TIME).strftime("%d/%m/%Y; %H:%M:%S; +07:00") if value else None


def _grouped(serial: str) -> str:
    """Return a serial in the groups it is printed in."""
    return " ".join(serial[start : start + SERIAL_GROUP] for start in range(0, len(serial), SERIAL_GROUP))


def _signer(subject: str | None) -> str | None:
    """Return the name a certificate was given to, out of the whole of what it says."""
    named = [part.strip() for part in (subject or "").split(";")]
    return next(
        (part.removeprefix("Common Name: ") for part in named if part.startswith("Common Name: ")), subject
    )


def _public(frame: Frame, status: PublicStatus) -> Piece:
    return facts(
        [
            (frame.say("kind"), frame.say(f"kind.{status.kind}")),
            (frame.say("agency"), status.agency),
            (frame.say("number"), status.number_text),
            (frame.say("issued"), frame.day(status.issued_on)),
            (frame.say("effect"), frame.say(f"effect.{status.effect}")),
            (frame.say("serial"), _grouped(status.serial)),
        ],
        mono=frozenset((frame.say("serial"),)),
    )


def _disclosed(frame: Frame, told: Disclosed, document_type: str | None) -> Piece:
    number = "/".join(part for part in (told.code_number, told.code_notation) if part)
    return facts(
        [
            (frame.say("document-type"), document_type),
            (frame.say("document-number"), number),
            (frame.say("document-date"), frame.day(told.issued_on)),
            (frame.say("archive-number"), told.archive_number),
            (frame.say("signed-at"), _instant(told.signed_at)),
            (frame.say("sha256"), told.sha256),
        ],
        mono=frozenset((frame.say("sha256"),)),
    )


def _form(frame: Frame, path: str, go: str, *inside: Piece, **attributes: str) -> Piece:
    return element(
        "form",
        *inside,
        element("button", frame.say(go), type="submit"),
        action=at(path, frame.language),
        **attributes,
    )


def _serial_form(frame: Frame) -> Piece:
    serial = field(
        "serial",
        frame.say("check.serial"),
        frame.say("check.serial.hint"),
        autocomplete="off",
        autocapitalize="none",
        spellcheck="false",
        maxlength="64",
    )
    return _form(frame, "/v", "check.serial.go", serial, method="post")


def _value_form(frame: Frame, path: str, *, wrong: bool) -> Piece:
    return card(
        element("h2", frame.say("more.title")),
        element("p", frame.say("more.wrong"), role="alert", class_="demo") if wrong else "",
        _form(
            frame,
            f"{path}/value",
            "more.go",
            field("printed", frame.say("more.label"), frame.say("more.hint"), autocomplete="off", maxlength="200"),
            method="post",
        ),
    )


def _file_form(frame: Frame, path: str) -> Piece:
    hint = frame.say("file.hint", megabytes=frame.megabytes)
    chosen = field("file", frame.say("file.label"), hint, kind="file", accept="application/pdf,.pdf")
    return card(
        element("h2", frame.say("file.title")),
        _form(frame, f"{path}/file", "file.go", chosen, method="post", enctype="multipart/form-data"),
    )
