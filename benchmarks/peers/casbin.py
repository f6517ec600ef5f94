"""PyCasbin's FastEnforcer, which looks only at the policies of the document asked about."""

from __future__ import annotations

import json
import sys
import time

import casbin
from casbin.model import FastModel

from benchmarks.small import Small

BY_DOCUMENT = [1]
MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
"""


def main() -> None:
    count = json.load(sys.stdin)["questions"]
    small = Small()
    model = FastModel(BY_DOCUMENT)
    model.load_model_from_text(MODEL)
    enforcer = casbin.FastEnforcer(model, cache_key_order=BY_DOCUMENT)
    enforcer.add_policies(
        [[f"user:{u}", f"document:{d}", "view"] for u, d in small.user_viewers]
        + [[f"role:{r}", f"document:{d}", "view"] for r, d in small.role_viewers]
    )
    enforcer.add_grouping_policies(
        [[f"user:{u}", f"group:{g}"] for u, g in set(small.members)]
        + [[f"group:{child}", f"group:{parent}"] for child, parent in small.parents]
        + [[f"group:{g}", f"role:{r}"] for g, r in set(small.holders)]
    )
    seconds = []
    for user, document, right in small.questions(count):
        began = time.perf_counter()
        allowed = enforcer.enforce(f"user:{user}", f"document:{document}", "view")
        seconds.append(time.perf_counter() - began)
        if allowed is not right:
            raise AssertionError(f"{user} {document}: {allowed}")
    json.dump({"checks": seconds}, sys.stdout)


main()
