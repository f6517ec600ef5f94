"""What the two databases spell differently in the statements of ``sql``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Expressions, and patterns for expressions whose {parts} are filled in where they are used."""

    clock: str  # the time of the statement
    moment: str  # {text} as a time
    instant: str  # a stored {time} in the form that compares to the microsecond
    later: str  # of {a} and {b}; NULL is no limit
    earlier: str  # likewise
    no_path: str  # the empty list of scopes
    longer_path: str  # {path} with {scope} at its end
    on_path: str  # whether {scope} is in {path}
    scopes_in: str  # {path} as a table scopes(value)
    uuid_of: str  # {text} in the form a uuid column stores
    uuid_text: str  # {column} as people write it
    integer_of: str  # {text} in the form a number's column stores
    # JSON arrays given as parameters, as a table asked(…)
    asked_subjects: str
    asked_actions: str
    asked_items: str
    asked_conferrals: str
    members: str  # the texts in the JSON array {array}, as SELECT {key} …
    one_of: str  # what stands after a column to have it looked up for each of {rows}
    looked_up: str  # {rows} to be looked up one by one in what they are joined to: few, by guess
    json_text: str  # {text} as JSON
    json_time: str  # a stored {time} as JSON
    has_lateral: bool
    has_ordered_aggregates: bool  # SQLite from 3.44, which is not everywhere

    @property
    def now(self) -> str:
        return f"COALESCE({self.moment.format(text='%(at)s')}, {self.clock})"

    def listed(self, parameter: str, form: str) -> str:
        """The members of a JSON array given as a parameter, in the form of the column they meet."""
        return self.members.format(key=form.format(text="listed.value"), array=f"%({parameter})s")


POSTGRESQL = Dialect(
    clock="statement_timestamp()",
    moment="CAST({text} AS timestamptz)",
    instant="{time}",
    later="GREATEST({a}, {b})",
    earlier="LEAST({a}, {b})",
    no_path="CAST(ARRAY[] AS uuid[])",  # PostgreSQL cannot tell what an empty array is of
    longer_path="array_append({path}, {scope})",
    on_path="{scope} = ANY({path})",
    scopes_in="unnest({path}) AS scopes(value)",
    uuid_of="CAST({text} AS uuid)",
    uuid_text="CAST({column} AS text)",
    integer_of="CAST({text} AS bigint)",
    asked_subjects="""json_to_recordset(CAST(%(subjects)s AS json)) AS asked(
            s integer, user_id bigint, subject text, subject_uuid text)""",
    asked_actions="""json_to_recordset(CAST(%(actions)s AS json)) AS asked(
            a integer, app_label text, model text,
            codename text, bare_codename text, long_codename text)""",
    asked_items="""json_to_recordset(CAST(%(items)s AS json)) AS asked(
            n integer, s integer, a integer, object_pk text)""",
    asked_conferrals="""json_to_recordset(CAST(%(conferrals)s AS json)) AS asked(
            role_id text, group_id text, user_id bigint, scope_id text, since text, until text)""",
    members="SELECT {key} FROM json_array_elements_text(CAST({array} AS json)) AS listed(value)",
    # An array is computed first and then looked up by index; IN would be planned as a join, from
    # the larger side.
    one_of="= ANY(ARRAY({rows}))",
    looked_up="SELECT unnest(ARRAY({rows}))",
    json_text="CAST(to_json({text}) AS text)",
    # As Python writes it: six digits of a second, or none.
    json_time=(
        """COALESCE('"' || replace(to_char({time} AT TIME ZONE 'UTC', """
        """'YYYY-MM-DD"T"HH24:MI:SS.US') || 'Z"', '.000000Z', 'Z'), 'null')"""
    ),
    has_lateral=True,
    has_ordered_aggregates=True,
)


def _members_of(array: str, columns: str) -> str:
    picked = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns.split())
    return f"(SELECT {picked} FROM json_each({array})) AS asked"


SQLITE = Dialect(
    clock="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
    moment="{text}",
    # Django leaves out a fraction of zero, and times are compared as text.
    instant="substr({time} || '.000000', 1, 26)",
    # max and min of NULL and anything are NULL here, where GREATEST and LEAST pass over NULL.
    later="COALESCE(max({a}, {b}), {a}, {b})",
    earlier="COALESCE(min({a}, {b}), {a}, {b})",
    no_path="'[]'",
    longer_path="json_insert({path}, '$[#]', {scope})",
    # All keys are equally long, so none is found inside another.
    on_path="instr({path}, {scope}) > 0",
    scopes_in="json_each({path}) AS scopes",
    uuid_of="REPLACE({text}, '-', '')",
    uuid_text=(
        "substr({column}, 1, 8) || '-' || substr({column}, 9, 4) || '-' || substr({column}, 13, 4)"
        " || '-' || substr({column}, 17, 4) || '-' || substr({column}, 21)"
    ),
    integer_of="CAST({text} AS integer)",
    asked_subjects=_members_of("%(subjects)s", "s user_id subject subject_uuid"),
    asked_actions=_members_of(
        "%(actions)s", "a app_label model codename bare_codename long_codename"
    ),
    asked_items=_members_of("%(items)s", "n s a object_pk"),
    asked_conferrals=_members_of("%(conferrals)s", "role_id group_id user_id scope_id since until"),
    members="SELECT {key} FROM json_each({array}) AS listed",
    one_of="IN ({rows})",
    looked_up="{rows}",
    json_text="json_quote({text})",
    json_time="""COALESCE('"' || replace({time}, ' ', 'T') || 'Z"', 'null')""",
    has_lateral=False,
    has_ordered_aggregates=False,
)

DIALECTS = {"postgresql": POSTGRESQL, "sqlite": SQLITE}
