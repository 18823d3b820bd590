"""The libraries of the extra `video`, and a line for where they are missing."""

from __future__ import annotations

from typing import Any

from gesso.errors import GessoError


def pyav() -> Any:
    """PyAV. Raises GessoError, with what to install, where it is missing."""
    try:
        import av
    except ImportError as error:
        line = "video: needs PyAV, which is missing; pip install 'gesso[video]' brings it"
        raise GessoError(line) from error
    return av


def opencv() -> Any:
    """OpenCV. Raises GessoError, with what to install, where it is missing."""
    try:
        import cv2
    except ImportError as error:
        line = "video: motion needs OpenCV, which is missing; pip install 'gesso[video]' brings it"
        raise GessoError(line) from error
    return cv2
