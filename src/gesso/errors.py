"""The one exception gesso raises for mistakes a user can make and mend."""

from __future__ import annotations


class GessoError(ValueError):
    """A problem the user can mend: its text is one line that names the file or option,
    says what was wrong and what is allowed. The command line prints it and exits with code 2."""
