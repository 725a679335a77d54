"""Every rule in force gives one verdict a page; what cannot be told says why; pages are seen among the others."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import cv2
import ladder
import numpy as np
import pytest

from ocr.images import StoredImage
from ocr.page import CaptureProbe, PageText
from ocr.quality.image import ImageQuality
from ocr.quality.measures import measure_quality
from ocr.quality.rules import shipped_rules
from ocr.quality.verdicts import Verdict, counted, judge
from ocr.quality.words import NOT_APPLICABLE, sentences

ON = date(2026, 3, 2)
RULES = shipped_rules()


@pytest.fixture(scope="module")
def good() -> ImageQuality:
    made = ladder.base(0, 200)
    found = ladder.as_scanned(ladder.worn(made, 1), made)
    return measure_quality(found.image, found.page, capture=found.capture)


def outcomes(verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    return {verdict.rule: verdict.outcome for verdict in verdicts}


def of_pixels(
    pixels: np.ndarray, colour: str = "grey", *, dpi: tuple[float, float] = (200.0, 200.0)
) -> ImageQuality:
    height, width = pixels.shape[:2]
    capture = CaptureProbe(0, width, height, min(dpi), colour, "0" * 64)  # type: ignore[arg-type]  # a colour
    return measure_quality(StoredImage(pixels, *dpi), None, capture=capture)


def test_every_rule_in_force_gives_every_page_one_verdict(good: ImageQuality) -> None:
    unseen = of_pixels(np.full((40, 40), 255, np.uint8), "bitonal")
    for kind in ("document", "map", "drawing", "photo"):
        expected = [rule.id for rule in RULES if rule.holds_for(kind, ON)]  # type: ignore[arg-type]  # kinds
        judged = judge([good, None, unseen], kind, ON, RULES)  # type: ignore[arg-type]
        assert [[verdict.rule for verdict in page] for page in judged] == [expected] * 3
        for verdict in (one for page in judged for one in page):
            assert (verdict.outcome == "pass") == (verdict.reason == "")
            if verdict.outcome == "not-applicable":
                assert verdict.value is None
                assert verdict.reason in NOT_APPLICABLE
            assert all(sentences(verdict)) == (verdict.outcome != "pass")


def test_a_page_that_could_not_be_measured_passes_nothing() -> None:
    (verdicts,) = judge([None], "document", ON, RULES)
    assert {(v.outcome, v.reason) for v in verdicts} == {("not-applicable", "not-measured")}


def test_no_rule_is_applied_before_it_is_in_force(good: ImageQuality) -> None:
    assert judge([good], "document", date(2019, 1, 1), RULES) == [()]


def test_measures_come_back_from_json_and_verdicts_fit_into_it(good: ImageQuality) -> None:
    packed = json.loads(json.dumps(good.to_json()))
    assert ImageQuality.from_json(packed).to_json() == packed
    for verdict in judge([good], "document", ON, RULES)[0]:
        assert json.loads(json.dumps(verdict.to_json())) == verdict.to_json()


def test_a_rule_that_decides_nothing_in_a_batch_is_told(good: ImageQuality) -> None:
    unread = replace(good, turns_needed=None, unmeasured={**good.unmeasured, "turns_needed": "unread"})
    batch = [*judge([unread] * 3, "document", ON, RULES), *judge([unread], "document", ON, RULES)]
    assert silent(batch) == ("jpeg-damage", "upright")  # these pages never were JPEG
    assert silent(judge([good] * 3, "document", ON, RULES)) == ("jpeg-damage",)


def silent(pages: Sequence[Sequence[Verdict]]) -> tuple[str, ...]:
    counts = counted((verdict.rule, verdict.outcome) for page in pages for verdict in page)
    return tuple(one.rule for one in counts if one.never_evaluated)


def test_how_often_a_rule_failed_is_a_share_of_the_pages_it_decided_on() -> None:
    (count,) = counted([("skew", "pass"), ("skew", "fail"), ("skew", "not-applicable"), ("skew", "pass")])
    assert (count.passed, count.failed, count.not_applicable) == (2, 1, 1)
    assert round(count.failed_share, 3) == 0.333


def test_a_longer_page_is_told_once_and_a_larger_one_as_a_jump(good: ImageQuality) -> None:
    assert good.short_mm
    assert good.long_mm
    longer = replace(good, long_mm=good.long_mm * 1.1)
    larger = replace(good, short_mm=good.long_mm, long_mm=good.short_mm * 2)
    judged = [outcomes(page) for page in judge([good, good, good, longer, larger], "document", ON, RULES)]
    seen = [(page["double-feed-length"], page["page-size"]) for page in judged]
    assert seen == [("pass", "pass")] * 3 + [("fail", "pass"), ("pass", "fail")]


def test_sizes_of_two_pages_are_not_compared(good: ImageQuality) -> None:
    judged = judge([good, good], "document", ON, RULES)
    assert outcomes(judged[1])["page-size"] == "not-applicable"


def test_a_blank_back_is_as_it_should_be_and_a_blank_front_is_not(good: ImageQuality) -> None:
    empty = replace(good, blank=True)
    both = [outcomes(page)["blank-front"] for page in judge([good, empty, empty, good], "document", ON, RULES)]
    assert both == ["pass", "pass", "fail", "pass"]
    fronts = judge([good, empty], "document", ON, RULES, sides=1)
    assert outcomes(fronts[1])["blank-front"] == "fail"


def test_a_blank_page_is_not_measured_by_its_letters() -> None:
    found = of_pixels(np.full((2339, 1654), 250, np.uint8))
    assert found.blank
    assert (found.blur_mm, found.skew_deg, found.cut_letters, found.turns_needed) == (None,) * 4
    assert found.unmeasured["blur_mm"] == "blank"
    assert found.sheet_step_levels == 0
    assert found.border_mm == 0


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (63, 64), (64, 64), (70, 3000), (2000, 65, 3)])
def test_an_image_of_any_size_is_measured(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    for pixels in (noise, np.zeros_like(noise), np.full_like(noise, 128)):
        found = of_pixels(pixels, "colour" if noise.ndim == 3 else "grey")
        assert {name for name in found.unmeasured} <= set(ImageQuality.__dataclass_fields__)


def test_a_fax_is_measured_by_its_coarser_direction() -> None:
    made = ladder.base(0, 200)
    fine = ladder.worn(made, 1, colour="bitonal")
    found = of_pixels(np.ascontiguousarray(fine[::2]), "bitonal", dpi=(200.0, 100.0))
    assert found.dpi_claimed == 100
    assert found.long_mm == pytest.approx(297, abs=1)
    assert found.unmeasured["blur_mm"] == "bitonal"
    assert not found.cut_letters


def test_an_unread_page_has_no_orientation() -> None:
    made = ladder.base(0, 200)
    found = ladder.as_scanned(ladder.worn(made, 1), made)
    unread = measure_quality(found.image, None, capture=found.capture)
    assert unread.turns_needed is None
    assert unread.unmeasured["turns_needed"] == "unread"
    assert unread.skew_deg == pytest.approx(found.page.skew_deg if found.page else 0, abs=0.2)
    few = PageText(unread.width_px, unread.height_px, 200, 0, 0.0, found.page.blocks[:3] if found.page else ())
    assert measure_quality(found.image, few, capture=found.capture).unmeasured["dpi_off_pct"] == "few-words"


def inked(pixels: np.ndarray, ink: int) -> np.ndarray:
    return (255 - (255 - pixels.astype(np.float32)) * (255 - ink) / 235).astype(np.uint8)


@pytest.mark.parametrize("ink", [120, 170, 200])
def test_pale_ink_is_no_blur_and_hides_none(ink: int) -> None:
    made = ladder.base(1, 200)
    pale = inked(ladder.worn(made, 3), ink)
    spreads = []
    for pixels in (pale, cv2.GaussianBlur(pale, (0, 0), 0.4 / 25.4 * 200)):
        found = ladder.as_scanned(pixels, made)
        spreads.append(measure_quality(found.image, found.page, capture=found.capture).blur_mm)
    assert spreads[0] is not None
    assert spreads[1] is not None
    assert spreads[0] < 0.1
    assert spreads[1] > 0.2


@pytest.mark.parametrize("dpi", [150, 200, 300])
def test_a_page_blurred_beyond_reading_is_still_told(dpi: int) -> None:
    made = ladder.base(1, dpi)
    found = ladder.as_scanned(cv2.GaussianBlur(ladder.worn(made, 3), (0, 0), 0.9 / 25.4 * dpi), made)
    spread = measure_quality(found.image, found.page, capture=found.capture).blur_mm
    assert spread is not None
    assert spread > 0.5


def test_bytes_that_are_no_jpeg_say_nothing_of_tables() -> None:
    made = ladder.base(0, 200)
    found = ladder.as_scanned(ladder.worn(made, 1), made)
    for encoded in (b"II*\0", b"\xff\xd8\xff", b"\xff\xd8" + bytes(40)):
        seen = measure_quality(found.image, found.page, capture=found.capture, encoded=encoded)
        assert seen.jpeg_quality is None
        assert seen.unmeasured["jpeg_quality"] == "no-jpeg"
