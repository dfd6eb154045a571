"""The error and the warning of this package."""


class ModelhubError(Exception):
    """Raised without a usable server, and if the test controls reject a request."""

    def __init__(self, sentence: str, *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class ModelhubWarning(UserWarning):
    """Issued for a fault that met no request, and for a setting that the server lacks."""
