"""Files of the Hugging Face Hub, from a small stand-in of its HTTP interface on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

import gesso
from gesso.cli import run
from gesso.disk.atomic import sha256_file
from gesso.disk.hub import fetched, pinned
from gesso.images.write import write_image
from gesso.nn.checkpoint import load_file
from tiny_files import TinyFiles

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "ab" * 32


@dataclass
class Hub:
    """What the hub has, by path, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)

    def put(self, path: Path, digest: str = "", name: str = "weights.safetensors") -> str:
        """Serve a file; returns what names it."""
        self.files[f"/ada/tiny/resolve/{COMMIT}/{name}"] = path.read_bytes()
        return f"hf:ada/tiny/{name}@{COMMIT}#sha256={digest or sha256_file(path)}"


@pytest.fixture
def hub(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    constants = pytest.importorskip("huggingface_hub.constants")
    found = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            found.asked.append((self.command, self.path))
            found.tokens.add(self.headers.get("Authorization"))
            data = found.files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("X-Repo-Commit", COMMIT)
            if data is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("ETag", f'"{DIGEST}"')
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(found.files.get(self.path, b""))

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", place)
    template = place + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("HF_TOKEN", "hf_nobodys")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def test_a_pinned_file_is_fetched_once_and_without_a_token(hub: Hub, files: TinyFiles) -> None:
    name = hub.put(files.start)
    path = fetched(name)
    assert path.read_bytes() == files.start.read_bytes()
    asked = list(hub.asked)
    assert ("GET", f"/ada/tiny/resolve/{COMMIT}/weights.safetensors") in asked
    assert fetched(name) == path and hub.asked == asked
    assert hub.tokens == {None}
    path.write_bytes(b"damaged")
    assert fetched(name).read_bytes() == files.start.read_bytes()


def test_methods_and_commands_take_what_is_there_by_its_name(
    hub: Hub, files: TinyFiles, tiny_weights: TinyFiles, capfd: pytest.CaptureFixture[str]
) -> None:
    name = hub.put(files.start)
    method = gesso.load(name, encoder=files.encoder)
    same = gesso.load("metastyle", weights=files.start, encoder=files.encoder)
    assert method.name == "metastyle" and method.base == same.base
    session = gesso.Session("metastyle", weights=name, encoder=files.encoder)
    assert session.method.base == same.base
    unknown = f"hf:ada/tiny/other.safetensors@{COMMIT}#sha256={DIGEST}"
    assert run(["adapt", str(files.style), "--model", unknown, "-o", "card.safetensors"]) == 2
    line = capfd.readouterr().err
    assert line.startswith("hf:ada/tiny/other.safetensors@0123456789ab: cannot be fetched: ")
    assert line.count("\n") == 1


@pytest.fixture
def card(files: TinyFiles, tmp_path: Path) -> Path:
    """A card of the tiny start."""
    path = tmp_path / "card.safetensors"
    assert run(["adapt", str(files.style), "-o", str(path), "-q", *files.options]) == 0
    return path


def test_cards_are_styles_by_their_names(
    hub: Hub, files: TinyFiles, card: Path, tmp_path: Path
) -> None:
    name = hub.put(card, name="card.safetensors")
    of_start = ["--model", str(files.start), "-q"]
    pictures = []
    for style in (str(card), name, name.replace("/card.safetensors", "")):
        out = tmp_path / f"{len(pictures)}.png"
        command = ["stylize", str(files.photo), "--style", style, "-o", str(out)]
        assert run([*command, *of_start]) == 0
        pictures.append(out.read_bytes())
    command = ["batch", str(files.photo), "--style", name, "-o", str(tmp_path / "out")]
    assert run([*command, *of_start]) == 0
    assert len({*pictures, (tmp_path / "out/a.png").read_bytes()}) == 1
    session = gesso.Session("metastyle", weights=files.start, encoder=files.encoder)
    assert session.card(name).tensors.keys() == session.card(card).tensors.keys()
    made = [
        gesso.stylize(files.photo, style, weights=files.start, encoder=files.encoder, cache=False)
        for style in (card, name, Path(name))
    ]
    assert (made[0] == made[1]).all() and (made[0] == made[2]).all()


def test_weights_go_to_every_door_by_their_name(hub: Hub, files: TinyFiles) -> None:
    given = {"encoder": files.encoder, "steps": 1, "cache": False, "method": "metastyle"}
    made = [
        gesso.stylize(files.photo, files.style, weights=weights, **given)  # type: ignore[arg-type]
        for weights in (files.start, hub.put(files.start))
    ]
    assert (made[0] == made[1]).all()
    bank = gesso.Session("conditional_in", weights=hub.put(files.bank), encoder=files.encoder)
    assert bank.card("style").method == "conditional_in"


def test_starts_are_gone_on_from_by_their_names(hub: Hub, files: TinyFiles, tmp_path: Path) -> None:
    johnson = gesso.load("johnson", encoder=files.encoder)
    name = hub.put(files.start)
    assert johnson.adapt_settings(start=name) == johnson.adapt_settings(start=files.start)
    trained = []
    for start in (name, str(files.start)):
        folder = tmp_path / str(len(trained))
        command = ["train", "metastyle", "--start", start, "-o", str(folder)]
        command += ["--contents", str(files.photos), "--styles", str(files.photos)]
        command += ["--encoder", str(files.encoder), "--width", "4", "--crop", "32"]
        command += ["--style-crop", "32", "--resize-max", "40", "--content-batch", "1"]
        command += ["--style-batch", "2", "--workers", "0", "--threads", "1", "--steps", "1"]
        assert run(command) == 0
        trained.append(load_file(folder / "weights.safetensors")[0])
    assert all(torch.equal(trained[1][key], tensor) for key, tensor in trained[0].items())


NOWHERE = f"hf:ada/tiny/x.safetensors@{COMMIT}#sha256={DIGEST}"
DOORS = [
    ["stylize", "photo.jpg", "-o", "out.png", "--style"],
    ["batch", "photo.jpg", "-o", "out", "--style"],
    ["adapt", "impasto", "-o", "card.safetensors", "--model"],
    ["adapt", "impasto", "-o", "card.safetensors", "--encoder"],
    ["adapt", "impasto", "-o", "card.safetensors", "--method", "johnson", "--start"],
    ["adapt", "impasto", "-o", "card.safetensors", "--method", "texture_nets", "--start"],
    ["train", "metastyle", "--contents", ".", "--styles", ".", "-o", "run", "--start"],
    ["distill", "--contents", ".", "--styles", ".", "-o", "run", "--start"],
]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door[0]} {door[-1]}")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hf:ada/tiny", "hf:ada/tiny: not pinned: a commit of 40"),
        (NOWHERE, "hf:ada/tiny/x.safetensors@0123456789ab: cannot be fetched: "),
    ],
)
def test_every_door_refuses_in_one_line_what_is_not_pinned_or_cannot_be_fetched(
    door: list[str],
    name: str,
    words: str,
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "photo.jpg", np.zeros((3, 8, 8), np.float32))
    assert run([*door, name]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith(words) and err.count("\n") == 1, err
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "photo.jpg"}


@pytest.mark.slow
def test_without_a_network_a_line_says_so(
    hub: Hub, card: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    name = hub.put(card, name="card.safetensors")
    kept = fetched(name)
    constants = pytest.importorskip("huggingface_hub.constants")
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"  # nobody answers
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    assert fetched(name) == kept  # what was fetched needs none
    command = ["stylize", "impasto", "-o", "out.png", "--style", NOWHERE]
    capfd.readouterr()
    assert run(command) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith("hf:ada/tiny/x.safetensors@0123456789ab: cannot be fetched: ")


def test_another_file_than_the_pinned_one_is_not_kept(
    hub: Hub, own_cache: Path, tmp_path: Path, files: TinyFiles
) -> None:
    with pytest.raises(gesso.GessoError, match=r"not used: its SHA-256 is .*, expected abababab"):
        fetched(hub.put(files.start, DIGEST))
    pickle = tmp_path / "weights.bin"
    pickle.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(gesso.GessoError, match=r"a zip archive .*; expected a safetensors file"):
        fetched(hub.put(pickle))
    assert list((own_cache / "hub").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hf:ada/tiny", "not pinned: a commit of 40"),
        (f"hf:ada/tiny#sha256={DIGEST}", "not pinned: a commit of 40"),
        (f"hf:ada/tiny@main#sha256={DIGEST}", "not pinned: a commit of 40"),
        (f"hf:ada/tiny@{COMMIT}", "not pinned: the file's SHA-256"),
        (f"hf:ada/tiny@{COMMIT}#sha256=ab", "not pinned: the file's SHA-256"),
        (f"hf:ada/tiny/model.bin@{COMMIT}#sha256={DIGEST}", "files that end in .safetensors"),
        (f"hf:ada@{COMMIT}#sha256={DIGEST}", "expected hf:OWNER/NAME"),
        (f"hf:ada/../tiny@{COMMIT}#sha256={DIGEST}", "expected hf:OWNER/NAME"),
        (f"hf:ada/tiny/../x.safetensors@{COMMIT}#sha256={DIGEST}", "expected hf:OWNER/NAME"),
    ],
)
def test_what_is_not_pinned_is_refused(text: str, words: str) -> None:
    with pytest.raises(gesso.GessoError, match=words):
        gesso.load(text)


@pytest.mark.parametrize("option", ["--model", "--encoder"])
def test_commands_refuse_what_is_not_pinned(option: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["adapt", "impasto", option, "hf:ada/tiny", "-o", "card.safetensors"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("hf:ada/tiny: not pinned") and err.count("\n") == 1


def test_the_usual_file_is_that_of_training() -> None:
    assert pinned(f"hf:ada/tiny@{COMMIT}#sha256={DIGEST}").file == "weights.safetensors"
