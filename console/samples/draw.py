"""Chance that can be repeated: draws from a seeded generator, and texts with draws inside."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

Chance = np.random.Generator
T = TypeVar("T")


def chance(seed: int, *path: int) -> Chance:
    """Return the generator of one place in the tree of draws: the same path, the same draws."""
    return np.random.default_rng([seed % 2**64, *path])


def pick(rng: Chance, choices: Sequence[T]) -> T:
    """Return one of the choices."""
    return choices[int(rng.integers(len(choices)))]


def number(rng: Chance, low: int, high: int) -> int:
    """Return a whole number from low to high, both possible."""
    return int(rng.integers(low, high + 1))


def digits(rng: Chance, count: int) -> str:
    """Return count decimal digits."""
    return "".join(str(d) for d in rng.integers(0, 10, count))


def shuffled(rng: Chance, choices: Sequence[T]) -> list[T]:
    """Return all the choices in another order."""
    return [choices[int(n)] for n in rng.permutation(len(choices))]


def working_day(rng: Chance, first: date, last: date) -> date:
    """Return a day from Monday to Friday between two days."""
    day = first + timedelta(days=number(rng, 0, (last - first).days))
    return day - timedelta(days=max(0, day.weekday() - 4))


def filled(rng: Chance, text: str, words: Mapping[str, str]) -> str:
    """Return a text with its braces filled: {5-40} by a number, {a|b} by a choice, {name} from the words."""

    def fill(found: re.Match[str]) -> str:
        inner = found[1]
        if limits := re.fullmatch(r"(\d+)-(\d+)", inner):
            return str(number(rng, int(limits[1]), int(limits[2])))
        return pick(rng, inner.split("|")) if "|" in inner else words[inner]

    return re.sub(r"\{([^{}]+)\}", fill, text)
