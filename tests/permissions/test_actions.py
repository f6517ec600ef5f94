import pytest

from audit.models import Event, EventKind
from permissions.operations.types import ensure_actions

pytestmark = pytest.mark.django_db


def test_actions_are_written_in_one_order_however_they_are_named():
    found = ensure_actions(type_label="aria.resource", names=["z", "a", "m", "a"], actor=None)

    event = Event.objects.get(kind=EventKind.RESOURCE_TYPE_CHANGED)
    assert event.after == {"actions_added": ["a", "m", "z"]}
    assert {permission.codename for permission in found} == {"a", "m", "z"}
