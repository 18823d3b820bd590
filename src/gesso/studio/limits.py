"""What one client of the server may ask of it, declared once. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from gesso.options import Option, check

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How much the server takes, keeps and does at once.

    Attributes:
        max_megabytes: of a picture, mask or card that is sent.
        max_pixels: of a picture that is sent or asked for, and of a clip's frames.
        max_clip_megabytes: of a clip that is sent.
        max_frames: of a clip. Pictures hold one.
        decode_timeout: in seconds, after which a file that is still being read is given up.
        upload_timeout: in seconds, within which a request has sent all it has to send.
        max_waiting: jobs that wait for their turn, of one session; four times as many of all.
        max_at_once: requests that are answered at one time.
        job_minutes: after which a job is ended.
        disk_megabytes: of the run's folder. The pictures not used for longest make room.
    """

    max_megabytes: Annotated[
        int, Option("Largest picture, mask or card that may be sent.", "MB", least=1)
    ] = 32
    max_pixels: Annotated[
        int, Option("Largest picture, width × height, sent or asked for.", "N", least=1)
    ] = 50_000_000
    max_clip_megabytes: Annotated[int, Option("Largest clip that may be sent.", "MB", least=1)] = (
        512
    )
    max_frames: Annotated[int, Option("Frames of a clip at most.", "N", least=1)] = 9000
    decode_timeout: Annotated[
        float, Option("A file that takes longer to read is refused.", "SECONDS", least=0.1)
    ] = 10.0
    upload_timeout: Annotated[
        float, Option("A request that takes longer to arrive is refused.", "SECONDS", least=1)
    ] = 120.0
    max_waiting: Annotated[
        int, Option("Jobs of one session that wait for their turn.", "N", least=1)
    ] = 16
    max_at_once: Annotated[int, Option("Requests answered at one time.", "N", least=8)] = 64
    job_minutes: Annotated[float, Option("A job that takes longer is ended.", "N", least=0.01)] = (
        120.0
    )
    disk_megabytes: Annotated[
        int, Option("Room for pictures; those not used for longest go first.", "MB", least=64)
    ] = 4000

    def __post_init__(self) -> None:
        check(self)

    @property
    def picture_bytes(self) -> int:
        return self.max_megabytes * MB

    @property
    def clip_bytes(self) -> int:
        return self.max_clip_megabytes * MB

    @property
    def disk_bytes(self) -> int:
        return self.disk_megabytes * MB

    def shown(self) -> dict[str, Any]:
        """What a page has to know before it sends something."""
        return {
            "picture_bytes": self.picture_bytes,
            "clip_bytes": self.clip_bytes,
            "pixels": self.max_pixels,
            "frames": self.max_frames,
        }
