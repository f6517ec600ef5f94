"""May they, and why. Everything here reads; who may ask what is for those who call it.

* the words: SubjectRef, ResourceRef, Question; Decision, Reason, Step
* to ask: check, check_many, holds, may_each; and to be told why: explain
* to search: list_resources, list_subjects, list_actions; on rows of our own: visible, visible_keys,
  reach_of
* who asks: Caller, authenticate_key
* before anything is given: require_grants, require_covers, require_conferrals,
  require_escalate, require_superuser
* from the names in a request to rows: canonical_pk, find_types, resource_named, find_user
* statements: of the ORM, kept as text: Statement, Parameter; prepared: rows

To be read in this order: ``words``; ``sql``, which facts allow; ``checking``, which asks it;
``explaining`` with ``evidence``, why and why not; ``ceiling`` with ``ceiling_sql`` and
``coverage``, may they give it. ``dialects`` and ``running`` bring statements to the databases;
``names`` and ``callers`` stand between a request and all this.

A subject is whom a question is about, a caller who asks it, an actor who gives or changes
something, and a principal (user, group or role) who holds something. A way leads from a subject
through groups and roles to a grant, and its path is the list of the scopes met on it.
"""

from permissions.engine.callers import Caller, authenticate_key
from permissions.engine.ceiling import (
    Conferral,
    GrantCeiling,
    SuperuserOnly,
    require_conferrals,
    require_covers,
    require_escalate,
    require_grants,
    require_may,
    require_superuser,
)
from permissions.engine.checking import (
    allows,
    check,
    check_many,
    everywhere,
    find_user,
    holds,
    holds_on_any,
    list_action_names,
    list_actions,
    list_resources,
    list_subjects,
    may_each,
    reach_of,
    views_all,
    visible,
    visible_keys,
    what_is_unknown,
)
from permissions.engine.explaining import (
    Explanation,
    NearMiss,
    SuggestionKind,
    coverage_of,
    explain,
)
from permissions.engine.names import (
    canonical_pk,
    find_types,
    require_type,
    resource_exists,
    resource_named,
)
from permissions.engine.running import Parameter, Statement, listed, rows
from permissions.engine.words import (
    USER_TYPES,
    UUID_TEXT,
    Decision,
    Question,
    Reason,
    ResourceRef,
    Step,
    StepKind,
    SubjectRef,
    codenames_meant,
    is_word,
    label_of,
    searchable,
    short,
    subject_parameters,
)

__all__ = [
    "USER_TYPES",
    "UUID_TEXT",
    "Caller",
    "Conferral",
    "Decision",
    "Explanation",
    "GrantCeiling",
    "NearMiss",
    "Parameter",
    "Question",
    "Reason",
    "ResourceRef",
    "Statement",
    "Step",
    "StepKind",
    "SubjectRef",
    "SuggestionKind",
    "SuperuserOnly",
    "allows",
    "authenticate_key",
    "canonical_pk",
    "check",
    "check_many",
    "codenames_meant",
    "coverage_of",
    "everywhere",
    "explain",
    "find_types",
    "find_user",
    "holds",
    "holds_on_any",
    "is_word",
    "label_of",
    "list_action_names",
    "list_actions",
    "list_resources",
    "list_subjects",
    "listed",
    "may_each",
    "reach_of",
    "require_conferrals",
    "require_covers",
    "require_escalate",
    "require_grants",
    "require_may",
    "require_superuser",
    "require_type",
    "resource_exists",
    "resource_named",
    "rows",
    "searchable",
    "short",
    "subject_parameters",
    "views_all",
    "visible",
    "visible_keys",
    "what_is_unknown",
]
