"""`python -m tests.gate.prose [PLACE ...]`: measure the prose of code and pages.

Prose is docstrings and comments together, or a whole page.
"""

import ast
import io
import re
import sys
import tokenize
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PLACES = ("modelhub", "config", "pytest-modelhub/pytest_modelhub")

PEOPLE = re.compile(r"\b(who|whoever|whom|whose|(?:no|some|any|every)body)\b", re.IGNORECASE)
WHAT = re.compile(r"\bwhat\b", re.IGNORECASE)
QUESTIONS = {"what", "who", "which", "whether", "how", "where", "when", "whoever", "whose", "why"}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LONG = "docstrings with more than 80 characters in the first line, %"
LIMITS: dict[str, float] = {
    "who, nobody and the like per 1,000 words": 1,
    "what per 1,000 words": 2,
    "docstrings that begin with a question word, %": 2,
    LONG: 1,
    "noqa and type: ignore per 1,000 lines": 1.5,
}


@dataclass
class Prose:
    """Counts of files, and the places of all findings as `path:line text`."""

    lines: int = 0
    words: int = 0
    docstrings: int = 0
    people: list[str] = field(default_factory=list)
    what: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)
    suppressions: list[str] = field(default_factory=list)

    def rates(self) -> dict[str, float]:
        """Return the rates, in the order of `LIMITS`."""
        found = (
            1000 * len(self.people) / max(1, self.words),
            1000 * len(self.what) / max(1, self.words),
            100 * len(self.questions) / max(1, self.docstrings),
            100 * len(self.long) / max(1, self.docstrings),
            1000 * len(self.suppressions) / max(1, self.lines),
        )
        return dict(zip(LIMITS, found, strict=True))

    def excess(self, limits: dict[str, float] = LIMITS) -> list[str]:
        """Return a line for each rate above its limit, followed by the findings behind it."""
        findings = (self.people, self.what, self.questions, self.long, self.suppressions)
        return [
            line
            for (name, rate), places in zip(self.rates().items(), findings, strict=True)
            if rate > limits[name]
            for line in (f"{name}: {rate:.1f}, at most {limits[name]}", *places)
        ]


def measure(places: list[Path]) -> Prose:
    """Measure files, and the .py files below folders except for migrations."""
    prose = Prose()
    for place in places:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if path.suffix == ".md":
                add_text(prose, path, 1, path.read_text())
            elif "migrations" not in path.parts:
                add_python(prose, path, path.read_text())
    return prose


def add_python(prose: Prose, path: Path, source: str) -> None:
    prose.lines += sum(1 for line in source.splitlines() if line.strip())
    for node in ast.walk(ast.parse(source)):
        text = ast.get_docstring(node, clean=False) if isinstance(node, DOCUMENTED) else None
        if text and text.strip():
            line = node.body[0].lineno  # type: ignore[attr-defined]  # ast.AST has no body
            prose.docstrings += 1
            add_text(prose, path, line, text)
            if text.split()[0].strip("`\"'.,").lower() in QUESTIONS:
                prose.questions.append(place_of(path, line, text))
            if len(text.strip().partition("\n")[0]) > 80:
                prose.long.append(place_of(path, line, text))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            add_text(prose, path, token.start[0], token.string)
            if "noqa" in token.string or "type: ignore" in token.string:
                prose.suppressions.append(place_of(path, token.start[0], token.string))


def add_text(prose: Prose, path: Path, first: int, text: str) -> None:
    for number, line in enumerate(text.splitlines(), start=first):
        prose.words += len(re.findall(r"\w+", line))
        prose.people += [place_of(path, number, line) for _ in PEOPLE.findall(line)]
        prose.what += [place_of(path, number, line) for _ in WHAT.findall(line)]


def place_of(path: Path, line: int, text: str) -> str:
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return f"  {shown}:{line} {text.strip().partition(chr(10))[0]}"


def main(places: list[str]) -> int:
    """Print rates and excess findings. Return the exit status."""
    prose = measure([Path(place).resolve() for place in places])
    for name, rate in prose.rates().items():
        print(f"{rate:6.1f}  {name} (at most {LIMITS[name]})")
    excess = prose.excess()
    print("\n".join(excess))
    return 1 if excess else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [str(ROOT / place) for place in PLACES]))
