"""Laws of the three verdicts, for whatever a jail may have told: nothing is valid that was not shown to be so."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.pades.claims import Chain, ClaimedSignature, Claims, ClaimsUnreadable, Ended, Problem
from search_api.copies.verify import Report, exit_code, judge
from search_api.copies.verify_words import SENTENCES, Verdict

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
TIMES = st.none() | st.sampled_from([NOW - timedelta(days=9), NOW + timedelta(days=9)])
SIGNATURES = st.builds(
    ClaimedSignature,
    field=st.sampled_from(["CopySignature", "DigitizerSignature", "AgencySignature", "Signature1"]),
    subject=st.none() | st.just("CN=Sở A"),
    valid_until=TIMES,
    signed_at=TIMES,
    stamped_at=TIMES,
    integrity=st.sampled_from(["intact", "broken", "unchecked"]),
    coverage=st.sampled_from(["file", "revision", "part", "unchecked"]),
    locked=st.booleans(),
    weak=st.sampled_from([(), ("sha1",)]),
    unchecked=st.sampled_from([(), ("token",)]),
    time_stamp=st.sampled_from([None, "intact", "broken", "unchecked"]),
    chain=st.sampled_from(get_args(Chain)),
    demo=st.booleans(),
)
CLAIMS = st.builds(
    Claims,
    problem=st.none() | st.sampled_from([*get_args(Problem), *get_args(Ended)]),
    signatures=st.lists(SIGNATURES, max_size=3).map(tuple),
    serials=st.just(()),
)
SOUND = ClaimedSignature(
    "CopySignature",
    None,
    NOW + timedelta(days=9),
    NOW,
    None,
    "intact",
    "file",
    locked=True,
    weak=(),
    unchecked=(),
    time_stamp=None,
    chain="chained",
    demo=False,
)
ANSWER: dict[str, Any] = {"problem": None, "signatures": [], "serials": []}


@given(CLAIMS, st.booleans())
def test_without_a_register_nothing_is_whole_and_nothing_in_force(claims: Claims, with_roots: bool) -> None:
    report = judge(claims, sha256="0" * 64, engine=None, with_roots=with_roots, now=NOW)

    assert report.integrity.verdict != "valid"
    assert report.status.verdict == "unchecked"
    assert exit_code(report) in (3, 4)
    for verdict in (report.integrity, report.status, report.issuer):
        assert verdict.reason in SENTENCES
    if report.issuer.verdict == "valid":
        assert with_roots
        assert any(one.chain == "chained" and one.integrity == "intact" for one in claims.signatures)


@pytest.mark.parametrize(
    "name",
    [
        one.name
        for one in fields(ClaimedSignature)
        if one.name not in ("subject", "demo", "signed_at", "stamped_at")
    ],
)
def test_each_single_fault_of_a_sound_signature_shows(name: str) -> None:
    worse: dict[str, Any] = {
        "field": "Signature1",
        "valid_until": NOW - timedelta(days=1),
        "integrity": "broken",
        "coverage": "revision",
        "locked": False,
        "weak": ("sha1",),
        "unchecked": ("token",),
        "time_stamp": "broken",
        "chain": "foreign",
    }
    sound = {one.name: getattr(SOUND, one.name) for one in fields(ClaimedSignature)}

    def judged(signature: ClaimedSignature) -> Report:
        return judge(Claims(signatures=(signature,)), sha256="0", engine=None, with_roots=True, now=NOW)

    good, bad = judged(SOUND), judged(ClaimedSignature(**{**sound, name: worse[name]}))

    assert (good.integrity.verdict, good.issuer) == ("unchecked", Verdict("valid", "trusted"))
    if name in ("valid_until", "chain"):
        assert bad.issuer.verdict != "valid"
    else:
        assert bad.integrity.verdict == "invalid"


def test_the_exit_code_is_that_of_the_worst_verdict() -> None:
    good, bad, open_ = Verdict("valid", "trusted"), Verdict("invalid", "empty"), Verdict("unchecked", "no-roots")

    assert [
        exit_code(Report(*three))
        for three in (
            (good, good, good),
            (good, bad, open_),
            (bad, bad, bad),
            (good, open_, good),
            (open_, open_, open_),
        )
    ] == [0, 3, 3, 4, 4]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "claims",
        {},
        {**ANSWER, "problem": "timed-out"},
        {**ANSWER, "problem": ["damaged"]},
        {**ANSWER, "signatures": [{}]},
        {**ANSWER, "signatures": {"field": "CopySignature"}},
        {**ANSWER, "serials": ["a\0" * 13]},
        {**ANSWER, "serials": "a" * 26},
    ],
)
def test_an_answer_that_no_examination_gives_is_not_taken(told: Any) -> None:
    with pytest.raises(ClaimsUnreadable):
        Claims.from_json(told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chain", "valid"),
        ("chain", ["chained"]),
        ("signed_at", "2026-11-24T10:04:05"),
        ("signed_at", "yesterday"),
        ("signed_at", 5),
        ("integrity", None),
        ("weak", "sha1"),
        ("subject", {"CN": "Sở A"}),
        ("surplus", 1),
    ],
)
def test_a_signature_told_in_another_shape_is_not_taken(name: str, value: Any) -> None:
    plain = {
        one.name: moment.isoformat() if isinstance(moment := getattr(SOUND, one.name), datetime) else moment
        for one in fields(ClaimedSignature)
    }
    told = {**plain, "weak": [], "unchecked": []}
    assert Claims.from_json({**ANSWER, "signatures": [told]}).signatures == (SOUND,)

    with pytest.raises(ClaimsUnreadable):
        Claims.from_json({**ANSWER, "signatures": [{**told, name: value}]})
