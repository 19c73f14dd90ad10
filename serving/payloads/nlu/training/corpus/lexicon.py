"""The lexicons and the fillings made from them: names of people, places, organisations and products, times, amounts.

One entry in four of every open class is held out: it occurs in held-out sentences only. Closed classes (months, endings
of names, words of praise, parts of things) are shared, because their meaning cannot be inferred from context.
"""

import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

FOLDER = Path(__file__).parent / "lexicon"
OPEN = frozenset(
    "first_name last_name place place_stem organisation_stem brand genre cuisine".split()  # noqa: SIM905
)
_COMMON = frozenset({"genre", "cuisine"})
_HELD_OUT_OF = 4
_INVENTED = 0.5
"""Share of training words of open classes that are invented: the model can memorize a lexicon, but not these words."""
_ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sch sh sl st t tr v w z y".split()  # noqa: SIM905
_VOWELS = "a e i o u ai ea ee io ou ö ü á é".split()  # noqa: SIM905
_CODAS = [
    "",
    "",
    "n",
    "r",
    "s",
    "l",
    "t",
    "m",
    "ck",
    "nd",
    "rt",
    "x",
    "ng",
    "sson",
    "er",
    "ski",
    "ia",
    "o",
    "ton",
    "ix",
]
_YEARS = (1950, 2030)
T = TypeVar("T")


class Filling(NamedTuple):
    """Words for a slot: `lead` stands before the name and is not part of it (`on` 3 May 2021)."""

    lead: str
    text: str


def entries(name: str) -> list[str]:
    """Return all entries of a lexicon."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split("\n")[:-1]


def is_held_out(entry: str) -> bool:
    """Return whether an entry is held out; it depends on the entry alone, so that growing a lexicon moves no entry."""
    return zlib.crc32(entry.encode()) % _HELD_OUT_OF == 0


@lru_cache
def part(name: str, *, held_out: bool) -> list[str]:
    """Return the entries for training, or the held-out ones."""
    found = entries(name)
    return [entry for entry in found if is_held_out(entry) == held_out] if name in OPEN else found


class Fillings:
    """Creates fillings of every kind from one part of the lexicons."""

    def __init__(self, rng: np.random.Generator, *, held_out: bool) -> None:
        self._rng = rng
        self._held_out = held_out
        self._ways: dict[str, Callable[[], Filling]] = {
            "person": self._person,
            "place": self._place,
            "organisation": self._organisation,
            "team": self._team,
            "product": self._product,
            "time": self._time,
            "date": self._date,
            "clock": self._clock,
            "money": self._money,
        }

    def make(self, kind: str) -> Filling:
        """Create a filling of a kind; a kind without a method is the name of a lexicon."""
        way = self._ways.get(kind)
        return way() if way else Filling("", self._word(kind))

    def pick(self, among: Sequence[T]) -> T:
        """Pick one item, all with equal probability."""
        return among[int(self._rng.integers(len(among)))]

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return float(self._rng.random()) < share

    def _word(self, name: str) -> str:
        if name in OPEN and not self._held_out and self.chance(_INVENTED):
            return self._invented(capital=name not in _COMMON)
        return self.pick(part(name, held_out=self._held_out))

    def _invented(self, *, capital: bool) -> str:
        """Invent a word: only its context tells what it is."""
        parts = [self.pick(_ONSETS) + self.pick(_VOWELS) for _ in range(self._number(1, 4))]
        word = "".join(parts) + self.pick(_CODAS)
        return word.capitalize() if capital else word

    def _number(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high))

    def _person(self) -> Filling:
        first, last = self._word("first_name"), self._word("last_name")
        forms = [f"{first} {last}"] * 7 + [first, last, f"{first[0]}. {last}", f"{first} {self._word('last_name')}"]
        return Filling("", self.pick(forms))

    def _place(self) -> Filling:
        if self.chance(0.7):
            return Filling("", self._word("place"))
        return Filling("", self._word("place_stem") + self._word("place_ending"))

    def _organisation(self) -> Filling:
        stem = self._word("organisation_stem")
        field = self._word("organisation_field")
        letters = "".join(chr(ord("A") + self._number(0, 26)) for _ in range(self._number(3, 5)))
        forms = [
            *[f"{stem} {self._word('organisation_ending')}"] * 6,
            *[stem] * 3,
            f"University of {self._place().text}",
            f"Bank of {self._place().text}",
            f"{self.pick(['Institute', 'Ministry', 'Academy', 'College'])} of {field}",
            f"{self._word('last_name')} {self.pick(['and Sons', '& Partners', 'Brothers', '& Co'])}",
            f"{self._place().text} {self._word('organisation_ending')}",
            letters,
        ]
        return Filling("", self.pick(forms))

    def _team(self) -> Filling:
        place = self._place().text
        ending = self.pick(["United", "City", "Rovers", "Wanderers", "Eagles", "Tigers", "Bears", "Athletic", "FC"])
        return Filling("", self.pick([f"{place} {ending}", f"{place} {ending}", f"FC {place}"]))

    def _product(self) -> Filling:
        brand = self._word("brand")
        suffixes = f"{brand} {self._word('model_suffix')}", f"{brand} {self._word('model_suffix')} Pro"
        return Filling("", self.pick([suffixes[0], suffixes[0], suffixes[0], brand, suffixes[1]]))

    def _date(self) -> Filling:
        month, day, year = self._word("month"), self._number(1, 29), self._number(*_YEARS)
        ways = [
            Filling("on", f"{day} {month}"),
            Filling("on", f"{month} {day}"),
            Filling("on", self._word("weekday")),
            Filling("", f"next {self._word('weekday')}"),
            Filling("on", f"{year}-{self._number(1, 13):02}-{day:02}"),
            Filling("", self._word("relative_time")),
            Filling("", self._word("relative_time")),
        ]
        return self.pick(ways)

    def _time(self) -> Filling:
        month, day, year = self._word("month"), self._number(1, 29), self._number(*_YEARS)
        ways = [
            Filling("in", str(year)),
            Filling("in", f"{month} {year}"),
            Filling("on", f"{day} {month} {year}"),
            Filling("on", f"{month} {day} , {year}"),
            Filling("", f"last {self._word('weekday')}"),
        ]
        return self._date() if self.chance(0.5) else self.pick(ways)

    def _clock(self) -> Filling:
        hour, minute = self._number(1, 13), self.pick(["00", "15", "30", "45", "05", "20"])
        half = self.pick(["am", "pm"])
        ways = [f"{hour} {half}", f"{hour}:{minute}", f"{hour}:{minute} {half}", f"half past {self._word('number')}"]
        return Filling("at", self.pick([*ways, f"{hour} o'clock"]))

    def _money(self) -> Filling:
        amount = self.pick([str(self._number(2, 999)), f"{self._number(1, 90)}.{self._number(1, 9)}"])
        amount = self.pick([amount, amount, f"{self._number(1, 999)},000"])
        sign = self.pick(["$", "€", "£"])
        ways = [
            f"{amount} {self._word('unit')}",
            f"{sign}{amount}",
            f"{sign}{amount} {self.pick(['million', 'billion'])}",
        ]
        return Filling("", self.pick(ways))
