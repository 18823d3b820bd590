"""Protections of gesso, each as a text of the source, what breaks it, and the tests that notice.

`mutants.py` breaks them one at a time. A text stands in its file exactly once; none of the broken
ones writes or connects anywhere but the test's own folders.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protection:
    """One protection.

    Attributes:
        file: below src/gesso.
        text: what stands there.
        broken: what takes its place.
        tests: one of which has to fail then: arguments of pytest, separated by spaces.
    """

    file: str
    text: str
    broken: str
    tests: str


def _of(file: str, tests: str, *breaks: tuple[str, str]) -> list[Protection]:
    return [Protection(file, text, broken, tests) for text, broken in breaks]


FILES = [
    *_of(
        "disk/atomic.py",
        "tests/disk/test_atomic.py",
        ("os.replace(temporary, target)", "target.write_bytes(temporary.read_bytes())"),
        ("    _sync(temporary)\n", ""),
        ("    _sync_folder(target.parent)\n", ""),
        ("if ours and entry.is_file(", "if False and entry.is_file("),
        ("st_mtime < limit", "st_mtime < limit + 10**9"),
        ("_create(temporary, mode)", "_create(temporary, None)"),
        ("os.path.realpath(target)) if target.is_symlink() else target", "target)"),
    ),
    *_of(
        "disk/header.py",
        "tests/nn/test_checkpoint.py",
        ("if len(result) != len(pairs):", "if False:"),
        ("MAX_HEADER_BYTES = 1_000_000", "MAX_HEADER_BYTES = 100_000_000"),
        ("if entry.begin != position:", "if False:"),
        ("if offsets[1] - offsets[0] != math.prod(shape) * ITEM_SIZES[dtype]:", "if False:"),
        ("    if not valid_name(name):", "    if False:"),
        ("if depth > MAX_JSON_DEPTH:", "if False:"),
        ('if sum(text.count(sign) for sign in "{[,") > MAX_JSON_PARTS:', "if False:"),
    ),
    *_of(
        "disk/tensors.py",
        "tests/nn/test_checkpoint.py",
        (' or _digest([data]) != header["sha256"]', ""),
        ('if verify and _digest(pieces) != header["sha256"]:', "if False:"),
        ("if layout.size > max_bytes:", "if False:"),
        ('check_finite(path, raws, "not written")', "pass"),
        (
            'check_finite(path, tensors, "cannot be used")\n    return tensors, header',
            "return tensors, header",
        ),
        ("if type(version) is int and version > FORMAT:", "if False:"),
    ),
    *_of(
        "nn/checkpoint.py",
        "tests/nn/test_checkpoint.py",
        ("if found != sha256.lower():", "if False:"),
        ("weights_only=True", "weights_only=False"),
    ),
    *_of(
        "encoders/download.py",
        "tests/encoders/test_encoders.py",
        ("if found != published.sha256:", "if False:"),
        ("received <= published.size and ", ""),
    ),
    *_of(
        "runtime/sessions.py",
        "tests/runtime/test_without_torch.py::test_foreign_and_damaged_networks_are_refused_in_one_line",
        ("if ELSEWHERE in data:", "if False:"),
        ('if made.facts.get("gesso_contract") != "1":', "if False:"),
    ),
    *_of(
        "cards/packing.py",
        "tests/cards",
        (', kind="card", max_bytes=MAX_CARD_BYTES)', ', kind="card")'),
        ("if len(data) >= MAX_THUMBNAIL_BYTES:", "if False:"),
    ),
    *_of(
        "cards/fields.py",
        "tests/cards",
        ("if count >= MAX_VALUES + 2:", "if False:"),
        ("if isinstance(value, str) and len(value) > MAX_TEXT:", "if False:"),
    ),
]

PICTURES = [
    *_of(
        "images/decode.py",
        "tests/images/test_limits.py tests/images/test_hostile.py",
        ("if size is not None and size[0] * size[1] > max_pixels:", "if False:"),
        ("check_pixels(source, tiff.tile_size(tags), max_pixels)", "pass"),
        ("check_pixels(source, boxes.frame_size(data), max_pixels)", "pass"),
        ("boxes.check_frames(data)", "pass"),
    ),
    *_of(
        "images/png.py",
        "tests/images/test_png.py tests/images/test_hostile.py",
        ("    if count < wanted:", "    if False:"),
        ('if name in _PICTURE[:-2] or name == b"IEND":', "if False:"),
        ("found = inflate.decompress(body, most)", "found = inflate.decompress(body)"),
    ),
    *_of(
        "images/source.py",
        "tests/images/test_limits.py tests/images/test_sources.py",
        ("if size > max_bytes:", "if False:"),
        ("file.read(max_bytes + 1)", "file.read()"),
    ),
    *_of(
        "images/apart.py",
        "tests/images/test_apart.py",
        ("        timer.start()\n", ""),
        ("_TRIES = 2", "_TRIES = 1"),
    ),
    *_of(
        "images/worker.py",
        "tests/images/test_apart.py",
        ("resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))", "pass"),
        ("_alarm(timeout + GRACE)", "pass"),
    ),
    *_of(
        "images/exif.py",
        "tests/images/test_exif.py",
        ("        exif.pop(ORIENTATION, None)\n", ""),
    ),
    *_of(
        "images/folders.py",
        "tests/pipeline/test_plan.py tests/images",
        ("return entry.is_dir(follow_symlinks=False)", "return entry.is_dir()"),
        ("if stat.S_ISREG(mode):", "if True:"),
    ),
    *_of(
        "pipeline/plan.py",
        "tests/pipeline/test_plan.py",
        ("if identity(job.out) in protected:", "if False:"),
    ),
    *_of(
        "pipeline/names.py",
        "tests/pipeline/test_plan.py",
        ("if counts[_folded(name)] > 1]", "if False]"),
        ('unicodedata.normalize("NFC", str(name)).casefold()', "str(name)"),
    ),
]

RUNS = [
    *_of(
        "pipeline/batch.py",
        "tests/pipeline/test_batch.py",
        ("MOST_DEATHS = 2", "MOST_DEATHS = 3"),
        ("MOST_LOST = 3", "MOST_LOST = 4"),
        (" or not row.of(task.photo)", ""),
        ("todo.sort(key=lambda task: _ends_seen(manifest, task))", "pass"),
        ("        files.prepare(written)  # without", "        pass  # without"),
        ("return files_at(task.out).was_there(task.out) if", "return True if"),
    ),
    *_of(
        "pipeline/manifest.py",
        "tests/pipeline/test_batch.py",
        ("if before != now:", "if False:"),
        ("if lines[-1]:", "if False:"),
    ),
    *_of(
        "pipeline/files.py",
        "tests/pipeline/test_batch.py",
        ("if written < len(data):", "if False:"),
    ),
    *_of(
        "pipeline/tasks.py",
        "tests/pipeline/test_batch.py",
        ("if files_at(task.out).identity(task.out) in protected:", "if False:"),
    ),
    *_of(
        "pipeline/remote.py",
        "tests/pipeline/test_remote.py",
        ("self.fs.mv(temporary, path)", "self.fs.pipe_file(path, data)"),
        ("elif not fits(relative):", "elif False:"),
    ),
    *_of(
        "pipeline/parts.py",
        "tests/pipeline/test_parts.py",
        ("            if not self._known:\n", "            if False:\n"),
        ("if now or time", "if time"),
    ),
    *_of(
        "pipeline/crew.py",
        "tests/pipeline/test_batch.py",
        ("    os._exit(1)\n", ""),
    ),
    *_of(
        "cli/batch.py",
        "tests/cli/test_batch.py::test_two_commands_in_one_folder_are_refused",
        ("with held, showing", "with showing"),
    ),
    *_of(
        "training/loop.py",
        "tests/training/test_loop.py",
        ("if not due or self.state.bad_in_a_row:", "if not due:"),
        ('if math.isfinite(values["total"]) and math.isfinite(values["grad_norm"]):', "if True:"),
        ("elif weights_step(folder) != self.state.step:", "elif False:"),
        ('log.warning("%s; training goes on, the next save tries again", error)', "raise"),
        ("seed_step(self.config.seed, step, self.world)", "pass"),
        ("if self.state.bad_in_a_row >= self.config.max_bad_steps:", "if False:"),
    ),
    *_of(
        "training/state.py",
        "tests/training/test_loop.py",
        ("if free < 2 * needed:", "if False:"),
        ("        sweep_stale(folder)\n", "        pass\n"),
        ("if not resume and checkpoint.exists():", "if False:"),
        ("if field in free or before == after:", "if True:"),
        ("[*self.tensors().values(), *self.weights().values()]", "[*self.tensors().values()]"),
        ('with locked(out_dir / ".lock", ', 'with __import__("contextlib").nullcontext('),
    ),
    *_of(
        "training/process.py",
        "tests/training/test_loop.py",
        ("signal.signal(signal.SIGTERM, signal.SIG_DFL)", "pass"),
    ),
    *_of(
        "training/source.py",
        "tests/training/test_batches.py",
        ("if member.isreg() and path.suffix", "if path.suffix"),
        ("            self._broken.add(index)\n", ""),
        ("file.read(min(entry.size, MAX_BYTES))", "file.read(entry.size)"),
    ),
    *_of(
        "training/batches.py",
        "tests/training/test_batches.py",
        ("[self.seed, self.stream, step, position]", "[self.seed, self.stream, position]"),
    ),
]

SERVER = [
    *_of(
        "studio/addresses.py",
        "tests/studio/test_addresses.py",
        ("if not self.is_host(host):", "if False:"),
        ("if origin is not None and", "if False and"),
        ('if site not in (None, "same-origin", "none") and not followed:', "if False:"),
        ("if method not in _SAFE and kind in FORMS:", "if False:"),
    ),
    *_of(
        "studio/guard.py",
        "tests/studio/test_token.py",
        ("return len(given) == 1 and hmac.compare_digest(given[0], self.token)", "return True"),
        ('    "x-content-type-options": "nosniff",\n', ""),
    ),
    *_of(
        "studio/guard.py",
        "tests/studio/test_overload.py::test_no_more_is_under_way_at_one_time_than_allowed",
        ("elif self.under_way >= self.limits.max_at_once:", "elif False:"),
    ),
    *_of(
        "studio/guard.py",
        "tests/studio/test_sending.py",
        (" or int(length) > MOST_JSON", ""),
        ("timeout_at(None if complete else end)", "timeout_at(None)"),
    ),
    *_of(
        "studio/guard.py",
        "tests/studio/test_addresses.py",
        ("any(names.count(name) > 1 for name", "any(names.count(name) > 9 for name"),
    ),
    *_of(
        "studio/server.py",
        "tests/studio/test_token.py",
        ("if len(given) < LEAST_TOKEN or", "if"),
    ),
    *_of(
        "studio/store.py",
        "tests/studio/test_store.py tests/studio/test_walls.py",
        ("if found is None or found.session != session:", "if found is None:"),
        ("os.O_CREAT | os.O_EXCL, 0o600)", "os.O_CREAT | os.O_EXCL, 0o644)"),
        ("_RESERVED.fullmatch(plain) else plain", "False else plain"),
        ("while idle and (total > self.most", "while idle and (False"),
    ),
    *_of(
        "studio/routes/sending.py",
        "tests/studio/test_sending.py",
        ("if max(size, declared) > most:", "if False:"),
    ),
    *_of(
        "studio/refusals.py",
        "tests/studio/test_fuzz.py tests/studio/test_sending.py tests/studio/test_store.py",
        ('text.replace(f"{folder}/", "").replace(str(folder), "the folder")', "text"),
    ),
]

ALL = [*FILES, *PICTURES, *RUNS, *SERVER]
