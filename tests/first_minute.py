"""`make picture`: draw the first minute of a new server from a real run.

The terminal of the README: the start, a bulk request with one invalid score, and the answer. Needs bash, curl and jq.
"""

import re
import subprocess
import textwrap
from html import escape

from tests.folders import temporary_folder
from tests.servers import EMBEDDED, ROOT, Server, running_server

PICTURE = ROOT / "docs" / "pictures" / "first_minute.svg"
COLUMNS = 100
CHARACTER, LINE, MARGIN = 7.8, 19, 20
COMMAND = """curl -s -X POST http://127.0.0.1:8000/model-hub/scores/bulk/ -H "Content-Type: application/json" \\
    -H "X-Api-Key: $API_KEY" -H "X-Secret-Key: $SECRET_KEY" -d '{
      "source_type": "trace",
      "source_id": "<trace>",
      "scores": [
        {"label_id": "<star>", "value": {"rating": 4}},
        {"label_id": "<categorical>", "value": {"selected": ["positiv"]}}
      ]}' | jq -rc '.scores[].value, .errors[]'"""
STYLE = """
    .window { fill: #0d1117; stroke: #8b949e; }
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; }
    .command { fill: #ffffff; font-weight: 600; }
    .error { fill: #ffa657; }
"""


def transcript() -> list[tuple[str, str]]:
    """Return the lines of the terminal, each with its class."""
    with temporary_folder() as folder:
        generated = EMBEDDED | {"MODELHUB_BOOTSTRAP_API_KEY": "", "MODELHUB_BOOTSTRAP_SECRET_KEY": ""}
        with running_server(folder, **generated) as server:
            start = "".join(server.output).partition("\n  Explore")[0]
            command = fill_ids(COMMAND, start)
            answer = send_request(server, command, *re.findall(r"key +(\S+)", start))
    # The keys are those of a server that is gone, but look like a leak.
    start = re.sub(r"(key +\S{6})\S+", r"\1…", start.replace(server.base_url, "http://127.0.0.1:8000"))
    lines = [("command", "$ make run"), *(("", line) for line in start.splitlines()), ("", "")]
    lines += [("command", line) for line in f"$ {command}".splitlines()]
    return lines + [("error" if "scores[1]" in line else "", line) for line in answer.splitlines()]


def fill_ids(text: str, start: str) -> str:
    """Replace `<star>` and the like by the ids that a first start printed."""
    for row_id, name in re.findall(r"^    ([0-9a-f-]{36})  (\w+)", start, re.MULTILINE):
        text = text.replace(f"<{name}>", row_id)
    return text


def send_request(server: Server, command: str, api_key: str, secret_key: str) -> str:
    """Run the command of the picture and return its output."""
    command = command.replace("http://127.0.0.1:8000", server.base_url)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "API_KEY": api_key, "SECRET_KEY": secret_key}
    result = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60, check=True)
    return result.stdout


def draw(lines: list[tuple[str, str]]) -> str:
    """Return the SVG of a terminal; long lines are broken as a terminal breaks them."""
    rows = [(kind, row) for kind, line in lines for row in textwrap.wrap(line, COLUMNS, drop_whitespace=False) or [""]]
    width, height = round(COLUMNS * CHARACTER) + 2 * MARGIN, len(rows) * LINE + 2 * MARGIN
    place = f'x="{MARGIN}" xml:space="preserve"'
    texts = [
        f'  <text class="{kind}" {place} y="{MARGIN + 13 + number * LINE}">{escape(row)}</text>'
        for number, (kind, row) in enumerate(rows)
        if row
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    title = "<title>The first minute: start the server, send two scores, read one error</title>"
    window = f'<rect class="window" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>'
    return "\n".join([head, f"  {title}", f"  <style>{STYLE}  </style>", f"  {window}", *texts, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw(transcript()))
