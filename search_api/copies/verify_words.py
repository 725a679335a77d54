"""The three verdicts of a verification and the plain sentence of each reason, in Vietnamese and English."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["vi", "en"]

SENTENCES: dict[str, tuple[str, str]] = {
    # the file itself
    "as-registered": (
        "Tệp giống từng byte với bản sao đã ghi trong sổ đăng ký, chữ ký số còn nguyên vẹn.",
        "The file is byte for byte the copy in the register, and its signature is intact.",
    ),
    "register-not-at-hand": (
        "Không có sổ đăng ký bản sao tại đây để đối chiếu; hãy tra cứu tại cơ quan đã cấp.",
        "There is no register of copies here to compare with; ask the agency that issued it.",
    ),
    "not-in-register": (
        "Bản sao này không có trong sổ đăng ký tại đây: có thể do nơi khác cấp; hãy tra cứu tại cơ quan "
        "ghi trên bản sao.",
        "This copy is not in the register here: it may come from elsewhere; ask the agency named on it.",
    ),
    "not-a-file": ("Không có tệp nào để kiểm tra.", "There is no file to verify."),
    "empty": ("Tệp rỗng.", "The file is empty."),
    "too-large": (
        "Tệp lớn hơn mức được kiểm tra (128 MB) nên chưa được xem xét.",
        "The file is larger than what is verified here (128 MB); it was not looked at.",
    ),
    "not-a-pdf": (
        "Tệp không phải là PDF nên không phải là bản sao điện tử được ký số.",
        "The file is not a PDF, so it is no certified copy.",
    ),
    "encrypted": (
        "Tệp PDF bị mã hóa; bản sao được cấp không bao giờ được mã hóa.",
        "The PDF is encrypted; an issued copy never is.",
    ),
    "truncated": (
        "Tệp bị cắt cụt: thiếu phần cuối. Hãy tải lại hoặc xin lại bản sao.",
        "The file is cut off: its end is missing. Fetch the copy again.",
    ),
    "damaged": (
        "Cấu trúc tệp PDF bị hỏng hoặc đã bị sửa; không đọc được chữ ký số.",
        "The structure of the PDF is damaged or was altered; its signature can't be read.",
    ),
    "no-signature": (
        "Tệp PDF không có chữ ký số nên không phải là bản sao được chứng thực điện tử.",
        "The PDF carries no signature, so it is no certified copy.",
    ),
    "archived-file": (
        "Đây là tệp lưu trữ (có chữ ký của người số hóa và cơ quan), không phải bản sao được cấp.",
        "This is an archived file (signed by digitizer and agency), not an issued copy.",
    ),
    "not-a-copy": (
        "Tệp được ký số nhưng không phải là bản sao do hệ thống này cấp: chữ ký không phải chữ ký bản sao.",
        "The PDF is signed, but it is no certified copy: the signature is not one of a copy.",
    ),
    "signature-broken": (
        "Nội dung đã bị thay đổi sau khi ký: chữ ký số không còn khớp với tệp.",
        "The content was changed after signing: the signature no longer matches the file.",
    ),
    "signature-unreadable": (
        "Chữ ký số trong tệp bị hỏng, không đọc được.",
        "The signature in the file is damaged and can't be read.",
    ),
    "signed-again": (
        "Bản sao đã bị ký thêm sau khi cấp; bản sao chỉ mang đúng một chữ ký và không cho phép thay đổi.",
        "The copy was signed again after its issue; a copy carries exactly one signature and allows no change.",
    ),
    "bytes-added": (
        "Có dữ liệu được thêm vào sau chữ ký số của bản sao.",
        "Data was added after the copy's signature.",
    ),
    "not-wholly-covered": (
        "Chữ ký số không bao phủ toàn bộ tệp: có phần không được ký.",
        "The signature does not cover the whole file: a part of it was not signed.",
    ),
    "not-certifying": (
        "Chữ ký không phải chữ ký xác nhận khóa mọi thay đổi như trên bản sao được cấp.",
        "The signature does not certify the file against every change, as that of an issued copy does.",
    ),
    "changed-since-issue": (
        "Tệp mang số hiệu của một bản sao trong sổ đăng ký nhưng không giống từng byte với bản đã cấp.",
        "The file bears the serial of a copy in the register but is not byte for byte what was issued.",
    ),
    "weak-algorithm": (
        "Chữ ký dùng thuật toán đã yếu, không còn đủ để chứng minh.",
        "The signature uses an algorithm too weak to prove anything.",
    ),
    "time-stamp-broken": (
        "Dấu thời gian của chữ ký không hợp lệ.",
        "The signature's time stamp does not hold.",
    ),
    "not-examined": (
        "Chưa xem xét được: việc kiểm tra tệp đã dừng giữa chừng.",
        "Not looked into: the examination of the file ended before its end.",
    ),
    "timed-out": (
        "Việc kiểm tra tệp quá thời gian cho phép; chưa kết luận được.",
        "Examining the file took longer than allowed; nothing can be said.",
    ),
    "no-copy": (
        "Không xác định được bản sao nào để tra cứu tình trạng.",
        "There is no copy whose status could be looked up.",
    ),
    # status
    "in-force": (
        "Bản sao đã được cấp, chưa bị thu hồi; kết quả gốc đang có hiệu lực.",
        "The copy was issued and not revoked; the result it is of is in force.",
    ),
    "copy-reserved": (
        "Số của bản sao đã được giữ nhưng bản sao chưa được cấp.",
        "The number of this copy is reserved, but the copy was never issued.",
    ),
    "copy-void": (
        "Bản sao không được cấp: số của nó đã bị hủy.",
        "The copy was not issued: its number was voided.",
    ),
    "copy-revoked": ("Bản sao đã bị thu hồi.", "The copy was revoked."),
    "copy-superseded": ("Bản sao đã được thay thế.", "The copy was superseded."),
    "copy-expired": (
        "Bản sao đã hết thời hạn sử dụng được ghi khi cấp.",
        "The term of use given to the copy when it was issued is over.",
    ),
    "package-superseded": (
        "Tài liệu đã được số hóa lại sau khi cấp bản sao này; hãy xin bản sao mới.",
        "The paper was digitized anew after this copy was issued; ask for a new copy.",
    ),
    "record-withdrawn": (
        "Tài liệu gốc không còn được cung cấp; hãy liên hệ cơ quan lưu trữ.",
        "The record is no longer available; contact the archive.",
    ),
    "record-not-yet": ("Kết quả gốc chưa có hiệu lực.", "The result is not in force yet."),
    "record-expired": ("Kết quả gốc đã hết thời hạn hiệu lực.", "The result's term of validity is over."),
    "record-suspended": ("Kết quả gốc đang bị tạm đình chỉ.", "The result is suspended."),
    "record-revoked": ("Kết quả gốc đã bị thu hồi.", "The result was revoked."),
    "record-annulled": ("Kết quả gốc đã bị hủy bỏ.", "The result was annulled."),
    "record-replaced": ("Kết quả gốc đã được thay thế bằng kết quả khác.", "The result was replaced by another."),
    # issuer
    "trusted": (
        "Chứng thư số dẫn tới chứng thư gốc được tin cậy và có hiệu lực khi ký.",
        "The signer's certificate leads to a trusted root and was valid at signing.",
    ),
    "demo-issuer": (
        "Ký bằng khóa trình diễn: đúng nguồn nhưng KHÔNG có giá trị pháp lý.",
        "Signed with a demonstration key: it leads to the root given but has NO legal value.",
    ),
    "no-roots": (
        "Không có chứng thư gốc nào để đối chiếu người ký.",
        "No root certificate was given to judge the signer by.",
    ),
    "foreign-root": (
        "Chứng thư số của người ký không dẫn tới chứng thư gốc được tin cậy tại đây.",
        "The signer's certificate does not lead to a root trusted here.",
    ),
    "not-valid-then": (
        "Chứng thư số không có hiệu lực vào lúc ký.",
        "A certificate was not valid at the time of signing.",
    ),
    "expired-since": (
        "Chứng thư số nay đã hết hạn, thời điểm ký chỉ do người ký tự khai: chưa kết luận được.",
        "A certificate has expired since, and the time of signing rests on the signer's word alone.",
    ),
    "wrong-usage": (
        "Chứng thư số không được cấp để ký văn bản.",
        "The certificate is not meant for signatures that bind.",
    ),
    "time-unknown": (
        "Không rõ thời điểm ký nên không xét được hiệu lực của chứng thư số.",
        "The time of signing is not known, so the certificate's validity can't be judged.",
    ),
    "signer-unproven": (
        "Chữ ký không còn khớp với tệp nên không biết chắc ai đã ký.",
        "The signature does not match the file, so it does not show who signed it.",
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of the three answers. reason: slug of SENTENCES; unchecked is never to be taken as valid."""

    verdict: Literal["valid", "invalid", "unchecked"]
    reason: str

    def as_json(self, language: Language) -> dict[str, str]:
        """Return verdict, reason and the plain sentence."""
        return {"verdict": self.verdict, "reason": self.reason, "sentence": sentence(self.reason, language)}


def sentence(reason: str, language: Language) -> str:
    """Return the plain sentence of a reason."""
    vietnamese, english = SENTENCES[reason]
    return vietnamese if language == "vi" else english


def valid(reason: str) -> Verdict:
    """Return the verdict that all is well, with why."""
    return Verdict("valid", reason)


def invalid(reason: str) -> Verdict:
    """Return the verdict that something is wrong, with what."""
    return Verdict("invalid", reason)


def unchecked(reason: str) -> Verdict:
    """Return the verdict that nothing can be said, with why."""
    return Verdict("unchecked", reason)
