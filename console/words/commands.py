"""What each command, argument and option is for: pairs (Vietnamese, English) by name."""

COMMANDS: dict[str, tuple[str, str]] = {
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
    "inspect": (
        "Kiểm tra chất lượng tệp quét trước khi nhận: từng quy tắc với từng trang; không lưu gì.",
        "Check scans before they are taken in: every rule for every page; nothing is kept.",
    ),
    "inspect.kind": (
        "Loại giấy: document (văn bản), map (bản đồ), drawing (bản vẽ), photo (ảnh).",
        "Kind of paper.",
    ),
    "inspect.on": ("Ngày quét (mặc định: hôm nay).", "Day of scanning (default: today)."),
    "inspect.sides": (
        "Số mặt đã quét của mỗi tờ; 2 thì mặt sau được phép trắng.",
        "Sides scanned of each sheet; with 2, backs may be blank.",
    ),
    "batch": (
        "Lô: xem, biên nhận, chấp nhận, làm lại, tạm dừng, hủy.",
        "Batches: look, receipt, accept, retry, pause, cancel.",
    ),
    "batch.list": ("Liệt kê các lô.", "List the batches."),
    "batch.show": ("Xem một lô.", "Show one batch."),
    "batch.quality": (
        "Chất lượng ảnh của một lô: từng quy tắc đạt hay không, trang nào cần xem lại và vì sao.",
        "A batch's image quality: rule by rule, and which pages to look at and why.",
    ),
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
    "batch.pause": (
        "Tạm dừng lô: không việc nào của lô được nhận thêm, cho đến khi có người cho tiếp tục.",
        "Pause a batch: nothing of it is taken up until a person resumes it.",
    ),
    "batch.resume": ("Cho lô đang tạm dừng tiếp tục.", "Have a paused batch go on."),
    "batch.cancel": (
        "Hủy lô: tệp đang chờ bị từ chối với lý do này; tài liệu đã lưu vẫn giữ nguyên. Không hoàn tác được.",
        "Cancel a batch: what waits is rejected with this reason, what is archived stays. It cannot be undone.",
    ),
    "batch.reason": ("Lý do, ghi vào nhật ký và biên nhận.", "Why; kept in the log and the receipt."),
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
    "record.custody": (
        "Chuỗi lưu giữ của tài liệu: tờ giấy → ảnh quét → trang → gói → bản sao, kèm bằng chứng nhật ký.",
        "A record's custody: sheet, scan, page, package, copies, with the log's proofs.",
    ),
    "record.custody.copy": ("Chỉ cho bản sao có số sê-ri này.", "For the copy with this serial only."),
    "record.custody.out": (
        "Ghi bằng chứng (JSON) ra tệp; verify_log.py kiểm tra được mà không cần chương trình này.",
        "Write the proof (JSON) to a file; verify_log.py checks it without this program.",
    ),
    "log": ("Nhật ký: vị trí, kiểm tra, xuất ra.", "The log: how far it is, verify it, write it out."),
    "log.status": (
        "Nhật ký có bao nhiêu sự kiện, bao nhiêu đã ở trong kho khóa.",
        "How many events there are, and how many are in the vault.",
    ),
    "log.verify": (
        "Kiểm tra toàn bộ nhật ký với chính nó, các điểm chốt, kho và nơi giữ bên ngoài.",
        "Check the whole log against itself, its checkpoints, the vault and the outside place.",
    ),
    "log.export": (
        "Ghi nhật ký ra thư mục (tlog-tiles) kèm công cụ kiểm tra độc lập.",
        "Write the log to a folder (tlog-tiles), with the verifier that runs alone.",
    ),
    "rebuild": (
        "Dựng lại danh mục và chỉ mục chỉ từ kho khóa (gói, bản sao, nhật ký).",
        "Rebuild catalogue and index from the vault alone: packages, copies, log.",
    ),
    "rebuild.check": (
        "Không thay đổi gì: dựng lại bên cạnh và nêu từng dòng khác với danh mục đang dùng.",
        "Change nothing: rebuild beside and name each row that differs from the catalogue at work.",
    ),
    "backup": (
        "Sao lưu cơ sở dữ liệu và tình trạng kho tại cùng một thời điểm; khóa để riêng.",
        "Back up the database and the vault's state of one instant; keys go apart.",
    ),
    "backup.keys": (
        "Thư mục mới để chép khóa vào; hãy cất ở nơi khác với bản sao lưu.",
        "A new folder for the keys; keep it elsewhere than the backup.",
    ),
    "restore": (
        "Khôi phục từ bản sao lưu vào kho trống, rồi bổ sung những gì kho khóa có thêm.",
        "Restore a backup into an empty home, then add what the vault got since.",
    ),
    "doctor": ("Kiểm tra toàn kho; không sửa gì.", "Examine the whole archive; mends nothing."),
    "doctor.quick": ("Không đọc lại từng byte.", "Do not read every byte again."),
    "store": ("Kho đối tượng: chuẩn bị, kiểm tra khóa lưu.", "The object store: prepare it, prove its locks."),
    "store.prepare": (
        "Tạo bucket có khóa lưu, bucket tạm và các khóa truy cập ít quyền nhất.",
        "Make the bucket with object lock, the one for staging, and keys of least right.",
    ),
    "store.keys-folder": (
        "Ghi khóa truy cập vào các tệp chỉ chủ đọc được của thư mục này, thay vì in ra.",
        "Write the keys to files of this folder that only their owner can read, instead of showing them.",
    ),
    "store.buckets-only": ("Chỉ tạo bucket, không tạo khóa truy cập.", "Make buckets only, no keys."),
    "store.restricted": (
        "Chỉ chuẩn bị kho riêng của mức nhạy cảm 3–4 (khi nó ở máy chủ khác, có quản trị riêng).",
        "Prepare the store of sensitivity levels 3-4 alone (on a server with an administrator of its own).",
    ),
    "store.locks": (
        "So khóa và lệnh giữ ghi trong danh mục với kho; sửa theo hướng chặt hơn.",
        "Compare locks and holds of the catalogue with the store; mend them upwards only.",
    ),
    "store.clock-is-right": (
        "Xác nhận đồng hồ máy đúng, khi nó lệch xa lần so trước.",
        "Say that this host's clock is right, when it is far from the last round.",
    ),
    "fixity": (
        "Tính toàn vẹn: kiểm tra, bản sao thứ hai, phục hồi.",
        "Fixity: checks, second copies, repair.",
    ),
    "fixity.run": (
        "Kiểm tra một lô đối tượng, sao sang kho thứ hai và phục hồi đối tượng hỏng.",
        "Check a lot of stored objects, copy to the second store, and mend what is bad.",
    ),
    "fixity.until-done": ("Làm đến khi không còn gì đến hạn.", "Go on until nothing is due."),
    "fixity.all": (
        "Coi mọi đối tượng là đến hạn, dù vừa được kiểm tra.",
        "Count everything as due, whenever it was checked.",
    ),
    "fixity.status": (
        "Các kho đang thế nào: hỏng, quá hạn kiểm tra, chưa có bản sao thứ hai.",
        "How the stores stand: bad, overdue, without a second copy.",
    ),
    "store.check": (
        "Thử phá một byte đã khóa bằng mọi cách đã biết; báo lỗi nếu có cách nào thành công.",
        "Try to destroy a locked byte in every known way; fail if any succeeds.",
    ),
    "store.allow": (
        "Các khiếm khuyết đã có biện pháp bù, cách nhau bằng dấu phẩy (hoặc ARCHIVE_STORE_ALLOW).",
        "Defects with a counter-measure, separated by commas (or ARCHIVE_STORE_ALLOW).",
    ),
    "store.no-bucket": (
        "Thiết lập không nêu bucket S3 nào ở đây: không có gì để chuẩn bị.",
        "The settings name no S3 bucket here: there is nothing to prepare.",
    ),
    "samples": ("Bản quét mẫu.", "Sample scans."),
    "samples.make": ("Tạo bản quét mẫu với bảng kê và đáp án.", "Make sample scans with manifest and truth."),
    "samples.records": ("Số tài liệu.", "Number of records."),
    "samples.seed": ("Hạt giống ngẫu nhiên.", "Seed."),
    "samples.taken": (
        "Đã có tệp {file}; hãy chọn một thư mục mới, không tệp nào bị ghi đè.",
        "{file} is there already; choose a new folder, nothing is overwritten.",
    ),
    "limit": ("Số kết quả nhiều nhất.", "At most so many."),
    "search": (
        'Tìm tài liệu: từ, "cụm từ", trường:giá trị; không gõ dấu thì khớp mọi dấu.',
        'Find records: words, "phrases", field:value; a word typed without tones matches all.',
    ),
    "search.purpose": (
        "Mục đích; cần có để thấy tài liệu sử dụng có điều kiện.",
        "The purpose; needed to see records under conditional access.",
    ),
    "search.cursor": ("Trang tiếp theo của một câu trả lời trước.", "The next page of an earlier answer."),
    "index": ("Chỉ mục tìm kiếm: trạng thái, dựng lại.", "The search index: status, rebuild."),
    "index.status": ("Chỉ mục đã theo kịp nhật ký đến đâu.", "How far the index is."),
    "index.rebuild": (
        "Dựng lại chỉ mục từ kho; chỉ mục cũ vẫn trả lời trong khi đó.",
        "Make the index anew from the archive; the old one answers meanwhile.",
    ),
    "verify": (
        "Kiểm tra một bản sao: toàn vẹn, tình trạng, người cấp. Mã thoát: 0 hợp lệ cả ba, 3 có điều không "
        "hợp lệ, 4 có điều chưa kiểm tra được.",
        "Verify a copy: integrity, status, issuer. Exit code: 0 all valid, 3 something invalid, "
        "4 something unchecked.",
    ),
    "verify.root": (
        "Chứng thư số gốc tin cậy (PEM hoặc DER), thay cho chứng thư của kho này; có thể lặp lại.",
        "A trusted root certificate (PEM or DER) in place of this home's own; may be repeated.",
    ),
    "verify.offline": (
        "Không đối chiếu với sổ đăng ký của kho này.",
        "Leave the register of this home out.",
    ),
    "copy": (
        "Bản sao điện tử: yêu cầu, duyệt, cấp, tải, thu hồi.",
        "Certified copies: ask, approve, issue, fetch, revoke.",
    ),
    "copy.request": ("Yêu cầu cấp bản sao của một tài liệu.", "Ask for a copy of a record."),
    "copy.issue": (
        "Cấp bản sao: từ yêu cầu đến tệp, nếu một người được làm trọn.",
        "Issue a copy: from request to file, where one person may do it all.",
    ),
    "copy.issue.request": (
        "Cấp theo yêu cầu đã có (đã duyệt), thay cho RECORD.",
        "Issue what was asked for before (and approved), in place of RECORD.",
    ),
    "copy.issue.one": (
        "Cần đúng một trong hai: RECORD hoặc --request.",
        "Exactly one of RECORD and --request is needed.",
    ),
    "copy.approve": (
        "Duyệt yêu cầu của người khác và cấp bản sao.",
        "Approve another person's request and issue the copy.",
    ),
    "copy.refuse": ("Từ chối yêu cầu, có lý do.", "Refuse a request, with the reason."),
    "copy.show": (
        "Xem một yêu cầu hoặc bản sao (mã yêu cầu hoặc mã tra cứu).",
        "Show a request or copy (by request id or serial).",
    ),
    "copy.list": ("Liệt kê các yêu cầu.", "List requests."),
    "copy.state": ("Chỉ ở trạng thái này.", "Only in this state."),
    "copy.after": ("Tiếp sau yêu cầu này.", "Go on after this request."),
    "copy.fetch": ("Tải tệp của bản sao đã cấp.", "Fetch the file of an issued copy."),
    "copy.revoke": ("Thu hồi một bản sao đã cấp, có lý do.", "Revoke an issued copy, with the reason."),
    "copy.reason": ("Lý do.", "The reason."),
    "copy.out": ("Tệp hoặc thư mục đích (mặc định <mã tra cứu>.pdf).", "File or folder (default <serial>.pdf)."),
    "copy.for": ("Cấp cho ai (được mã hóa khi lưu).", "For whom (kept encrypted)."),
    "copy.purpose": ("Mục đích sử dụng, được ghi nhật ký.", "What it is for; written to the log."),
    "copy.kind": ("Loại bản sao.", "The kind of copy."),
    "copy.capacity": ("Tư cách của người yêu cầu.", "By what right it is asked for."),
    "copy.proof": (
        "Giấy tờ chứng minh tư cách (được mã hóa khi lưu).",
        "What proves that right (kept encrypted).",
    ),
    "copy.dossier": ("Hồ sơ sẽ dùng bản sao: HỆ_THỐNG:MÃ.", "The dossier it goes into: SYSTEM:CODE."),
    "copy.dossier.shape": ("--dossier có dạng HỆ_THỐNG:MÃ.", "--dossier is SYSTEM:CODE."),
    "copy.valid-until": ("Ngày cuối sử dụng bản sao.", "Last day the copy may be used."),
    "copy.key": (
        "Khóa chống lặp: cùng khóa và cùng nội dung cho cùng một bản sao.",
        "Idempotency key: the same key and form give the same copy.",
    ),
    "copy.missing": ("Cần có --for và --purpose.", "--for and --purpose are needed."),
    "record.effect": (
        "Ghi một hiệu lực pháp lý: thu hồi, hủy bỏ, thay thế, gia hạn…",
        "Write down a legal effect: revoked, annulled, replaced, extended…",
    ),
    "record.effect.on": ("Ngày có hiệu lực (YYYY-MM-DD).", "The day it takes effect (YYYY-MM-DD)."),
    "record.effect.basis": ("Căn cứ: quyết định, công văn…", "The decision it rests on."),
    "record.effect.part": ("Chỉ một phần: phần nào.", "Only a part: which."),
    "record.effect.linked": (
        "Tài liệu liên quan, ví dụ tài liệu thay thế.",
        "The other record, such as what replaces it.",
    ),
    "record.reread": (
        "Đọc lại tài liệu đã lưu bằng bộ đọc hiện có; gói gốc không đổi.",
        "Read a kept record again with the engine at hand; its package stays as it is.",
    ),
    "record.reread.keep-old": (
        "Chỉ lưu bản đọc mới, vẫn dùng văn bản cũ.",
        "Only keep the new reading; the text in force stays.",
    ),
    "record.reread.check": (
        "Không lưu: chạy lại bản đọc số này và so mã băm văn bản.",
        "Keep nothing: run the reading of this number again and compare its text hash.",
    ),
    "record.reread.one": ("--check không đi cùng --keep-old.", "--check goes without --keep-old."),
    "record.texts": ("Các bản đọc của tài liệu, và bản đang dùng.", "A record's readings, and which is in force."),
    "record.text-use": (
        "Dùng bản đọc số này để hiển thị và tìm kiếm (hoặc quay lại bản cũ).",
        "Show and search the reading of this number (or go back to an earlier one).",
    ),
    "principal": (
        "Người và hệ thống được phép: thêm, cấp quyền, khóa API.",
        "Principals: add, grant, keys, disable.",
    ),
    "principal.add": (
        "Thêm một người hoặc hệ thống, chưa có quyền gì.",
        "Add a principal, without any right yet.",
    ),
    "principal.kind": ("Loại.", "The kind."),
    "principal.name": ("Tên hiển thị.", "Display name."),
    "principal.list": ("Liệt kê, với quyền hiện có.", "List them with their rights of today."),
    "principal.disable": (
        "Ngừng hoạt động; mọi khóa API hết hiệu lực ngay.",
        "End a principal; its keys stop at once.",
    ),
    "principal.grant": (
        "Cấp một vai trò trên một đơn vị và mọi đơn vị dưới nó.",
        "Give a role over a unit and everything below it.",
    ),
    "principal.grant.purpose": ("Chỉ cho mục đích này.", "Only for this purpose."),
    "principal.grant.until": ("Ngày cuối (YYYY-MM-DD).", "Last day (YYYY-MM-DD)."),
    "principal.key": (
        "Tạo khóa API, hiện đúng một lần; --revoke thu hồi mọi khóa.",
        "Make an API key, shown once; --revoke ends them all.",
    ),
    "principal.key.days": ("Hiệu lực bao nhiêu ngày.", "For how many days."),
    "principal.key.scope": ("Giới hạn ở việc này; có thể lặp lại.", "Limit it to this act; may be repeated."),
    "principal.key.unit": ("Giới hạn ở đơn vị này.", "Limit it to this unit."),
    "principal.key.revoke": ("Thu hồi mọi khóa.", "Revoke all keys."),
    "serve": (
        "Chạy dịch vụ: giao diện HTTP, xử lý và chỉ mục trong một cây tiến trình.",
        "Serve: HTTP interface, workers and index in one process tree.",
    ),
    "worker": (
        "Xử lý công việc theo tiếng gọi của máy chủ hàng đợi (INGEST_BROKER_URL).",
        "Work what the broker rings for (INGEST_BROKER_URL).",
    ),
    "worker.lanes": (
        "Các làn nghe, cách nhau bằng dấu phẩy.",
        "Which lanes to hear, separated by commas.",
    ),
    "worker.no-lane": ("Không có làn {value!r}; các làn: {lanes}.", "There is no lane {value!r}; lanes: {lanes}."),
    "sweeper": (
        "Trả lại công việc bị bỏ dở, gọi lại cho việc đang chờ, gia hạn khóa sắp hết.",
        "Give abandoned work back, ring again for what waits, extend locks that are due.",
    ),
    "api": (
        "Chỉ chạy giao diện HTTP; xử lý và chỉ mục do tiến trình khác lo.",
        "Serve the HTTP interface alone; workers and index are other processes.",
    ),
    "projector": (
        "Chỉ giữ chỉ mục theo kịp kho và làm nốt bản sao dở dang.",
        "Keep the index up with the archive, and finish copies left half done; nothing else.",
    ),
    "serve.host": ("Địa chỉ lắng nghe.", "Address to listen on."),
    "serve.port": ("Cổng; 0: cổng trống bất kỳ.", "Port; 0: any free one."),
    "serve.taken": (
        "Không lắng nghe được ở {host}:{port}: {reason}. Có lẽ một dịch vụ khác đang chạy; hãy chọn --port khác.",
        "Cannot listen on {host}:{port}: {reason}. Another service may be running; choose another --port.",
    ),
}
