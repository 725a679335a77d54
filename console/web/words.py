"""What the public pages say: pairs (Vietnamese, English) by name."""

from console.words.speak import Language

_WORDS: dict[str, tuple[str, str]] = {
    "service": ("Sohoa — kho kết quả thủ tục hành chính", "Sohoa — archive of administrative results"),
    "skip": ("Đến nội dung chính", "To the content"),
    "other-language": ("English", "Tiếng Việt"),
    "footer": (
        "Trang này không cần đăng nhập, không dùng cookie và không hiện dữ liệu cá nhân. Chỉ tệp PDF có chữ ký số "
        "mới là bản sao điện tử; bản in từ tệp không thay cho tệp.",
        "This page needs no login, sets no cookie and shows no personal data. Only the signed PDF file is the "
        "certified copy; a print of it does not stand for the file.",
    ),
    "start.title": ("Kho số hóa kết quả thủ tục hành chính", "Archive of results of administrative procedures"),
    "start.about": (
        "Kho lưu trữ kết quả giải quyết thủ tục hành chính đã số hóa và cấp bản sao điện tử có chữ ký số, để cơ "
        "quan khác kiểm tra và sử dụng lại.",
        "Keeps digitized results of administrative procedures and issues signed electronic copies that other "
        "agencies can verify and use again.",
    ),
    "start.check": ("Kiểm tra một bản sao điện tử", "Check a certified copy"),
    "start.api": ("Dành cho hệ thống khác", "For other systems"),
    "start.api.docs": ("Tài liệu giao diện lập trình (API)", "Documentation of the interface (API)"),
    "check.title": ("Tra cứu bản sao điện tử", "Check a certified copy"),
    "check.serial": ("Mã tra cứu của bản sao", "Serial of the copy"),
    "check.serial.hint": (
        "26 chữ và số, in dưới mã QR ở góc trên trang đầu; khoảng trắng không ảnh hưởng.",
        "26 letters and digits, printed under the QR code at the top of page 1; spaces do not matter.",
    ),
    "check.serial.go": ("Tra cứu", "Look up"),
    "status.valid": ("✓ CÒN HIỆU LỰC", "✓ VALID"),
    "status.invalid": ("✕ KHÔNG CÒN GIÁ TRỊ SỬ DỤNG", "✕ NOT VALID"),
    "status.unchecked": ("? CHƯA XÁC ĐỊNH ĐƯỢC", "? NOT KNOWN"),
    "status.unknown": ("? KHÔNG TÌM THẤY", "? NOT FOUND"),
    "status.unknown.said": (
        "Không có bản sao nào mang mã tra cứu này trong sổ đăng ký.",
        "No copy in the register bears this serial.",
    ),
    "status.unknown.help": (
        "Hãy kiểm tra lại từng ký tự (không có số 0, 1, 8, 9), hoặc hỏi cơ quan ghi trên bản sao.",
        "Compare every character (there is no digit 0, 1, 8 or 9), or ask the agency named on the copy.",
    ),
    "demo": (
        "Bản sao TRÌNH DIỄN: ký bằng khóa trình diễn, không có giá trị pháp lý.",
        "A DEMONSTRATION copy: signed with a demonstration key, without legal value.",
    ),
    "about": ("Về bản sao này", "About this copy"),
    "serial": ("Mã tra cứu", "Serial"),
    "kind": ("Loại bản sao", "Kind of copy"),
    "kind.office-copy": ("Sao y (từ bản giấy sang bản điện tử)", "Office copy (paper to electronic)"),
    "kind.original-book-copy": ("Bản sao điện tử từ sổ gốc", "Electronic copy from the original book"),
    "agency": ("Cơ quan cấp", "Issued by"),
    "number": ("Số đăng ký", "Register number"),
    "issued": ("Ngày cấp", "Issued on"),
    "effect": ("Hiệu lực của kết quả gốc", "The result it is of"),
    "effect.in-force": ("Đang có hiệu lực", "In force"),
    "effect.not-yet": ("Chưa có hiệu lực", "Not in force yet"),
    "effect.expired": ("Đã hết thời hạn", "Term over"),
    "effect.suspended": ("Đang tạm đình chỉ", "Suspended"),
    "effect.revoked": ("Đã bị thu hồi", "Revoked"),
    "effect.annulled": ("Đã bị hủy bỏ", "Annulled"),
    "effect.replaced": ("Đã được thay thế", "Replaced"),
    "more.title": ("Đối chiếu thêm với bản bạn đang giữ", "Compare with the copy you hold"),
    "more.label": ("Số lưu trữ, hoặc giờ ký in trên bản sao", "Archive number, or time of signing, as printed"),
    "more.hint": (
        "Ví dụ giờ ký 14:05:09. Đúng thì trang này hiện thêm số ký hiệu, ngày và dấu vân của tệp để đối chiếu.",
        "Such as the time 14:05:09. If it is right, this page shows the document's number, date and the file's "
        "fingerprint.",
    ),
    "more.go": ("Đối chiếu", "Compare"),
    "more.wrong": (
        "Giá trị này không khớp với bản sao. Hãy nhập đúng như in trên bản sao.",
        "This value does not agree with the copy. Enter it exactly as printed.",
    ),
    "more.shown": ("Thông tin ghi trên bản sao", "What the copy says"),
    "document-type": ("Tên loại văn bản", "Type of document"),
    "document-number": ("Số, ký hiệu", "Number"),
    "document-date": ("Ngày ban hành", "Date of issue"),
    "archive-number": ("Số lưu trữ", "Archive number"),
    "signed-at": ("Thời điểm ký", "Signed at"),
    "sha256": ("Dấu vân của tệp (SHA-256)", "Fingerprint of the file (SHA-256)"),
    "file.title": ("Kiểm tra chính tệp PDF", "Verify the PDF file itself"),
    "file.label": ("Tệp bản sao điện tử (PDF)", "File of the copy (PDF)"),
    "file.hint": (
        "Tệp chỉ được đọc để kiểm tra rồi bị xóa ngay; tối đa {megabytes} MB.",
        "The file is read to verify it and deleted at once; at most {megabytes} MB.",
    ),
    "file.go": ("Kiểm tra tệp", "Verify the file"),
    "file.none": ("Chưa chọn tệp nào.", "No file was chosen."),
    "file.other": (
        "Tệp này là một bản sao khác, không phải bản sao mang mã tra cứu ở địa chỉ này.",
        "This file is another copy than the one whose serial is in this address.",
    ),
    "verdicts": ("Kết quả kiểm tra tệp", "Verdicts on the file"),
    "verdict.integrity": ("Toàn vẹn", "Integrity"),
    "verdict.status": ("Tình trạng", "Status"),
    "verdict.issuer": ("Người cấp", "Issuer"),
    "verdict.valid": ("✓ HỢP LỆ", "✓ VALID"),
    "verdict.invalid": ("✕ KHÔNG HỢP LỆ", "✕ INVALID"),
    "verdict.unchecked": ("? CHƯA KIỂM TRA ĐƯỢC", "? UNCHECKED"),
    "signed-by": ("Người ký", "Signed by"),
    "busy": ("Tạm thời không trả lời được", "Not possible at the moment"),
    "busy.said": (
        "Có quá nhiều lượt tra cứu từ địa chỉ của bạn. Hãy thử lại sau {seconds} giây.",
        "Too many look-ups from your address. Try again in {seconds} seconds.",
    ),
    "broken.said": (
        "Việc kiểm tra tệp tạm thời không thực hiện được; bản sao không bị ảnh hưởng. Hãy thử lại sau.",
        "Files cannot be verified at the moment; the copy itself is not concerned. Try again later.",
    ),
}


def say(name: str, language: Language, **facts: object) -> str:
    """Return a phrase of the pages in a language with its facts filled in; an unknown name is its own phrase."""
    vi, en = _WORDS.get(name, (name, name))
    return (vi if language == "vi" else en).format(**facts)
