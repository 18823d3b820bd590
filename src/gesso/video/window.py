"""The window that shows what a camera sees in a style. Thin: what keys do stands in `live`."""

from __future__ import annotations

import tkinter
from collections.abc import Callable, Sequence
from time import monotonic

from gesso.errors import GessoError
from gesso.video.frames import Pixels
from gesso.video.live import Live

POLL_MS = 10
NAMES = {"Escape": "q", "plus": "+", "equal": "+", "KP_Add": "+", "minus": "-", "KP_Subtract": "-"}


class Window:
    """A window of Tk's.

    Args:
        live: the pictures.
        names: of the styles.
        save: keeps a picture; returns what to say of it.

    Raises:
        GessoError: there is no display.
    """

    def __init__(self, live: Live, names: Sequence[str], save: Callable[[Pixels], str]) -> None:
        self.live, self.names, self.save = live, names, save
        try:
            self.root = tkinter.Tk()
        except tkinter.TclError as error:
            raise GessoError(f"webcam: no display to show a window on ({error})") from error
        self.label = tkinter.Label(self.root, borderwidth=0)
        self.label.pack()
        self.said, self._began = "", monotonic()
        self._picture: Pixels | None = None
        self._image: tkinter.PhotoImage | None = None
        self.root.bind("<Key>", lambda event: self.pressed(NAMES.get(event.keysym, event.char)))
        self.root.protocol("WM_DELETE_WINDOW", self.root.quit)

    def run(self) -> None:
        """Show pictures until q is pressed or no more come. Raises what has stopped them."""
        self.live.start()
        self._poll()
        try:
            self.root.mainloop()
        finally:
            self.live.stop()
            self.root.destroy()

    def pressed(self, key: str) -> None:
        """What a key does."""
        if key == "q":
            self.root.quit()
        elif key == "s" and self._picture is not None:
            self.said = self.save(self._picture)
        else:
            self.live.wanted = self.live.wanted.pressed(key, len(self.names))

    def _poll(self) -> None:
        over = self.live.pictures.closed
        made = self.live.pictures.take(wait=False)
        if made is not None:
            self._show(made[1])
        elif over:
            self.root.quit()
            return
        self.root.after(POLL_MS, self._poll)

    def _show(self, picture: Pixels) -> None:
        self._picture = picture
        height, width = picture.shape[:2]
        data = f"P6 {width} {height} 255\n".encode() + picture.tobytes()
        self._image = tkinter.PhotoImage(data=data, format="PPM")  # held, or Tk forgets it
        self.label.configure(image=self._image)
        speed = self.live.shown / max(1e-3, monotonic() - self._began)
        words = [self.live.wanted.described(self.names), f"{speed:.1f} frames/s", self.said]
        self.root.title(" · ".join(filter(None, words)))
