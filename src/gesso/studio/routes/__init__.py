"""The API's routes."""

from gesso.studio.routes import about, cards, jobs, page, pictures

ROUTERS = [about.router, pictures.router, cards.router, jobs.router, jobs.everything, page.router]
