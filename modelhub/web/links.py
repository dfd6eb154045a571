"""Links of the addresses in texts on pages, as a filter of templates."""

import itertools
import re
from collections.abc import Iterator

from django.template import Library
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import SafeString

# Addresses with a link: http and https without characters that end or disguise one.
LINK = re.compile(r"https?://[^\s<>\"'`{}|\\^\u200b-\u200f\u2028-\u202e\u2066-\u2069]{1,2000}")
# Links of one text, and of all texts of a page.
MAX_LINKS, MAX_PAGE_LINKS = 100, 1000
HTML = '{}<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>'

register = Library()


@register.filter
def linked(text: str, budget: Iterator[int] | None = None) -> SafeString:
    """Return an escaped text, of which the first addresses are links.

    Texts of one page share a budget of links. One string per text: templates of thousands of pieces are slow.
    """
    if "://" not in text:
        return conditional_escape(text)
    pieces, end = [], 0
    limits = itertools.islice(budget or page_links(), MAX_LINKS)
    for found, _ in zip(LINK.finditer(text), limits, strict=False):
        # The sentence around an address ends it.
        url = found[0].rstrip(".,;:!?)]*")
        if url.endswith("://"):
            continue
        pieces.append((text[end : found.start()], url, url))
        end = found.start() + len(url)
    return format_html_join("", HTML, pieces) + conditional_escape(text[end:])


def page_links() -> Iterator[int]:
    """Return the budget of links of a page."""
    return iter(range(MAX_PAGE_LINKS))
