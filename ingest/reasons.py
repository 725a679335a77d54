"""Why an item ended where it did: the slug a program reads, and the sentence a person does, in two languages."""

from typing import Literal

Language = Literal["vi", "en"]

_SENTENCES: dict[str, tuple[str, str]] = {
    "empty-file": ("Tệp rỗng, không có byte nào.", "The file is empty."),
    "truncated": (
        "Tệp bị cắt cụt hoặc hỏng cấu trúc; hãy sao chép hoặc quét lại.",
        "The file is cut short or its structure is broken; copy or scan it again.",
    ),
    "wrong-type": (
        "Nội dung không phải PDF, TIFF, JPEG, JPEG 2000 (JP2) hay PNG, dù tên tệp ghi gì.",
        "The content is not PDF, TIFF, JPEG, JPEG 2000 (JP2) or PNG, whatever the name says.",
    ),
    "password-needed": (
        "Tệp PDF có mật khẩu mở; hãy gỡ mật khẩu rồi gửi lại.",
        "The PDF needs a password to open; remove it and send the file again.",
    ),
    "too-many-pages": (
        "Tệp khai số trang vượt giới hạn.",
        "The file claims more pages than the limit.",
    ),
    "too-many-pixels": (
        "Ảnh khai số điểm ảnh vượt giới hạn.",
        "An image claims more pixels than the limit.",
    ),
    "input-rejected": ("Tệp không nhận được.", "The file cannot be taken in."),
    "file-unreadable": (
        "Không đọc được tệp từ thư mục (quyền truy cập, lỗi đĩa, hoặc tệp đã bị dời đi).",
        "The file could not be read from the folder (permission, disk fault, or it is gone).",
    ),
    "still-being-written": (
        "Tệp vẫn đang được ghi; hãy nhận lại khi đã chép xong.",
        "The file is still being written; take it in again when it is complete.",
    ),
    "duplicate": (
        "Tệp trùng từng byte với tài liệu đã có trong kho; đã liên kết, không đọc lại.",
        "The file is byte for byte a record already held; it was linked, not read again.",
    ),
    "owner-password": (
        "Tệp PDF có mật khẩu hạn chế quyền; đã nhận, cần người xem lại.",
        "The PDF restricts use with an owner password; taken in for review.",
    ),
    "signed-input": (
        "Tệp nhận vào có chữ ký số; đã giữ nguyên từng byte, kiểm tra và ghi nhận chữ ký, cần người xem lại.",
        "The incoming file is digitally signed; kept byte-exact, its signature validated and recorded.",
    ),
    "no-row": (
        "Tệp không có dòng nào trong bảng kê.",
        "No row of the manifest names this file.",
    ),
    "no-file": (
        "Bảng kê có dòng này nhưng không có tệp.",
        "The manifest has this row but there is no such file.",
    ),
    "repeated-row": (
        "Bảng kê ghi tệp này nhiều lần; dòng đầu được dùng.",
        "The manifest names this file more than once; the first row was used.",
    ),
    "impossible-date": (
        "Bảng kê có ngày không tồn tại; giá trị gốc được giữ để người xem lại.",
        "The manifest has an impossible date; the raw value is kept for review.",
    ),
    "unknown-code": (
        "Bảng kê có mã không nằm trong danh mục.",
        "The manifest has a code that is in no list.",
    ),
    "not-a-number": ("Bảng kê có số không đọc được.", "The manifest has an unreadable number."),
    "value-too-long": (
        "Bảng kê có giá trị dài hơn quy định; giá trị gốc được giữ để người xem lại.",
        "The manifest has a value longer than its field; the raw value is kept for review.",
    ),
    "closed-on-disagrees": (
        "Ngày kết thúc hồ sơ khác với hồ sơ đã có.",
        "The closing date differs from the archival file's.",
    ),
    "code-number-disagrees": (
        "Số văn bản đọc được khác với bảng kê.",
        "The number read differs from the manifest.",
    ),
    "code-notation-disagrees": (
        "Ký hiệu đọc được khác với bảng kê.",
        "The notation read differs from the manifest.",
    ),
    "issued-on-disagrees": (
        "Ngày ban hành đọc được khác với bảng kê.",
        "The date of issue read differs from the manifest.",
    ),
    "doubtful-page": (
        "Có trang đọc không chắc hoặc ảnh không đạt, cần xem lại; lý do ghi ở từng trang.",
        "A page is read without confidence, or its image should be scanned again; each page says why.",
    ),
    "failed-page": (
        "Có trang không đọc được; người chấp nhận phải nêu đích danh trang.",
        "A page could not be read; whoever accepts the item must name that page.",
    ),
    "page-failed": ("Không đọc được trang.", "The page could not be read."),
    "page-timed-out": (
        "Đọc trang quá thời gian cho phép.",
        "Reading the page took longer than its limit.",
    ),
    "page-out-of-memory": (
        "Đọc trang cần nhiều bộ nhớ hơn giới hạn.",
        "Reading the page needed more memory than its limit.",
    ),
    "page-crashed": (
        "Tiến trình đọc trang bị hỏng giữa chừng.",
        "The process reading the page died.",
    ),
    "page-undecodable": (
        "Ảnh của trang không giải mã được; hãy quét lại trang.",
        "The page's image can't be decoded; scan the page again.",
    ),
    "page-unreadable": (
        "Trang có nội dung nhưng không đọc được chữ nào đáng tin.",
        "Something is on the page, but no word of it could be read with any confidence.",
    ),
    "probe-failed": (
        "Không xem được bên trong tệp trong giới hạn thời gian và bộ nhớ.",
        "Looking into the file went beyond the limits on time or memory.",
    ),
    "declared-mat": ("Bảng kê ghi tài liệu MẬT; dừng, chờ người quyết định.", "Declared MẬT (secret)."),
    "declared-toi-mat": ("Bảng kê ghi TỐI MẬT; dừng, chờ người quyết định.", "Declared TỐI MẬT."),
    "declared-tuyet-mat": ("Bảng kê ghi TUYỆT MẬT; dừng, chờ người quyết định.", "Declared TUYỆT MẬT."),
    "declared-khong-duoc-sao": (
        "Bảng kê ghi không được sao; dừng, chờ người quyết định.",
        "Declared not to be copied.",
    ),
    "read-mat": (
        "Trên giấy có dấu MẬT; dừng trước kho lưu trữ, chờ người quyết định.",
        "The paper bears MẬT; stopped before the archive store.",
    ),
    "read-toi-mat": (
        "Trên giấy có dấu TỐI MẬT; dừng trước kho lưu trữ, chờ người quyết định.",
        "The paper bears TỐI MẬT; stopped before the archive store.",
    ),
    "read-tuyet-mat": (
        "Trên giấy có dấu TUYỆT MẬT; dừng trước kho lưu trữ, chờ người quyết định.",
        "The paper bears TUYỆT MẬT; stopped before the archive store.",
    ),
    "read-khong-duoc-sao": (
        "Trên giấy ghi không được sao; dừng trước kho lưu trữ, chờ người quyết định.",
        "The paper must not be copied; stopped before the archive store.",
    ),
    "twin-stopped": (
        "Tệp trùng từng byte với tài liệu đang dừng vì dấu mật; dừng, chờ người quyết định.",
        "The file is byte for byte one that was stopped for a mark of secrecy; a person decides.",
    ),
    "quarantined": (
        "Xử lý thất bại nhiều lần; đã cách ly, chạy «sohoa batch retry» sau khi khắc phục.",
        "Processing failed repeatedly; quarantined. Run `sohoa batch retry` once mended.",
    ),
    "batch-cancelled": (
        "Lô đã bị hủy trước khi tệp được xử lý; lý do ghi ở phần ý kiến.",
        "The batch was cancelled before the file was worked; the reason is in its word.",
    ),
    "surplus": ("Thừa so với bảng kê.", "More than the manifest declares."),
    "missing": ("Thiếu so với bảng kê.", "Fewer than the manifest declares."),
}


# Why the system pauses a batch: a place, and what it refuses.
_PLACES = {
    "store": ("Kho đối tượng", "The object store"),
    "restricted-store": ("Kho riêng của mức 3–4", "The store of levels 3-4"),
    "staging": ("Vùng nhận tệp", "The staging store"),
    "scratch": ("Vùng làm việc tạm", "The scratch folder"),
    "database": ("Cơ sở dữ liệu", "The catalogue"),
}
_REFUSALS = {
    "full": ("hết chỗ; tự tiếp tục khi có chỗ trống.", "is full; work goes on by itself when there is room."),
    "read-only": (
        "không ghi được; tự tiếp tục khi ghi lại được.",
        "can't be written; work goes on by itself when it can.",
    ),
    "io-error": (
        "bị lỗi đĩa khi ghi; tự thử lại, cần người kiểm tra đĩa.",
        "fails while it is written; it is tried again, and somebody should look at the disk.",
    ),
}
_SENTENCES |= {
    f"{place}-{refusal}": (f"{place_vi} {vi}", f"{place_en} {en}")
    for place, (place_vi, place_en) in _PLACES.items()
    for refusal, (vi, en) in _REFUSALS.items()
}


def known_reasons() -> frozenset[str]:
    """Return every slug that has its sentences."""
    return frozenset(_SENTENCES)


def sentence(slug: str, language: Language = "vi") -> str:
    """Return what a reason means; a slug without a sentence of its own is shown as it is."""
    if slug.startswith("failed-page-"):
        number = slug.removeprefix("failed-page-")
        return f"Trang {number} không đọc được." if language == "vi" else f"Page {number} could not be read."
    vi, en = _SENTENCES.get(slug, (slug, slug))
    return vi if language == "vi" else en
