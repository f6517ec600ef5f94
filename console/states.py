"""Forms that know which state they were made from, so that nobody undoes a change unseen.

``StatedForm`` carries a digest of it. ``require_same`` compares, and puts what is there now beside
the fields; whoever sends the form once more has seen it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.crypto import constant_time_compare, salted_hmac

from audit.errors import Conflict
from console.forms import ConsoleForm

MEANWHILE = (
    "This was changed meanwhile, and nothing is saved. Save again to change it all the same."
)


def digest(state: Any) -> str:
    text = json.dumps(state, default=str, sort_keys=True)
    return salted_hmac("console.states", text, algorithm="sha256").hexdigest()[:32]


class StatedForm(ConsoleForm):
    state = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, current: Mapping[str, Any], **kwargs: Any) -> None:
        kwargs["initial"] = {**current, **(kwargs.get("initial") or {}), "state": digest(current)}
        super().__init__(*args, **kwargs)

    def require_same(self, current: Mapping[str, Any]) -> None:
        """Raises Conflict unless ``current`` is what the form was made from."""
        if constant_time_compare(self.cleaned_data["state"], digest(current)):
            return
        self.data = {**dict(self.data.items()), "state": digest(current)}
        now = {
            name: f"Now it is: {_text(value)}"
            for name, value in current.items()
            if name in self.fields and value != self.cleaned_data[name]
        }
        raise Conflict(fields={"meanwhile": [MEANWHILE], **now})


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value not in (None, "") else "empty"
