"""The curl lines of docs/studio.md do what the page says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from studio_client import TOKEN, Client
from tiny_files import TinyFiles

PAGE = Path(__file__).parents[2] / "docs" / "studio.md"


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs curl, bash")
def test_the_lines_of_the_page_run_as_they_are(
    client: Client, files: TinyFiles, tmp_path: Path
) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    script = "\n".join(block for block in blocks if "gesso studio" not in block)
    script = script.replace("127.0.0.1:8765", f"127.0.0.1:{client.port}")
    script = script.replace("0123456789abcdef", TOKEN).replace('"size": 512', '"size": 40')
    shutil.copy(files.photos / "a.jpg", tmp_path / "photo.jpg")
    shutil.copy(files.photos / "a.jpg", tmp_path / "painting.jpg")
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout, done.stderr)
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= {"preview.webp", "out.png", "card.safetensors", "thumbnail.webp"}
    assert '"state":"done"' in done.stdout and '"name":"half way"' in done.stdout
    assert '"error"' not in done.stdout
