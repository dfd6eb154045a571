"""The header `Prefer` (RFC 7240), of which `code` asks for a failure."""

from urllib.request import parse_http_list


def find_code(header: str) -> str | None:
    """Return the first preference `code` as text, without its parameters; or None."""
    for preference in parse_http_list(header):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "code":
            return value.strip().strip('"')
    return None
