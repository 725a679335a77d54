"""Cases: one dossier at an invented agency, from which one or more papers come."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from console.samples import invented
from console.samples.draw import Chance, filled, number, pick, working_day
from console.samples.invented import Holder

MATTERS = Path(__file__).with_name("matters.toml")
# Between these days the laws the papers name were all in force.
FIRST_DAY, LAST_DAY = date(2019, 7, 1), date(2021, 10, 29)


@dataclass(frozen=True, slots=True)
class Agency:
    """An invented agency. superior: the line above its name in the header, empty for a people's committee."""

    name: str
    superior: str
    initials: str
    province: str
    chief: str


@dataclass(frozen=True, slots=True)
class Case:
    """One dossier. words: what the texts of `matters.toml` may name in braces; closed_on and
    paper_place: of the whole file, which its papers share.
    """

    matter: Mapping[str, Any]
    agency: Agency
    holder: Holder
    dossier_code: str
    received_on: date
    closed_on: date
    paper_place: str
    words: Mapping[str, str]

    def say(self, rng: Chance, text: str) -> str:
        """Return a text of `matters.toml` with its braces filled."""
        return filled(rng, text, self.words)


@cache
def wording() -> Mapping[str, Any]:
    """Return `matters.toml`: what papers are about and the sentences they are made of."""
    return tomllib.loads(MATTERS.read_text(encoding="utf-8"))


def open_case(rng: Chance, matter_number: int) -> Case:
    """Return a case about the matter of a number, which counts round and round."""
    matters = wording()["matters"]
    matter = matters[matter_number % len(matters)]
    province, commune = pick(rng, invented.PROVINCES), pick(rng, invented.COMMUNES)
    agency = _agency(rng, matter, province)
    where = invented.place(rng, commune, province)
    holder = invented.holder(rng, pick(rng, matter["holders"]), where)
    received_on = working_day(rng, FIRST_DAY, LAST_DAY)
    dossier = invented.dossier_code(rng, received_on)
    words = {
        "holder": holder.called,
        "Holder": holder.called[0].upper() + holder.called[1:],
        "agency": agency.name,
        "Agency": agency.name,
        "province": province,
        "commune": commune,
        "place": where,
        "dossier": dossier,
        "act": matter["act"],
        "office": matter["office"],
        "unit": matter["unit"],
    }
    closed_on = received_on + timedelta(days=number(rng, 90, 200))
    shelf = f"Kho {number(rng, 1, 3)}/Giá {number(rng, 1, 24):02d}/Hộp {number(rng, 1, 90):02d}"
    return Case(matter, agency, holder, dossier, received_on, closed_on, shelf, words)


def _agency(rng: Chance, matter: Mapping[str, Any], province: str) -> Agency:
    committee = f"Ủy ban nhân dân {province}"
    if number(rng, 0, 3) == 0:
        return Agency(committee, "", "UBND", province, "Chủ tịch")
    return Agency(f"Sở {matter['sector']} {province}", committee, matter["initials"], province, "Giám đốc")
