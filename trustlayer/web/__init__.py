"""The review desk: reports, search, held answers for people, and the same over REST.

Needs the extra ``web``. `application` makes the ASGI application out of a `Desk`.
"""

from trustlayer.errors import MissingExtra

try:
    import fastapi as _fastapi  # noqa: F401  # pyright: ignore[reportUnusedImport]
    import jinja2 as _jinja2  # noqa: F401  # pyright: ignore[reportUnusedImport]
    import python_multipart as _multipart  # noqa: F401  # pyright: ignore[reportUnusedImport]
    import uvicorn as _uvicorn  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError as error:
    missing = MissingExtra(f"the review desk needs {error.name}, which is not installed")
    missing.add_note("install it: pip install 'trustlayer[web]'")
    raise missing from error

from trustlayer.web.app import application
from trustlayer.web.desk import Desk, Settings
from trustlayer.web.reviewers import Reviewer, Reviewers

__all__ = ["Desk", "Reviewer", "Reviewers", "Settings", "application"]
