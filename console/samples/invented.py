"""Places, agencies, persons and companies that do not exist, and numbers no register ever gave out."""

from dataclasses import dataclass
from datetime import date

from console.samples.draw import Chance, digits, number, pick

PROVINCES = (
    "tỉnh Sông Mây",
    "tỉnh Đồi Thông",
    "tỉnh Bãi Sậy",
    "tỉnh Núi Lam",
    "thành phố Gò Lá",
    "tỉnh Rừng Dẻ",
)
COMMUNES = (
    "xã Cầu Gỗ",
    "xã Bến Tràm",
    "xã Đồng Sen",
    "xã Hòn Dấu",
    "phường Vườn Cau",
    "phường Giếng Đá",
    "thị trấn Gò Me",
    "xã Suối Lụa",
    "xã Bãi Dâu",
    "phường Đê Ngang",
)
HAMLETS = ("thôn Thượng", "thôn Hạ", "ấp Một", "ấp Giữa", "tổ dân phố 4", "tổ dân phố 7", "xóm Chài", "bản Mới")
SURNAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý", "Tạ")
MALE = ("Văn", "Hữu", "Đức", "Quang", "Minh", "Thế", "Ngọc")
FEMALE = ("Thị", "Thị Ngọc", "Thị Thu", "Thị Kim", "Bích")
MALE_GIVEN = ("Thuận", "Khải", "Lực", "Tường", "Vinh", "Phước", "Quyết", "Sang", "Độ", "Toản", "Nghĩa", "Bách")
FEMALE_GIVEN = ("Lụa", "Nhàn", "Thảo", "Mến", "Quyên", "Hiền", "Nguyệt", "Tuyết", "Duyên", "Huệ", "Thoa", "Ái")
COMPANY_KINDS = ("Công ty TNHH", "Công ty cổ phần", "Doanh nghiệp tư nhân", "Hợp tác xã")
COMPANY_TRADES = ("Xây dựng", "Khai khoáng", "Chế biến nông sản", "Cấp nước", "Vật liệu", "Dịch vụ đo đạc")
COMPANY_NAMES = ("Hoa Sim", "Trường Lũy", "An Khê Mới", "Bình Minh Đỏ", "Đại Lâm", "Phú Sa", "Tân Cồn", "Gia Mộc")
NO_PROVINCE = "099"  # citizens' numbers begin with a province, and none has this one
NO_TAX_OFFICE = "99"


@dataclass(frozen=True, slots=True)
class Person:
    """A person: name as written, with the courtesy word before it, and a sex the signature does not show."""

    name: str
    courtesy: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a result is issued to. id: 12 digits of a citizen, or a tax code of 10."""

    type: str
    id: str
    name: str
    called: str
    address: str


def person(rng: Chance) -> Person:
    """Return a person."""
    if number(rng, 0, 1):
        return Person(f"{pick(rng, SURNAMES)} {pick(rng, MALE)} {pick(rng, MALE_GIVEN)}", "ông")
    return Person(f"{pick(rng, SURNAMES)} {pick(rng, FEMALE)} {pick(rng, FEMALE_GIVEN)}", "bà")


def place(rng: Chance, commune: str, province: str) -> str:
    """Return a hamlet of a commune of a province."""
    return f"{pick(rng, HAMLETS)}, {commune}, {province}"


def holder(rng: Chance, kind: str, address: str) -> Holder:
    """Return a holder of a kind: person or organisation."""
    if kind == "person":
        someone = person(rng)
        # Century and sex, then the year of birth, as in real numbers.
        number_ = f"{NO_PROVINCE}{0 if someone.courtesy == 'ông' else 1}{number(rng, 50, 99)}{digits(rng, 6)}"
        return Holder("person", number_, someone.name, f"{someone.courtesy} {someone.name}", address)
    name = f"{pick(rng, COMPANY_KINDS)} {pick(rng, COMPANY_TRADES)} {pick(rng, COMPANY_NAMES)}"
    return Holder("organisation", f"{NO_TAX_OFFICE}{digits(rng, 8)}", name, name, address)


def dossier_code(rng: Chance, received_on: date) -> str:
    """Return a dossier code of the form of COD-1, of an agency group that does not exist (Z99)."""
    return f"000.00.{number(rng, 11, 29)}.Z99-{received_on:%y%m%d}-{number(rng, 1, 400):04d}"
