"""What a request for a copy must look like, when it is due, and its personal text under seal."""

import json
from datetime import datetime, time, timedelta
from typing import get_args

from archive.access.principals import LEGAL_TIME
from archive.record import SealedText
from archive.sealing import Seal
from search_api.copies.model import Capacity, CopyKind, RequestForm
from search_api.errors import RequestInvalid

CLOSES_AT = time(15)  # CPY-6: what is received later counts as received on the next working day
SEALED_FIELD = "copy-request"
_LENGTHS = {
    "record": 140,
    "purpose": 500,  # CPY-9 purposeContent
    "requester_name": 200,
    "proof": 1000,
    "target_system": 64,
    "target_dossier": 100,
}
_KEY_LENGTH = 128
REASON_CHARACTERS = 1000


def check_form(form: RequestForm, idempotency_key: str | None) -> None:
    """Refuse a form that cannot be stored as it is. Raises RequestInvalid naming the field.

    An empty purpose passes: to say so is for the rule that refuses it.
    """
    if form.kind not in get_args(CopyKind):
        raise RequestInvalid("kind", f"one of {', '.join(get_args(CopyKind))}")
    if form.capacity not in get_args(Capacity):
        raise RequestInvalid("capacity", f"one of {', '.join(get_args(Capacity))}")
    for name, longest in _LENGTHS.items():
        text = getattr(form, name)
        if text is not None:
            _check_line(name, text, longest)
    if not form.record:
        raise RequestInvalid("record", "say of which record")
    if (form.target_system is None) != (form.target_dossier is None):
        raise RequestInvalid("target_dossier", "a dossier is named by its system and its code")
    for name in ("requester_name", "proof", "target_system", "target_dossier"):
        if getattr(form, name) is not None and not getattr(form, name).strip():
            raise RequestInvalid(name, "leave it out or say something")
    if idempotency_key is not None and not _is_key(idempotency_key):
        raise RequestInvalid("idempotency_key", f"1 to {_KEY_LENGTH} printable ASCII characters")


def check_reason(reason: str) -> None:
    """Refuse a reason that says nothing or too much. Raises RequestInvalid."""
    if not reason.strip() or len(reason) > REASON_CHARACTERS or not all(c.isprintable() for c in reason):
        raise RequestInvalid("reason", f"one line of 1 to {REASON_CHARACTERS} characters")


def _check_line(name: str, text: str, longest: int) -> None:
    if len(text) > longest or not all(c.isprintable() for c in text):
        raise RequestInvalid(name, f"one line of at most {longest} characters")


def _is_key(text: str) -> bool:
    return 0 < len(text) <= _KEY_LENGTH and text.isascii() and text.isprintable()


def deadline_of(received_at: datetime) -> datetime:
    """Return until when a request is to be answered: the end of the legal day, or of the next working day.

    CPY-6: the same day; received after 15:00 (+07:00), the next working day, Monday to Friday. What comes in on
    a Saturday or Sunday is due on the Monday. Public holidays are not known here.
    """
    local = received_at.astimezone(LEGAL_TIME)
    day = local.date()
    if local.time() > CLOSES_AT:
        day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime.combine(day, time(23, 59, 59), tzinfo=LEGAL_TIME)


def seal_person(seal: Seal, form: RequestForm) -> str | None:
    """Return requester's name and proof as one sealed text, `version:ciphertext`; None when neither is given."""
    if form.requester_name is None and form.proof is None:
        return None
    text = json.dumps([form.requester_name, form.proof], ensure_ascii=False)
    sealed = seal.seal(SEALED_FIELD, text)
    return f"{sealed.key_version}:{sealed.ciphertext}"


def open_person(seal: Seal, stored: str | None) -> tuple[str | None, str | None]:
    """Return (requester's name, proof) again. Raises PackageInvalid if it was changed or the key is not here."""
    if stored is None:
        return None, None
    version, _, ciphertext = stored.partition(":")
    name, proof = json.loads(seal.open(SEALED_FIELD, SealedText(ciphertext, int(version))))
    return name, proof
