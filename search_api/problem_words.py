"""What a problem document says to people, by slug: Vietnamese first, English beside it."""

from typing import Literal

Language = Literal["vi", "en"]
INTERNAL = "internal-error"

_WORDS: dict[str, tuple[str, str]] = {
    "act-forbidden": (
        "Khóa truy cập này không có quyền thực hiện thao tác được yêu cầu.",
        "This key has no right to the operation asked for.",
    ),
    "bad-request": ("Yêu cầu không đúng dạng HTTP.", "The request is not well-formed HTTP."),
    "batch-halted": ("Lô đã bị tạm dừng hoặc hủy.", "The batch was paused or cancelled."),
    "batch-not-now": (
        "Trạng thái của lô không cho phép thao tác này.",
        "The batch's state does not allow this operation.",
    ),
    "body-too-large": (
        "Nội dung gửi lên vượt giới hạn của thao tác này.",
        "The body is larger than this operation takes.",
    ),
    "catalogue-busy": (
        "Cơ sở dữ liệu đang bận hoặc tạm thời không dùng được; hãy thử lại.",
        "The catalogue is busy or can't be used for now; try again.",
    ),
    "catalogue-full": (
        "Đĩa của cơ sở dữ liệu hết chỗ; vẫn tra cứu được, chưa ghi được gì. Hãy thử lại sau.",
        "The catalogue's disk is full: it can be searched, nothing can be written. Try again later.",
    ),
    "catalogue-io-error": (
        "Đĩa của cơ sở dữ liệu bị lỗi; hãy báo người quản trị.",
        "The catalogue's disk fails; tell an administrator.",
    ),
    "catalogue-read-only": (
        "Cơ sở dữ liệu đang chỉ đọc; vẫn tra cứu được, chưa ghi được gì. Hãy thử lại sau.",
        "The catalogue is read-only: it can be searched, nothing can be written. Try again later.",
    ),
    "copy-refused": ("Không cấp được bản sao: có quy tắc không cho phép.", "The copy is refused by a rule."),
    "cursor-invalid": (
        "Con trỏ không thuộc câu hỏi này hoặc đã hết hiệu lực; hãy bắt đầu lại không có con trỏ.",
        "The cursor does not belong to this question, or not any more; start again without it.",
    ),
    "event-too-large": (
        "Nội dung quá dài để ghi vào nhật ký; hãy rút gọn.",
        "The text is too long for the log; shorten it.",
    ),
    "folder-unreadable": ("Không đọc được thư mục tải lên.", "The uploaded folder cannot be read."),
    "hold-refused": (
        "Không đặt hoặc gỡ được lệnh tạm giữ như yêu cầu.",
        "The hold cannot be placed or lifted as asked.",
    ),
    "home-not-ready": ("Kho chưa sẵn sàng.", "The archive is not ready."),
    "idempotency-conflict": (
        "Khóa chống lặp này đã dùng cho một yêu cầu khác; hãy dùng khóa mới.",
        "This idempotency key was used with another request; use a new one.",
    ),
    "index-unavailable": (
        "Chỉ mục tìm kiếm tạm thời không dùng được; kho lưu trữ không bị ảnh hưởng.",
        "The search index cannot be used for now; the archive itself is not concerned.",
    ),
    "index-unfit": (
        "Chỉ mục tìm kiếm chưa dùng được cho đến khi người quản trị sửa cấu hình; kho lưu trữ không bị ảnh hưởng.",
        "The search index cannot be used until an administrator mends it; the archive itself is not concerned.",
    ),
    "input-rejected": ("Tệp gửi lên không nhận được.", "The file sent cannot be taken in."),
    INTERNAL: (
        "Có lỗi bên trong hệ thống; hãy báo người quản trị kèm mã yêu cầu.",
        "Something failed inside; tell the administrator the request's id.",
    ),
    "jail-unavailable": (
        "Không khởi động được tiến trình mở tệp an toàn.",
        "The process that opens files safely does not start.",
    ),
    "json-invalid": ("Nội dung không phải JSON hợp lệ.", "The body is not valid JSON."),
    "key-refused": ("Khóa truy cập thiếu hoặc không hợp lệ.", "The API key is missing or not valid."),
    "manifest-unreadable": (
        "Không hiểu được bảng kê; không nhận gì cả. Hãy sửa dòng được nêu rồi gửi lại.",
        "The manifest cannot be understood; nothing was taken in. Mend the row named and send it again.",
    ),
    "mark-places-unknown": (
        "Gói lưu trữ không ghi chỗ trống cho dấu bản sao; cần số hóa lại tài liệu.",
        "The package names no free place for a copy's mark; the record has to be taken in again.",
    ),
    "media-type-unsupported": (
        "Thao tác này không nhận kiểu nội dung đã gửi.",
        "This operation does not take the content type sent.",
    ),
    "method-not-allowed": ("Địa chỉ này không có thao tác đó.", "This address has no such operation."),
    "not-found": (
        "Không có đối tượng nào mang tên này, hoặc bạn không được biết tới.",
        "Nothing has this name, or you may not know of it.",
    ),
    "not-now": (
        "Trạng thái hiện tại không cho phép thao tác này.",
        "The present state does not allow this operation.",
    ),
    "not-ready": ("Chưa sẵn sàng phục vụ.", "Not ready to serve."),
    "object-locked": ("Đối tượng đang bị khóa lưu giữ.", "The object is locked."),
    "page-crashed": ("Tiến trình mở trang bị dừng; hãy thử lại.", "The page's process died; try again."),
    "page-out-of-memory": (
        "Trang cần nhiều bộ nhớ hơn giới hạn.",
        "The page needs more memory than the limit.",
    ),
    "page-timed-out": ("Mở trang quá thời hạn; hãy thử lại.", "Opening the page took too long; try again."),
    "principal-refused": (
        "Không lập được chủ thể, quyền hoặc khóa như yêu cầu.",
        "The principal, grant or key cannot be made as asked.",
    ),
    "purpose-needed": (
        "Tài liệu thuộc diện tiếp cận có điều kiện: hãy nêu mục đích sử dụng.",
        "The record is under conditional access: say for what purpose it is needed.",
    ),
    "query-invalid": ("Không hiểu được câu tìm kiếm.", "The query cannot be understood."),
    "refused": ("Có quy tắc không cho phép thao tác này.", "A rule forbids this operation."),
    "request-in-flight": (
        "Yêu cầu đầu tiên với khóa chống lặp này đang được xử lý; hãy hỏi lại sau.",
        "The first request under this idempotency key is still being worked on; ask again.",
    ),
    "request-invalid": ("Yêu cầu bản sao thiếu hoặc sai thông tin.", "The request lacks or misstates something."),
    "retention-shortened": (
        "Thời hạn khóa chỉ có thể kéo dài, không rút ngắn.",
        "A lock can only be made longer, never shorter.",
    ),
    "route-unknown": ("Không có địa chỉ này.", "There is no such address."),
    "second-person-needed": (
        "Người yêu cầu không được tự phê duyệt bản sao.",
        "Who asked for a copy may not approve it.",
    ),
    "signing-failed": ("Không ký được; không tệp nào được phát hành.", "No signature could be made."),
    "restricted-store-unset": (
        "Tài liệu nằm trong kho riêng của mức nhạy cảm 3–4, mà thiết lập hiện không nêu; hãy báo người quản trị.",
        "The record lies in the store of sensitivity levels 3-4, which no setting names; tell an administrator.",
    ),
    "room-short": (
        "Không đủ chỗ trống cho lô này; chưa nhận tệp nào.",
        "There is no room for this batch; nothing was taken in.",
    ),
    "store-full": (
        "Kho đối tượng hết chỗ; vẫn đọc được, chưa lưu được gì thêm. Hãy thử lại sau.",
        "The object store is full: it can be read, nothing more can be stored. Try again later.",
    ),
    "store-io-error": (
        "Đĩa của kho đối tượng bị lỗi khi ghi; hãy báo người quản trị.",
        "The object store's disk fails while it is written; tell an administrator.",
    ),
    "store-read-only": (
        "Kho đối tượng chỉ đọc được; chưa lưu được gì thêm. Hãy thử lại sau.",
        "The object store is read-only; nothing more can be stored. Try again later.",
    ),
    "store-answer-broken": (
        "Kho đối tượng trả lời dở dang.",
        "The object store's answer broke off.",
    ),
    "store-line-broken": (
        "Kho đối tượng không trả lời; hãy thử lại.",
        "The object store does not answer; try again.",
    ),
    "log-not-secured": (
        "Đã ghi nhận nhưng chưa vào được kho khóa; hãy hỏi lại sau ít phút.",
        "It is written down and not yet in the vault; ask again in a few minutes.",
    ),
    "log-key-refused": ("Khóa ký nhật ký không dùng được.", "The key that signs the log cannot be used."),
    "store-unavailable": ("Kho đối tượng tạm thời không dùng được.", "The object store cannot be used for now."),
    "too-many-requests": ("Quá nhiều yêu cầu; hãy chờ rồi thử lại.", "Too many requests; wait and try again."),
    "upload-invalid": ("Biểu mẫu tải lên không đúng dạng.", "The uploaded form is not well-formed."),
    "upload-refused": (
        "Biểu mẫu tải lên không thể là một lô bản quét.",
        "The uploaded form can't be a batch.",
    ),
    "values-invalid": ("Có giá trị thiếu hoặc sai.", "A value is missing or wrong."),
}

# Why one value is wrong, by the validator's own type of error; everything else is merely "not valid".
_VALUES: dict[str, tuple[str, str]] = {
    "missing": ("thiếu", "missing"),
    "extra_forbidden": ("không có trường này", "no such field"),
    "string_too_short": ("quá ngắn", "too short"),
    "string_too_long": ("quá dài", "too long"),
    "string_pattern_mismatch": ("có ký tự không được phép", "has characters that are not allowed"),
    "string_type": ("phải là chuỗi", "has to be a string"),
    "string_unicode": ("không phải văn bản Unicode", "is no Unicode text"),
    "int_parsing": ("phải là số nguyên", "has to be a whole number"),
    "int_type": ("phải là số nguyên", "has to be a whole number"),
    "greater_than_equal": ("quá nhỏ", "too small"),
    "less_than_equal": ("quá lớn", "too large"),
    "literal_error": ("không thuộc danh sách cho phép", "not one of the values allowed"),
    "date_from_datetime_parsing": ("phải là ngày YYYY-MM-DD", "has to be a day, YYYY-MM-DD"),
    "datetime_from_date_parsing": ("phải là thời điểm RFC 3339", "has to be an instant as in RFC 3339"),
    "timezone_aware": ("thời điểm phải có múi giờ", "an instant needs its zone"),
}


def sentence(slug: str, language: Language) -> str:
    """Return the sentence of a slug; that of an inner failure for one that has none of its own."""
    vi, en = _WORDS.get(slug, _WORDS[INTERNAL])
    return en if language == "en" else vi


def value_sentence(kind: str, language: Language) -> str:
    """Return why a value is wrong, by the validator's type of error."""
    vi, en = _VALUES.get(kind, ("không hợp lệ", "not valid"))
    return en if language == "en" else vi


def language_of(accepted: str) -> Language:
    """Return English when an Accept-Language header prefers it to Vietnamese, Vietnamese otherwise."""
    best: dict[str, float] = {"vi": 0.0, "en": 0.0}
    for entry in accepted.lower().split(",")[:32]:
        tag, *parameters = (part.strip() for part in entry.split(";"))
        name = tag.split("-")[0]
        if name in best:
            best[name] = max(best[name], _weight(parameters))
    return "en" if best["en"] > best["vi"] else "vi"


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
