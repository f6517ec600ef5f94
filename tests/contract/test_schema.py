"""Our OpenAPI document against the facts of authentik's, release by release.

The facts were reduced by `extract.py` from the documents of authentik 2024.8.3 and 2026.2.0-rc1.
`authentik-2026.8.json` holds only what clients of 2026.8.5 need beyond these.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drf_spectacular.settings import spectacular_settings

from tests.contract.compare import differences
from tests.contract.extract import Facts, extract

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def ours() -> Facts:
    generator = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    return extract(generator.get_schema(request=None, public=True))


@pytest.mark.parametrize("release", ["2024.8", "2026", "2026.8"])
def test_a_client_of_authentik_finds_everything_it_needs(ours: Facts, release: str) -> None:
    theirs: Facts = json.loads((HERE / f"authentik-{release}.json").read_text())

    assert differences(ours, theirs) == []
