"""Members and parameters that an operation does not know: which are refused, and with what hint.

A member that is dropped can mean that more is given than was asked for: a misspelt end is no end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework.exceptions import ValidationError

# What limits or explains a fact at some operation of every door. No operation drops one unseen.
LIMITS = ("valid_from", "valid_until", "reason", "scope", "inline_scope")
# On what a grant counts: misspelt where they are known, they make one that counts everywhere.
PLACES = ("model", "object_pk")
# Words that mean the same, as other services and the doors spell them.
MEANINGS = tuple(
    frozenset(words.split())
    for words in (
        "validfrom enabletime starttime startsat start notbefore",
        "validuntil validto endtime enddate endsat end until expires expiresat expiry notafter",
        "scope scopes scopeid",
        "objectpk objectid resourceid objectkey",
        "model objecttype resourcetype",
    )
)
# How like each other two words must be: to be meant for the other, and to be worth a hint.
MEANT, WORTH_A_HINT = 0.85, 0.7


def refuse_unknown(data: Mapping[Any, Any], known: Collection[str]) -> None:
    """Raises ValidationError with the nearest known one for each that is not known."""
    faults = {str(name): [unknown(str(name), known)] for name in data if name not in known}
    if faults:
        raise ValidationError(faults)


def unknown(name: str, known: Iterable[str], *, what: str = "member") -> str:
    near = nearest(name, known, WORTH_A_HINT)
    return f"Unknown {what}. Did you mean {near}?" if near else f"Unknown {what}."


def refuse_near_misses(
    data: Mapping[Any, Any], known: Collection[str], meant: Iterable[str]
) -> None:
    """Of the members that are not known, only those that are meant for one of ``meant``, or for
    what limits a fact; the others are what other generations of clients send. Raises
    ValidationError.
    """
    faults = {}
    for name in data:
        if name not in known and (near := nearest(str(name), [*meant, *LIMITS], MEANT)):
            taken = near in known
            faults[str(name)] = [
                unknown(str(name), [near]) if taken else f"This operation takes no {near}."
            ]
    if faults:
        raise ValidationError(faults)


def nearest(name: str, known: Iterable[str], likeness: float) -> str | None:
    """The known one that is meant; how words are joined, by humps or hyphens, means nothing."""
    by_word = {_word(one): one for one in reversed(list(known))}
    word = _word(name)
    meaning = next((words for words in MEANINGS if word in words), frozenset((word,)))
    if same := [one for spelt, one in by_word.items() if spelt in meaning]:
        return same[-1]
    close = get_close_matches(word, by_word, n=1, cutoff=likeness)
    return by_word[close[0]] if close else None


def _word(name: str) -> str:
    return name[:100].lower().replace("_", "").replace("-", "")
