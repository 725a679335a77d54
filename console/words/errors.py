"""What people read when a command could not do its work: by the error's slug."""

ERRORS: dict[str, tuple[str, str]] = {
    "error.fault": (
        "Lỗi của chương trình (không phải của bạn). Không có gì đã xác nhận bị mất; hãy gửi vết lỗi dưới đây.",
        "A fault of this program, not yours. Nothing acknowledged is lost; please report the trace below.",
    ),
    "error.empty-file": ("Tệp rỗng.", "The file is empty."),
    "error.home-not-ready": ("Kho chưa sẵn sàng: {detail}", "The archive is not ready: {detail}"),
    "error.not-found": ("Không tìm thấy: {detail}", "Not found: {detail}"),
    "error.manifest-unreadable": (
        "Không đọc được bảng kê, chưa nhận tệp nào: {detail}",
        "The manifest cannot be read, nothing was taken in: {detail}",
    ),
    "error.folder-unreadable": ("Không mở được thư mục: {detail}", "The folder cannot be opened: {detail}"),
    "error.log-broken": ("Nhật ký không toàn vẹn: {detail}", "The log is not whole: {detail}"),
    "error.log-forked": (
        "Nhật ký của kho và của danh mục khác nhau, không ghi đè bên nào: {detail}",
        "Vault and catalogue have different logs; neither is written over: {detail}",
    ),
    "error.log-key-refused": ("Khóa ký nhật ký không dùng được: {detail}", "The log's key is refused: {detail}"),
    "error.log-not-secured": (
        "Đã ghi vào danh mục nhưng chưa vào được kho khóa, sẽ tự vào khi kho trở lại: {detail}",
        "It is in the catalogue and not yet in the vault; it gets there when the store is back: {detail}",
    ),
    "error.backup-invalid": ("Bản sao lưu không khớp: {detail}", "The backup does not fit: {detail}"),
    "error.hold-refused": ("Không thực hiện được phong tỏa: {detail}", "The hold is refused: {detail}"),
    "error.store-unavailable": (
        "Kho đối tượng không dùng được: {detail}",
        "The object store cannot be used: {detail}",
    ),
    "error.store-full": ("Kho đối tượng hết chỗ: {detail}", "The object store is full: {detail}"),
    "error.store-read-only": (
        "Kho đối tượng chỉ đọc được, không ghi được: {detail}",
        "The object store can be read and not written: {detail}",
    ),
    "error.store-io-error": (
        "Đĩa của kho đối tượng bị lỗi khi ghi: {detail}",
        "The object store's disk fails while it is written: {detail}",
    ),
    "error.catalogue-full": (
        "Đĩa của cơ sở dữ liệu hết chỗ: {detail}",
        "The catalogue's disk is full: {detail}",
    ),
    "error.catalogue-read-only": (
        "Cơ sở dữ liệu chỉ đọc được, không ghi được: {detail}",
        "The catalogue can be read and not written: {detail}",
    ),
    "error.catalogue-io-error": (
        "Đĩa của cơ sở dữ liệu bị lỗi: {detail}",
        "The catalogue's disk fails: {detail}",
    ),
    "error.room-short": (
        "Không đủ chỗ cho lô này, chưa nhận tệp nào: {detail}",
        "There is no room for this batch, nothing was taken in: {detail}",
    ),
    "error.batch-not-now": (
        "Trạng thái của lô không cho phép: {detail}",
        "The batch's state does not allow it: {detail}",
    ),
    "error.batch-halted": ("Lô đã bị dừng: {detail}", "The batch was halted: {detail}"),
    "error.object-damaged": (
        "Một đối tượng trong kho bị hỏng: {detail}",
        "A stored object is damaged: {detail}",
    ),
    "error.object-whole": ("Đối tượng còn nguyên vẹn: {detail}", "The object is whole: {detail}"),
    "error.restricted-store-unset": (
        "Thiếu thiết lập kho riêng của mức nhạy cảm 3–4: {detail}",
        "The setting of the store of sensitivity levels 3-4 is missing: {detail}",
    ),
    "error.stores-not-apart": (
        "Hai kho phải tách rời nhau nhưng thiết lập chỉ cùng một chỗ: {detail}",
        "Two stores that must be apart are set to one place: {detail}",
    ),
    "error.store-lies": (
        "Kho đối tượng không giữ đúng lời, không được dùng: {detail}",
        "The object store does not keep its word and may not be used: {detail}",
    ),
    "error.broker-unavailable": (
        "Không kết nối được máy chủ hàng đợi (`sohoa work` vẫn xử lý được cùng danh sách): {detail}",
        "The broker cannot be reached (`sohoa work` works the same list without it): {detail}",
    ),
    "error.broker-unfit": (
        "Máy chủ hàng đợi không dùng được: {detail}",
        "The broker will not do: {detail}",
    ),
    "error.copy-refused": ("Không cấp bản sao: {detail}", "No copy is issued: {detail}"),
    "error.request-invalid": ("Yêu cầu chưa hợp lệ: {detail}", "The request is not valid: {detail}"),
    "error.not-now": ("Chưa làm được lúc này: {detail}", "Not possible now: {detail}"),
    "error.second-person-needed": (
        "Bản sao phải do một người khác với người yêu cầu duyệt.",
        "A copy is approved by another person than the one who asked for it.",
    ),
    "error.idempotency-conflict": (
        "Khóa chống lặp này đã dùng cho một yêu cầu khác; hãy dùng khóa mới.",
        "This idempotency key was used before with another request; use a new one.",
    ),
    "error.query-invalid": ("Câu tìm kiếm không hiểu được: {detail}", "The query cannot be understood: {detail}"),
    "error.cursor-invalid": (
        "--cursor không phải của câu tìm kiếm này; hãy tìm lại từ đầu.",
        "The cursor is not one of this query; start again without it.",
    ),
    "error.index-unavailable": (
        "Chỉ mục không dùng được (kho không bị ảnh hưởng): {detail}",
        "The index cannot be used (the archive is not concerned): {detail}",
    ),
    "error.index-unfit": (
        "Phải sửa máy chủ chỉ mục trước khi dùng (kho không bị ảnh hưởng): {detail}",
        "The index's engine must be mended first (the archive is not concerned): {detail}",
    ),
    "error.purpose-needed": (
        "Tài liệu sử dụng có điều kiện: hãy cho biết mục đích (--purpose).",
        "The record is under conditional access: say what for (--purpose).",
    ),
    "error.act-forbidden": ("Bạn không có quyền làm việc này: {detail}", "You may not do this: {detail}"),
    "error.key-refused": (
        "Khóa API trong SOHOA_API_KEY không dùng được.",
        "The API key in SOHOA_API_KEY does not work.",
    ),
    "error.principal-refused": ("Không thực hiện được: {detail}", "Refused: {detail}"),
    "error.mark-found": (
        "Đọc lại thấy dấu mật hoặc dấu cấm sao, chưa lưu gì; cần người có thẩm quyền xem xét: {detail}",
        "A mark of secrecy was read, nothing was deposited; a person has to decide: {detail}",
    ),
    "error.rereading-failed": (
        "Không đọc lại được trang nào, văn bản giữ nguyên: {detail}",
        "No page could be read again, the text stays as it is: {detail}",
    ),
    "error.captures-differ": (
        "Tệp nhận không còn tách ra đúng các ảnh như khi lưu: {detail}",
        "The received file is not taken apart into the images it was: {detail}",
    ),
    "error.other": ("Không làm được: {detail}", "Not done: {detail}"),
}
