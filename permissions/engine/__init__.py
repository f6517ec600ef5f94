"""May they, and why. Everything here reads; who may ask what is for those who call it.

* the words: SubjectRef, ResourceRef, Question; Decision, Reason, Step
* to ask: check, check_many, holds, may_each; and to be told why: explain
* to search: list_resources, list_subjects, list_actions; on rows of our own: visible, visible_keys,
  reach_of
* who asks: Caller, authenticate_key
* before anything is given: require_grants, require_covers, require_conferrals,
  require_escalate, require_superuser
* from the names in a request to rows: resolve, canonical_pk, require_type, find_user
* statements of the ORM that are kept as text: Statement, Parameter
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
    visible,
    visible_keys,
)
from permissions.engine.explaining import (
    Explanation,
    NearMiss,
    SuggestionKind,
    coverage_of,
    explain,
)
from permissions.engine.names import (
    MOST_PERMISSIONS,
    TOGETHER,
    Resolved,
    canonical_pk,
    no_such,
    require_type,
    resolve,
    resource_exists,
)
from permissions.engine.running import Parameter, Statement
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
    label_of,
    resource_named,
    searchable,
    subject_parameters,
)

__all__ = [
    "MOST_PERMISSIONS",
    "TOGETHER",
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
    "Resolved",
    "ResourceRef",
    "Statement",
    "Step",
    "StepKind",
    "SubjectRef",
    "SuggestionKind",
    "SuperuserOnly",
    "authenticate_key",
    "canonical_pk",
    "check",
    "check_many",
    "coverage_of",
    "everywhere",
    "explain",
    "find_user",
    "holds",
    "holds_on_any",
    "label_of",
    "list_action_names",
    "list_actions",
    "list_resources",
    "list_subjects",
    "may_each",
    "no_such",
    "reach_of",
    "require_conferrals",
    "require_covers",
    "require_escalate",
    "require_grants",
    "require_may",
    "require_superuser",
    "require_type",
    "resolve",
    "resource_exists",
    "resource_named",
    "searchable",
    "subject_parameters",
    "visible",
    "visible_keys",
]
