"""Whatever JSON a request holds, the answer is none of the server's own mistakes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio_client import Client
from tiny_files import TinyFiles

NUMBERS = st.integers() | st.floats(allow_nan=False)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text(max_size=20)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists and objects of such values."""
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)


ANY = st.recursive(PLAIN, nested, max_leaves=8)
FIELDS = [
    *("photo", "photos", "styles", "masks", "style_masks", "method", "preset", "options", "clip"),
    *("controls", "size", "format", "quality", "name", "cards", "style", "start", "end", "steady"),
]
STYLES = [{"bundled": "neon"}, {"bundled": ""}, {"card": "x"}, {"picture": "0" * 32}]
STYLE = st.sampled_from(STYLES)
VALUE = ANY | st.lists(STYLE, max_size=3) | st.sampled_from(["0" * 32, ["0" * 32], "adain", {}, 64])
WORDS = ANY | st.dictionaries(st.sampled_from(FIELDS), VALUE, max_size=8)
KINDS = st.sampled_from(["picture", "grid", "card", "mixture", "clip"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kind=KINDS, words=WORDS)
def test_any_json_is_answered(client: Client, files: TinyFiles, kind: str, words: Any) -> None:
    answer = client.ask("POST", f"api/jobs/{kind}", words)
    assert answer.status in (202, 404, 422, 429)
    if answer.status == 202:
        client.ask("POST", f"api/jobs/{answer.json['id']}/cancel")
    else:
        assert len(answer.error) < 400 and "/" not in answer.error.split(": ")[0]
