"""The base of the API's views: query parameters are checked before a method runs."""

from collections.abc import Collection
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.views import APIView

from modelhub.core.envelope import read_query
from modelhub.core.errors import Invalid
from modelhub.core.text import show

W = TypeVar("W", bound=str)

FLAG_VALUES = {"true": True, "1": True, "false": False, "0": False}


# Without a docstring, which drf-spectacular would show for methods without one.
class ApiView(APIView):
    # The query parameters of the request that its method declares (`endpoint`), in snake_case.
    query: dict[str, str]

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        """Authenticate, then read the query. Raise `Invalid` for an unknown parameter."""
        super().initial(request, *args, **options)
        method = getattr(self, str(request.method).lower(), None)
        names = getattr(method, "query_parameters", None)
        # A method that does not exist is a 405, and OPTIONS takes anything.
        if names is not None:
            self.query = read_query(request, names, lists=getattr(method, "query_lists", ()))

    def read_flag(self, name: str, *, default: bool = False) -> bool:
        """Return a flag of the query. Raise `Invalid`."""
        if name not in self.query:
            return default
        if (word := self.query[name]) not in FLAG_VALUES:
            raise Invalid(f"{name} must be true, false, 1 or 0, got {show(word)}", field=name)
        return FLAG_VALUES[word]

    def read_include(self, *words: str) -> set[str]:
        """Return the words of `include`, which name optional fields. Raise `Invalid`."""
        if "include" not in self.query:
            return set()
        given = self.query["include"].split(",")
        for word in given:
            if word not in words:
                sentence = f"include must be words among {', '.join(words)}, separated by commas, got {show(word)}"
                raise Invalid(sentence, field="include")
        return set(given)

    def read_word(self, name: str, words: Collection[W], default: W) -> W:
        """Return one of several words of the query. Raise `Invalid`."""
        word = self.query.get(name, default)
        for known in words:
            if known == word:
                return known
        raise Invalid(f"{name} must be one of {', '.join(words)}, got {show(word)}", field=name)
