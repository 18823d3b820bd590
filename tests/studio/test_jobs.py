"""Work that takes its time: watched, given up, refused when there is too much of it."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gesso.studio.limits import Limits
from gesso.studio.server import Server
from studio_client import OVER, TOKEN, Client, serving
from tiny_files import TinyFiles

LONG = {"method": "gatys", "options": {"steps": 100_000, "optimizer": "adam"}}


def long_job(client: Client, files: TinyFiles) -> Any:
    """What to ask for to keep a server busy until it is given up."""
    photo, style = client.send(files.photo), client.send(files.style)
    return {"photo": photo, "styles": [{"picture": style}], **LONG}


def events_of(client: Client, job: str) -> Any:
    """The states of a job as they come."""
    connection = HTTPConnection("127.0.0.1", client.port, timeout=120)
    own = {"X-Gesso-Token": TOKEN, "X-Gesso-Session": client.session}
    connection.request("GET", f"/api/jobs/{job}/events", headers=own)
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream; charset=utf-8"
    for line in answer:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])
    connection.close()


def test_a_job_is_watched_until_it_is_given_up(client: Client, files: TinyFiles) -> None:
    job = client.begin("picture", long_job(client, files))
    seen = []
    for state in events_of(client, job):
        seen.append(state)
        if state["progress"].get("done", 0) >= 3 and not any(s["state"] in OVER for s in seen):
            assert client.ask("POST", f"api/jobs/{job}/cancel").status == 202
    assert [seen[0]["state"] in ("waiting", "running"), seen[-1]["state"]] == [True, "cancelled"]
    steps = [state["progress"]["done"] for state in seen if state["progress"]]
    assert steps == sorted(steps) and seen[-1]["progress"]["total"] == 100_000
    assert seen[-1]["results"] == [] == seen[-1]["errors"]
    assert len(client.get("api/pictures").json) == 2  # nothing is left of the one not made


def test_a_job_that_waits_is_given_up_at_once(client: Client, files: TinyFiles) -> None:
    words = long_job(client, files)
    running, waiting = client.begin("picture", words), client.begin("picture", words)
    assert client.ask("POST", f"api/jobs/{waiting}/cancel").json["state"] == "cancelled"
    client.ask("POST", f"api/jobs/{running}/cancel")
    assert client.over(running)["state"] == "cancelled"
    assert [job["id"] for job in client.get("api/jobs").json] == [waiting, running]


def test_a_picture_that_a_job_needs_stays(client: Client, files: TinyFiles) -> None:
    words = long_job(client, files)
    job = client.begin("picture", words)
    answer = client.ask("DELETE", f"api/pictures/{words['photo']}")
    assert answer.status == 409 and "a job needs it" in answer.error
    client.ask("POST", f"api/jobs/{job}/cancel")
    client.over(job)
    assert client.ask("DELETE", f"api/pictures/{words['photo']}").status == 204


def test_every_photo_in_every_style(client: Client, files: TinyFiles, tmp_path: Path) -> None:
    photos = [client.send(path) for path in (files.photo, files.photos / "a.jpg")]
    words = {
        "photos": photos,
        "styles": [{"bundled": "neon"}, {"picture": client.send(files.style)}],
        "method": "adain",
        "size": 32,
        "format": "webp",
    }
    found = client.over(client.begin("grid", words))
    assert (found["state"], found["done"], found["steps"]) == ("done", 4, 4)
    names = [result["name"] for result in found["results"]]
    assert names == ["a-neon.webp", "a-neon.webp", "a-style.webp", "a-style.webp"]
    bodies = {client.get(f"api/pictures/{r['id']}/file").body for r in found["results"]}
    assert len(bodies) == 4


def test_too_many_jobs_are_refused_with_a_time_to_try_again(
    tiny_environment: None, tmp_path: Path, files: TinyFiles
) -> None:
    limits = Limits(max_waiting=2, decode_timeout=120)
    with serving(tmp_path, limits) as (_, client):
        words = long_job(client, files)
        jobs = [client.begin("picture", words)]
        while client.get(f"api/jobs/{jobs[0]}").json["state"] == "waiting":
            time.sleep(0.05)
        jobs += [client.begin("picture", words) for _ in range(2)]
        answer = client.ask("POST", "api/jobs/picture", words)
        assert answer.status == 429 and "2 are waiting; allowed are 2" in answer.error
        assert int(answer.headers["retry-after"]) >= 1
        others = [client.another(f"other{n}") for n in range(4)]
        statuses = []
        for other in others:
            own = long_job(other, files)
            statuses += [other.ask("POST", "api/jobs/picture", own) for _ in range(2)]
        assert [answer.status for answer in statuses] == [202] * 6 + [503] * 2
        assert all(int(a.headers["retry-after"]) >= 1 for a in statuses if a.status == 503)
        for job in jobs:
            client.ask("POST", f"api/jobs/{job}/cancel")
        assert [client.over(job)["state"] for job in jobs] == ["cancelled"] * 3


def test_a_process_that_dies_fails_its_job_and_no_other(
    client: Client, server: Server, files: TinyFiles
) -> None:
    job = client.begin("picture", long_job(client, files))
    while not client.get(f"api/jobs/{job}").json["progress"]:
        time.sleep(0.05)
    process = server.studio.jobs.workers[0]._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    found = client.over(job)
    assert found["state"] == "failed" and "ended unexpectedly" in found["errors"][0]
    words = {"photo": client.send(files.photo), "styles": [{"bundled": "neon"}], "method": "adain"}
    assert client.made("picture", {**words, "size": 32})["made"]


def test_a_job_that_takes_too_long_is_ended(
    tiny_environment: None, tmp_path: Path, files: TinyFiles
) -> None:
    with serving(tmp_path, Limits(job_minutes=0.05, decode_timeout=120)) as (_, client):
        found = client.over(client.begin("picture", long_job(client, files)))
    assert found["state"] == "failed" and "took longer than 3 s" in found["errors"][0]


@pytest.mark.parametrize("key", ["0" * 32, "x", "..", "%2e%2e%2f", "0" * 31 + "A"])
def test_jobs_that_are_not_there_are_unknown(client: Client, key: str) -> None:
    assert client.get(f"api/jobs/{key}").status == 404


def test_all_that_a_job_made_is_one_file(client: Client, files: TinyFiles) -> None:
    photos = [client.send(path) for path in (files.photo, files.photos / "a.jpg")]
    words = {"photos": photos, "styles": [{"bundled": "neon"}], "method": "adain", "size": 24}
    job = client.begin("grid", words)
    made = client.over(job)["results"]
    answer = client.get(f"api/jobs/{job}/files")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None and archive.namelist() == ["a-neon.png", "a-neon-2.png"]
        inside = [archive.read(name) for name in archive.namelist()]
    assert inside == [client.get(f"api/pictures/{one['id']}/file").body for one in made]


def test_all_that_a_session_has_made_is_one_file(client: Client, files: TinyFiles) -> None:
    photo = client.send(files.photo)
    for style in ("neon", "mosaic"):
        client.made("picture", {"photo": photo, "styles": [{"bundled": style}], "method": "adain"})
    answer = client.get("api/files")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert {Path(name).stem.split("-")[-1] for name in archive.namelist()} == {"neon", "mosaic"}
    with zipfile.ZipFile(io.BytesIO(client.another("else").get("api/files").body)) as archive:
        assert archive.namelist() == []


def test_the_picture_gets_better_while_one_watches(client: Client, files: TinyFiles) -> None:
    job = client.begin("picture", long_job(client, files))
    shown: list[bytes] = []
    for state in events_of(client, job):
        if state["preview"] > len(shown):
            answer = client.get(f"api/jobs/{job}/preview")
            assert answer.status == 200 and answer.headers["content-type"] == "image/webp"
            with Image.open(io.BytesIO(answer.body)) as picture:
                assert picture.size == (66, 68) or picture.size == (68, 66)
            shown.append(answer.body)
        if len(shown) == 2:
            client.ask("POST", f"api/jobs/{job}/cancel")
    assert shown[0] != shown[1]
