"""The command `gesso`, also as `python -m gesso` and `torchrun … -m gesso train …`.

Ctrl-C and SIGTERM are answered from here on, before anything that takes time is imported.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


def stop(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, whose argument is the signal. Within an import, which would turn it
    into an error of its own, the process ends at once: nothing is begun then that has to be undone.
    """
    inside = frame
    while inside is not None:
        if inside.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, f"{WORDS[signal.Signals(number)]}\n".encode())
            os._exit(128 + number)
        inside = inside.f_back
    _forget()
    raise KeyboardInterrupt(number)


def _forget() -> None:
    """From now on a signal ends the process at once."""
    for number in WORDS:
        signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    for number in WORDS:
        signal.signal(number, stop)
    from gesso.cli import run

    code = run(sys.argv[1:])
    _forget()
    gc.freeze()  # what is left goes with the process: nobody has to look for cycles in it
    sys.exit(code)


if __name__ == "__main__":
    main()
