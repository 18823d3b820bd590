"""The parts of a server, put together."""

from __future__ import annotations

import ipaddress

from gesso import assets
from gesso.studio.addresses import Known
from gesso.studio.apart import Apart
from gesso.studio.app import Studio, make_app
from gesso.studio.guard import App, Guard
from gesso.studio.jobs import Jobs
from gesso.studio.library import Library, library_folder
from gesso.studio.readers import Readers
from gesso.studio.server import Settings
from gesso.studio.site import site_files
from gesso.studio.store import CACHE, Store


def assembled(settings: Settings, port: int, token: str) -> tuple[Studio, App]:
    """What a server shares, and the application that answers. Raises GessoError."""
    site = site_files(settings.site)
    library = Library((settings.cards or library_folder()).absolute())
    store = Store(settings.limits.disk_bytes, settings.parent)
    environment = {"GESSO_CACHE": str(store.folder / CACHE)}
    painters = [
        Apart("gesso.studio.worker", ["painting"], store.folder, environment)
        for _ in range(settings.workers)
    ]
    for painter in painters:
        painter.start()  # torch takes its time
    folders = [store.folder, library.folder, assets.STYLES]
    jobs = Jobs(store, settings.limits, painters, folders)
    readers = Readers(settings.limits, store.folder)
    studio = Studio(store, library, settings.limits, jobs, readers, site)
    names = tuple(name.lower() for name in settings.names)
    known = Known(port, names, ipaddress.ip_address(settings.address).is_loopback)
    return studio, Guard(make_app(studio), known, token, settings.limits)
