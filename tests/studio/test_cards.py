"""The library of cards: files that the command line reads as well."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from gesso.cards.card import StyleCard
from gesso.cli import run
from gesso.studio.server import Server
from studio_client import Client
from tiny_files import TinyFiles

NEON = {"bundled": "neon"}


@pytest.fixture
def card(client: Client, server: Server) -> str:
    """The name of a card in the library."""
    words = {"style": NEON, "name": f"neon of {client.session[:30]}", "method": "adain"}
    return str(client.made("card", words)["card"])


def test_a_card_is_the_command_lines(
    client: Client, server: Server, card: str, tmp_path: Path, own_cache: Path
) -> None:
    own = tmp_path / "own.safetensors"
    assert run(["adapt", "neon", "--method", "adain", "-o", str(own), "-q"]) == 0
    got = tmp_path / "got.safetensors"
    got.write_bytes(client.get(f"api/cards/{quote(card)}/file").body)
    one, other = StyleCard.load(own), StyleCard.load(got)
    for name in ("method", "config", "settings", "base", "thumbnail"):
        assert getattr(one, name) == getattr(other, name)
    assert all(bool((one.tensors[n] == t).all()) for n, t in other.tensors.items())
    assert other.provenance["style"] == "neon.jpg"


def test_a_card_paints_what_the_command_line_paints_with_it(
    client: Client, card: str, files: TinyFiles, tmp_path: Path
) -> None:
    path, out = tmp_path / "card.safetensors", tmp_path / "out.png"
    path.write_bytes(client.get(f"api/cards/{quote(card)}/file").body)
    assert run(["stylize", str(files.photo), "--style", str(path), "-o", str(out), "-q"]) == 0
    made = client.made("picture", {"photo": client.send(files.photo), "styles": [{"card": card}]})
    assert client.get(f"api/pictures/{made['id']}/file").body == out.read_bytes()


def test_cards_are_listed_shown_renamed_and_removed(client: Client, card: str) -> None:
    known = {one["name"]: one for one in client.get("api/cards").json}
    assert known[card]["method"] == "adain" and known[card]["style"] == "neon.jpg"
    with Image.open(io.BytesIO(client.get(f"api/cards/{quote(card)}/thumbnail").body)) as small:
        assert small.format == "WEBP" and max(small.size) <= 256
    renamed = client.ask("PATCH", f"api/cards/{quote(card)}", {"name": "Ünlü (2)"}).json
    assert renamed["name"] == "Ünlü (2)" and client.get(f"api/cards/{quote(card)}").status == 404
    assert client.ask("DELETE", f"api/cards/{quote('Ünlü (2)')}").status == 204
    assert card not in {one["name"] for one in client.get("api/cards").json}


def test_cards_are_mixed(client: Client, card: str) -> None:
    other = client.made("card", {"style": {"bundled": "mosaic"}, "name": "m", "method": "adain"})
    words = {"cards": {card: 0.75, other["card"]: 0.25}, "name": "between"}
    name = client.made("mixture", words)["card"]
    shown = client.get(f"api/cards/{quote(name)}").json
    assert shown["mixed"] and shown["method"] == "adain"
    assert client.ask("POST", "api/jobs/mixture", {"cards": {"no": 1}, "name": "x"}).status == 404


def test_a_card_that_is_sent_is_read_written_anew_and_named_once(client: Client, card: str) -> None:
    body = client.get(f"api/cards/{quote(card)}/file").body
    names = [client.send(body, "cards", "sent.safetensors") for _ in range(2)]
    assert names[0] != names[1] and names[1].startswith("sent")
    assert client.get(f"api/cards/{quote(names[0])}/file").body == body
    answer = client.ask("POST", "api/cards?name=bad", body[:-1] + b"x")
    assert answer.status == 422 and answer.error.startswith("card")
    assert client.ask("POST", "api/cards?name=bad", b"no card").status == 422


@pytest.mark.parametrize(
    "name",
    ["..", "../x", "a/b", "a\\b", ".hidden", "", " ", "a" * 64, "CON", "nul.x", "a\0", "a\n", "-x"],
    ids=ascii,
)
def test_names_that_cannot_be_are_refused(client: Client, card: str, name: str) -> None:
    answer = client.ask("PATCH", f"api/cards/{quote(card)}", {"name": name})
    assert answer.status == 422 and answer.error.startswith("name: ")
    words = {"style": NEON, "name": name, "method": "adain"}
    assert client.ask("POST", "api/jobs/card", words).status == 422


def test_a_name_that_is_taken_is_not_taken_again(client: Client, card: str) -> None:
    other = client.made("card", {"style": NEON, "name": card.upper(), "method": "adain"})["card"]
    assert other.casefold() != card.casefold()
    answer = client.ask("PATCH", f"api/cards/{quote(other)}", {"name": card})
    assert answer.status == 422 and "already" in answer.error


def test_a_link_in_the_library_is_no_card(client: Client, server: Server, card: str) -> None:
    folder = server.studio.library.folder
    (folder / "link.safetensors").symlink_to("/etc/passwd")
    try:
        assert client.get("api/cards/link").status == 404
        assert "link" not in {one["name"] for one in client.get("api/cards").json}
    finally:
        (folder / "link.safetensors").unlink()
