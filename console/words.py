"""What the command line says, in Vietnamese first and English on request."""

from typing import Literal

Language = Literal["vi", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    "sohoa": (
        "sohoa — số hóa kết quả giải quyết thủ tục hành chính: từ bản quét đến hồ sơ lưu trữ có khóa.",
        "sohoa — turns paper results of administrative procedures into locked archive packages.",
    ),
    "home": (
        "Thư mục của kho (mặc định ./var, hoặc SOHOA_HOME).",
        "The archive's folder (default ./var, or SOHOA_HOME).",
    ),
    "lang": ("Ngôn ngữ: vi hoặc en.", "Language: vi or en."),
    "json": (
        "In đúng một tài liệu JSON ra đầu ra chuẩn.",
        "Print exactly one JSON document on standard output.",
    ),
    "init": (
        "Tạo kho mới, hoặc nâng cấp kho đã có.",
        "Make a new archive, or bring an existing one up to date.",
    ),
    "init.units": ("Tệp TOML khai đơn vị và phông.", "TOML file of units and fonds."),
    "intake": ("Nhận một thư mục bản quét thành một lô.", "Take a folder of scans in as one batch."),
    "intake.manifest": (
        "Bảng kê (mặc định manifest.csv trong thư mục).",
        "The manifest (default manifest.csv in the folder).",
    ),
    "intake.unit": (
        "Đơn vị hoặc phông nhận (mặc định: đơn vị duy nhất).",
        "Unit or fonds (default: the only one).",
    ),
    "intake.operator": ("Người quét.", "Who scanned."),
    "work": (
        "Xử lý danh sách công việc: đọc, ký, đóng gói, lưu.",
        "Work the list: read, sign, package, store.",
    ),
    "work.workers": ("Số tiến trình.", "Number of processes."),
    "work.idle": ("Dừng khi không còn việc.", "Stop when nothing is left."),
    "batch": ("Lô: xem, biên nhận, chấp nhận, làm lại.", "Batches: look, receipt, accept, retry."),
    "batch.list": ("Liệt kê các lô.", "List the batches."),
    "batch.show": ("Xem một lô.", "Show one batch."),
    "batch.receipt": ("Biên nhận của lô, có đối soát.", "A batch's receipt, with its account."),
    "batch.receipt.pdf": (
        "Ghi thêm biên nhận in được (PDF/A) vào tệp.",
        "Also write the printable receipt (PDF/A) to a file.",
    ),
    "batch.accept": (
        "Chấp nhận các tài liệu của lô vào lưu trữ.",
        "Accept a batch's records into the archive.",
    ),
    "batch.accept.word": (
        "Ý kiến về phần thiếu, thừa, từ chối; không có thì lô còn mở.",
        "A person's word on what is missing, surplus or rejected; without it the batch stays open.",
    ),
    "batch.accept.clean": (
        "Chỉ chấp nhận tài liệu không cần xem lại.",
        "Accept only records that need no review.",
    ),
    "batch.accept.page": (
        "TỆP#TRANG: chấp nhận đích danh một trang không đọc được.",
        "FILE#PAGE: accept a page that could not be read, by name.",
    ),
    "batch.retry": ("Đưa việc bị cách ly trở lại danh sách.", "Put quarantined work back on the list."),
    "batch.retry.item": ("Chỉ tệp này.", "Only this file."),
    "record": ("Tài liệu lưu trữ: liệt kê, xem, văn bản, xuất gói.", "Records: list, show, text, export."),
    "record.list": ("Liệt kê tài liệu.", "List records."),
    "record.list.batch": ("Chỉ của lô này.", "Only of this batch."),
    "record.list.state": ("Chỉ ở trạng thái này.", "Only in this state."),
    "record.show": ("Xem mọi trường của một tài liệu.", "Show every field of a record."),
    "record.text": ("Văn bản đã đọc, từng trang.", "The text read, page by page."),
    "record.export": ("Xuất gói lưu trữ ra tệp.", "Write a record's package to a file."),
    "record.out": ("Tệp đích (mặc định <OBJID>.zip).", "Where to (default <OBJID>.zip)."),
    "record.purpose": ("Mục đích sử dụng, được ghi nhật ký.", "The purpose, written to the access log."),
    "hold": ("Phong tỏa: đặt và gỡ, có căn cứ.", "Holds: place and lift, with their basis."),
    "hold.place": ("Đặt phong tỏa lên tài liệu.", "Place a hold on a record."),
    "hold.lift": ("Gỡ phong tỏa.", "Lift the holds of a record."),
    "hold.basis": ("Căn cứ: quyết định, công văn…", "The order or decision it rests on."),
    "doctor": ("Kiểm tra toàn kho; không sửa gì.", "Examine the whole archive; mends nothing."),
    "doctor.quick": ("Không đọc lại từng byte.", "Do not read every byte again."),
    "samples": ("Bản quét mẫu.", "Sample scans."),
    "samples.make": ("Tạo bản quét mẫu với bảng kê và đáp án.", "Make sample scans with manifest and truth."),
    "samples.records": ("Số tài liệu.", "Number of records."),
    "samples.seed": ("Hạt giống ngẫu nhiên.", "Seed."),
    "samples.taken": (
        "Đã có tệp {file}; hãy chọn một thư mục mới, không tệp nào bị ghi đè.",
        "{file} is there already; choose a new folder, nothing is overwritten.",
    ),
    "say.ready": ("Kho đã sẵn sàng tại {folder}.", "The archive is ready in {folder}."),
    "say.demo-keys": (
        "Khóa ký là khóa TRÌNH DIỄN, không có giá trị pháp lý.",
        "The signing keys are DEMONSTRATION keys without legal value.",
    ),
    "say.taken": (
        "Đã nhận lô {batch}: {items} tệp; {missing} dòng thiếu tệp; bỏ qua {ignored} tệp không phải bản quét.",
        "Took in batch {batch}: {items} files; {missing} rows without a file; {ignored} other files left alone.",
    ),
    "say.next": ("Tiếp theo: {command}", "Next: {command}"),
    "say.worked": (
        "Xong: {done} tệp có trạng thái; còn {left} chờ, {quarantined} cách ly; {deaths} tiến trình chết.",
        "Done: {done} items have a state; {left} waiting, {quarantined} quarantined; {deaths} workers died.",
    ),
    "say.pages": ("trang", "pages"),
    "say.accepted": ("Đã chấp nhận {accepted} tài liệu.", "Accepted {accepted} records."),
    "say.not-accepted": ("Chưa chấp nhận {file}: {reasons}", "Not accepted, {file}: {reasons}"),
    "say.closed": ("Lô {batch} đã đóng.", "Batch {batch} is closed."),
    "say.open": (
        "Lô {batch} còn mở: {waiting} ảnh chờ, {discrepancies} chênh lệch và {rejections} tệp từ chối "
        "chưa có ý kiến, {unaccepted} tài liệu chưa chấp nhận.",
        "Batch {batch} stays open: {waiting} captures waiting, {discrepancies} differences and {rejections} "
        "rejections without a word, {unaccepted} records not accepted.",
    ),
    "say.retried": ("Đưa lại {count} việc.", "Put {count} work items back."),
    "say.exported": ("Đã ghi {file} ({sha256}).", "Wrote {file} ({sha256})."),
    "say.held": ("Đã phong tỏa {record}.", "Held {record}."),
    "say.lifted": ("Đã gỡ {count} phong tỏa.", "Lifted {count} holds."),
    "say.healthy": ("Không phát hiện sai lệch.", "Nothing is wrong."),
    "say.findings": ("Phát hiện {count} sai lệch:", "{count} findings:"),
    "say.samples": (
        "Đã tạo {records} tài liệu mẫu trong {folder}.",
        "Made {records} sample records in {folder}.",
    ),
    "column.batch": ("lô", "batch"),
    "column.folder": ("thư mục", "folder"),
    "column.state": ("trạng thái", "state"),
    "column.received": ("nhận", "received"),
    "column.archived": ("lưu", "archived"),
    "column.waiting": ("chờ", "waiting"),
    "column.rejected": ("từ chối", "rejected"),
    "column.file": ("tệp", "file"),
    "column.result": ("kết quả", "result"),
    "column.captures": ("ảnh", "captures"),
    "column.number-or-reason": ("số lưu trữ / lý do", "archive number / reason"),
    "column.difference": ("chênh lệch", "difference"),
    "column.why": ("lý do", "why"),
    "column.word": ("ý kiến", "word"),
    "column.record": ("mã", "record"),
    "column.archive-number": ("số lưu trữ", "archive number"),
    "column.number": ("số, ký hiệu", "number"),
    "column.subject": ("trích yếu", "subject"),
    "column.field": ("trường", "field"),
    "column.value": ("giá trị", "value"),
    "column.fault": ("sai lệch", "fault"),
    "column.subject-of": ("đối tượng", "subject"),
    "column.detail": ("chi tiết", "detail"),
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
    "error.hold-refused": ("Không thực hiện được phong tỏa: {detail}", "The hold is refused: {detail}"),
    "error.store-unavailable": (
        "Kho đối tượng không dùng được: {detail}",
        "The object store cannot be used: {detail}",
    ),
    "error.other": ("Không làm được: {detail}", "Not done: {detail}"),
}


def word(name: str, language: Language, **facts: object) -> str:
    """Return a phrase in a language with its facts filled in."""
    vi, en = _WORDS[name]
    return (vi if language == "vi" else en).format(**facts)


def has_word(name: str) -> bool:
    """Whether a phrase of this name exists."""
    return name in _WORDS
