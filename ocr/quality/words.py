"""What is said of a page to whoever scans: for every rule's failure, and for every reason a rule had no say."""

from collections.abc import Mapping
from typing import Final

from ocr.quality.rules import Comparison
from ocr.quality.verdicts import Verdict

# slug: (Vietnamese, English). {value} and {threshold} come from the verdict.
FAILURES: Final = {
    "quality-resolution-document": (
        "Độ phân giải ghi trong tệp là {value} dpi, cần ít nhất {threshold} dpi: quét lại",
        "the file states {value} dpi, at least {threshold} are needed: scan it again",
    ),
    "quality-resolution-drawing": (
        "Bản đồ, bản vẽ quét {value} dpi, cần ít nhất {threshold} dpi: quét lại",
        "a map or drawing at {value} dpi, at least {threshold} are needed: scan it again",
    ),
    "quality-resolution-photo": (
        "Ảnh quét {value} dpi, cần ít nhất {threshold} dpi: quét lại",
        "a photograph at {value} dpi, at least {threshold} are needed: scan it again",
    ),
    "quality-resolution-map-environment": (
        "Bản đồ giấy của ngành môi trường quét {value} dpi, cần ít nhất {threshold} dpi: quét lại",
        "a paper map of the environment sector at {value} dpi, at least {threshold} are needed: scan it again",
    ),
    "quality-resolution-stated": (
        "Tệp không ghi độ phân giải: kiểm tra thiết lập máy quét",
        "the file states no resolution: check the scanner's settings",
    ),
    "quality-resolution-true": (
        "Độ phân giải ghi trong tệp lệch {value} % so với cỡ chữ và khổ giấy: kiểm tra thiết lập máy quét",
        "the resolution stated is {value} % off by the size of letters and paper: check the scanner's settings",
    ),
    "quality-colour-depth": (
        "Ảnh {value} bit, quy định là ảnh màu {threshold} bit: xem có cần quét lại màu không",
        "an image of {value} bits, the rule is colour with {threshold}: see whether to scan it again in colour",
    ),
    "quality-sharpness": (
        "Chữ bị nhòe {value} mm, nhiều nhất {threshold} mm: lau kính, quét lại",
        "letters are blurred by {value} mm, at most {threshold}: clean the glass, scan it again",
    ),
    "quality-skew": (
        "Trang nghiêng {value}°, nhiều nhất {threshold}°: xem có cần quét lại không",
        "the page is tilted by {value}°, at most {threshold}: see whether to scan it again",
    ),
    "quality-text-cut": (
        "{value} chữ bị cắt ở mép ảnh: đặt lại giấy, quét lại",
        "{value} letters are cut by the image's edge: lay the paper anew, scan it again",
    ),
    "quality-blank-front": (
        "Mặt trước trắng: xem giấy có bị úp ngược hoặc thiếu trang không",
        "the front is blank: see whether the sheet lay face down or a page is missing",
    ),
    "quality-double-feed-edge": (
        "Có mép một tờ khác nằm ngang ảnh: tách các tờ, quét lại",
        "the edge of another sheet runs across the image: part the sheets, scan them again",
    ),
    "quality-double-feed-length": (
        "Trang dài hơn các trang khác {value} %: xem có hai tờ đi cùng nhau không",
        "the page is {value} % longer than the others: see whether two sheets went in at once",
    ),
    "quality-page-size": (
        "Khổ trang lệch {value} % so với các trang khác: xem có đúng tờ, đúng tỷ lệ không",
        "the page's size is {value} % off the others': see that it is the right sheet, at the right scale",
    ),
    "quality-border": (
        "Viền đen rộng {value} mm, nhiều nhất {threshold} mm: xem có cần quét lại không",
        "a dark border of {value} mm, at most {threshold}: see whether to scan it again",
    ),
    "quality-jpeg-damage": (
        "Ảnh bị nén quá mạnh (chất lượng JPEG {value}, cần ít nhất {threshold}): giảm nén, quét lại",
        "the image is squeezed too hard (JPEG quality {value}, at least {threshold}): squeeze less, scan it again",
    ),
    "quality-file-broken": (
        "{value} % cuối ảnh là mảng xám, tệp bị đứt: gửi lại hoặc quét lại",
        "the last {value} % of the image are grey, the file broke off: send or scan it again",
    ),
    "quality-upright": (
        "Trang cần xoay {value} phần tư vòng theo chiều kim đồng hồ mới đọc được: xem lại",
        "the page needs {value} quarter turns clockwise to be upright: look at it",
    ),
}
NOT_APPLICABLE: Final = {
    "bitonal": ("ảnh đen trắng không đo được", "cannot be measured on a bitonal image"),
    "blank": ("trang trắng", "the page is blank"),
    "few-edges": ("quá ít nét chữ để đo", "too few strokes to measure by"),
    "few-pages": ("quá ít trang để so sánh", "too few pages to compare with"),
    "few-words": ("quá ít chữ để đo", "too few words to measure by"),
    "no-jpeg": ("ảnh không phải JPEG", "the image is no JPEG"),
    "no-resolution-stated": ("tệp không ghi độ phân giải", "the file states no resolution"),
    "not-measured": ("trang không đọc được", "the page could not be read"),
    "too-small": ("ảnh quá nhỏ để đo", "the image is too small to measure"),
    "unread": ("trang chưa được đọc", "the page has not been read"),
}

SIGNS: Final[Mapping[Comparison, str]] = {"at-least": "≥", "at-most": "≤", "within": "±"}
UNITS: Final = {  # those that are words, as a person reads them
    "letters": ("chữ", "letters"),
    "levels": ("mức xám", "levels"),
    "quarter turns": ("phần tư vòng", "quarter turns"),
    "1-100": ("trên 100", "of 100"),
    "yes=1": ("(1: có)", "(1: yes)"),
}


def sentences(verdict: Verdict) -> tuple[str, str]:
    """Return (Vietnamese, English) for a failure or a rule that had no say; two empty texts for a pass.

    Failures of an agency's own rules have no words here: their slug is given.
    """
    if verdict.outcome == "pass":
        return "", ""
    if verdict.outcome == "not-applicable":
        return NOT_APPLICABLE.get(verdict.reason, (verdict.reason, verdict.reason))
    return failure(verdict.reason, verdict.value or 0.0, verdict.threshold)


def failure(slug: str, value: float, threshold: float) -> tuple[str, str]:
    """Return (Vietnamese, English) for a failure by its slug."""
    vietnamese, english = FAILURES.get(slug, (slug, slug))
    in_vietnamese, in_english = (
        {"value": decimal(value, language), "threshold": decimal(threshold, language)} for language in ("vi", "en")
    )
    return vietnamese.format(**in_vietnamese), english.format(**in_english)


def threshold_of(verdict: Verdict, language: str) -> str:
    """Return what a verdict's rule asks for: `≥ 200 dpi`."""
    unit = UNITS[verdict.unit][0 if language == "vi" else 1] if verdict.unit in UNITS else verdict.unit
    return f"{SIGNS[verdict.comparison]} {decimal(verdict.threshold, language)} {unit}".rstrip()


def decimal(value: float, language: str) -> str:
    """Return a number with two decimals at most, and the decimal sign of the language: a comma in Vietnamese."""
    number = f"{value:.2f}".rstrip("0").rstrip(".")
    return number.replace(".", ",") if language == "vi" else number
