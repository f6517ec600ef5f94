"""Whether a client written for their API finds everything it needs in ours.

The rules, where "fits" means that every JSON value of one shape is a value of the other:

* every operation of theirs exists here: same method, path and operationId (`NOT_SERVED` excepted);
* every parameter of theirs exists here, in the same place; what they accept fits what we accept;
  ours may have more parameters, and require only those that theirs requires;
* the same for a request body and its members;
* every status code of theirs is declared here, and no other code of success, for clients choose
  the model to read by the code;
* what we answer fits what they answer: each key they require is required here and typed as there.
  Ours may have more keys. A client reads their enumerations as closed: ours are as small.

Shapes are compared by structure; the names of components are free. Widths of numbers (int32,
double) are not compared, for JSON has none.

The releases differ in what they have, never in what a thing is (`test_compare.py` looks), so one
service can satisfy all of them with the union of their members, and no rule needs an exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.contract.extract import Facts, Operation, Parameter, Shape

# Outside the part of authentik that this service stands in for: they act on login sessions,
# send mail, or feed authentik's own screens.
NOT_SERVED = frozenset(
    {
        "core_users_export_create",
        "core_users_impersonate_create",
        "core_users_impersonate_end_retrieve",
        "core_users_metrics_retrieve",
        "core_users_recovery_create",
        "core_users_recovery_email_create",
    }
)

NUMBER_WIDTHS = frozenset({"int32", "int64", "float", "double"})

Seen = frozenset[tuple[str, str]]
NOTHING_SEEN: Seen = frozenset()


def differences(ours: Facts, theirs: Facts) -> list[str]:
    """One line per broken rule, with its place; sorted. Empty when their clients can use ours."""
    found: list[str] = []
    for route, operation in theirs["operations"].items():
        if operation["operation_id"] not in NOT_SERVED:
            found.extend(f"{route}{line}" for line in _route(ours, theirs, route))
    return sorted(found)


def _route(ours: Facts, theirs: Facts, route: str) -> Iterator[str]:
    our, their = ours["operations"].get(route), theirs["operations"][route]
    if our is None:
        yield ": missing"
        return
    if our["operation_id"] != their["operation_id"]:
        yield f": operationId {our['operation_id']}, theirs {their['operation_id']}"
    accepted = Fit(theirs["components"], ours["components"], narrow_is_ours=False)
    yield from _parameters(accepted, our, their)
    yield from _request(accepted, our, their)
    answered = Fit(ours["components"], theirs["components"], narrow_is_ours=True)
    yield from _responses(answered, our, their)


def _parameters(fit: Fit, our: Operation, their: Operation) -> Iterator[str]:
    for name, wanted in their["parameters"].items():
        offered = our["parameters"].get(name)
        if offered is None:
            yield f" {name}: missing"
        else:
            yield from _parameter(fit, name, offered, wanted)
    for name, offered in our["parameters"].items():
        if offered["required"] and name not in their["parameters"]:
            yield f" {name}: required here, unknown there"


def _parameter(fit: Fit, name: str, offered: Parameter, wanted: Parameter) -> Iterator[str]:
    if offered["required"] and not wanted["required"]:
        yield f" {name}: required here, optional there"
    if offered.get("explode", True) != wanted.get("explode", True):
        yield f" {name}: a list is written otherwise (explode)"
    yield from fit.lines(f" {name}", wanted["shape"], offered["shape"])


def _request(fit: Fit, our: Operation, their: Operation) -> Iterator[str]:
    if our.get("request_required", False) and not their.get("request_required", False):
        yield " request: required here, optional there"
    if "request" not in their:
        return
    if "request" not in our:
        yield " request: no body accepted"
    else:
        yield from fit.lines(" request", their["request"], our["request"])


def _responses(fit: Fit, our: Operation, their: Operation) -> Iterator[str]:
    for code, wanted in their["responses"].items():
        if code not in our["responses"]:
            yield f" {code}: not declared"
            continue
        offered = our["responses"][code]
        if wanted is not None and offered is not None:
            yield from fit.lines(f" {code}", offered, wanted)
        elif wanted is not None:
            yield f" {code}: has a body there"
        elif offered is not None and code.startswith("2"):
            yield f" {code}: has no body there"
    for code in our["responses"].keys() - their["responses"].keys():
        if code.startswith("2"):
            yield f" {code}: a success they do not know"


@dataclass(frozen=True)
class Fit:
    """Whether every value of a narrow shape is a value of a wide one.

    What is sent is narrow for whoever reads it: their requests for us, our answers for them. Only
    a reader of answers passes over members it does not know.
    """

    narrow_components: Mapping[str, Shape]
    wide_components: Mapping[str, Shape]
    narrow_is_ours: bool = field(kw_only=True)

    def lines(self, place: str, narrow: Shape, wide: Shape, seen: Seen = NOTHING_SEEN) -> list[str]:
        """One line per way in which `narrow` does not fit; `seen` ends recursive components."""
        narrow, narrow_null = _resolved(narrow, self.narrow_components)
        wide, wide_null = _resolved(wide, self.wide_components)
        found = []
        if narrow_null and wide and not wide_null:
            found.append(self._unlike(place, "nullable", "never null"))
        pair = (repr(narrow), repr(wide))
        if pair not in seen:
            found.extend(self._compare(place, narrow, wide, seen | {pair}))
        return found

    def _compare(self, place: str, narrow: Shape, wide: Shape, seen: Seen) -> Iterator[str]:
        if "any_of" in narrow:
            for each in narrow["any_of"]:
                yield from self.lines(place, each, wide, seen)
        elif "any_of" in wide:
            tried = [self.lines(place, narrow, each, seen) for each in wide["any_of"]]
            if all(tried):
                yield from min(tried, key=len)
        elif "type" in wide and not _same_kind(narrow, wide):
            yield self._unlike(place, narrow.get("type", "any value"), wide["type"])
        else:
            yield from self._compare_values(place, narrow, wide)
            yield from self._compare_parts(place, narrow, wide, seen)

    def _compare_values(self, place: str, narrow: Shape, wide: Shape) -> Iterator[str]:
        formats = (_format(narrow), _format(wide))
        if formats[1] and formats[0] != formats[1]:
            yield self._unlike(place, formats[0] or "no format", formats[1])
        if "enum" in wide and not set(narrow.get("enum", [None])) <= set(wide["enum"]):
            yield self._unlike(place, str(narrow.get("enum", "any value")), str(wide["enum"]))

    def _compare_parts(self, place: str, narrow: Shape, wide: Shape, seen: Seen) -> Iterator[str]:
        if "items" in wide:
            yield from self.lines(f"{place}[]", narrow["items"], wide["items"], seen)
        for name in sorted(set(wide.get("required", ())) - set(narrow.get("required", ()))):
            yield self._unlike(f"{place}.{name}", "not required", "required")
        for name, member in narrow.get("properties", {}).items():
            reader = wide.get("properties", {}).get(name, wide.get("additional"))
            if reader is not None:
                yield from self.lines(f"{place}.{name}", member, reader, seen)
            elif not self.narrow_is_ours:
                yield f"{place}.{name}: not accepted"
        if "additional" in narrow and "additional" in wide:
            yield from self.lines(f"{place}.*", narrow["additional"], wide["additional"], seen)
        elif "additional" in narrow and not self.narrow_is_ours and wide.get("type") == "object":
            yield f"{place}.*: free members are not accepted"

    def _unlike(self, place: str, narrow: str, wide: str) -> str:
        our, their = (narrow, wide) if self.narrow_is_ours else (wide, narrow)
        return f"{place}: {our} here, {their} there"


def _resolved(shape: Shape, components: Mapping[str, Shape]) -> tuple[Shape, bool]:
    """The shape behind a reference, and whether null is allowed, beside the reference or there."""
    nullable = shape.get("nullable", False)
    while "ref" in shape:
        shape = components[shape["ref"]]
        nullable = nullable or shape.get("nullable", False)
    bare = shape.copy()
    bare.pop("nullable", None)
    return bare, nullable


def _same_kind(narrow: Shape, wide: Shape) -> bool:
    kinds = (narrow.get("type"), wide.get("type"))
    return kinds[0] == kinds[1] or kinds == ("integer", "number")


def _format(shape: Shape) -> str:
    name = shape.get("format", "")
    return "" if name in NUMBER_WIDTHS else name
