"""Text of a start: the address and, at first, keys, ids and three examples."""

import sys
from pathlib import Path

from django.conf import settings

from modelhub.serving.bootstrap import Bootstrapped

FIRST = """\
modelhub is ready at {base_url}

  API key     {api_key}
  Secret key  {secret_key}
              (shown this once; only its digest is stored)

  Labels
{labels}

  Sources
{sources}

  Explore     {base_url}/docs/
  Admin       {base_url}/admin/ (first: {manage} changepassword {email})

Three ways to store two scores. Each works as it is; paste the one you like.

--- curl: paste into a shell ---

curl -X POST {base_url}/model-hub/scores/bulk/ \\
  -H "X-Api-Key: {api_key}" \\
  -H "X-Secret-Key: {secret_key}" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "source_type": "trace",
    "source_id": "{trace}",
    "scores": [
      {{"label_id": "{star}", "value": {{"rating": 4}}, "score_source": "human"}},
      {{"label_id": "{categorical}", "value": {{"selected": ["positive"]}}, "score_source": "human"}}
    ],
    "notes": "Batch annotation"
  }}'

--- Python with requests: paste into .venv/bin/python ---

import requests

response = requests.post(
    "{base_url}/model-hub/scores/bulk/",
    headers={{"X-Api-Key": "{api_key}", "X-Secret-Key": "{secret_key}"}},
    json={{
        "source_type": "trace",
        "source_id": "{trace}",
        "scores": [
            {{"label_id": "{star}", "value": {{"rating": 4}}, "score_source": "human"}},
            {{"label_id": "{categorical}", "value": {{"selected": ["positive"]}}, "score_source": "human"}},
        ],
        "notes": "Batch annotation",
    }},
)
data = response.json()
print(f"Created: {{len(data['scores'])}} scores", *data["errors"])

--- JavaScript: paste into node (18 or newer) ---

fetch("{base_url}/model-hub/scores/bulk/", {{
  method: "POST",
  headers: {{
    "X-Api-Key": "{api_key}",
    "X-Secret-Key": "{secret_key}",
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({{
    sourceType: "trace",
    sourceId: "{trace}",
    scores: [
      {{ labelId: "{star}", value: {{ rating: 4 }}, scoreSource: "human" }},
      {{ labelId: "{categorical}", value: {{ selected: ["positive"] }}, scoreSource: "human" }},
    ],
    notes: "Batch annotation",
  }}),
}})
  .then((response) => response.json())
  .then((data) => console.log(`Created: ${{data.scores.length}} scores`, ...data.errors));

--- Stop with Ctrl-C; the data stays. ---
"""

AGAIN = """\
modelhub is ready at {base_url}

  API key     {api_key}
  Secret key  shown when the key was made; for a new pair: {manage} create_api_key {email}
  Explore     {base_url}/docs/

--- Stop with Ctrl-C; the data stays. ---
"""


def welcome(result: Bootstrapped) -> str:
    """Return the text for a terminal; it has the secret only when this start made it."""
    values = {
        "base_url": base_url(),
        "api_key": result.key.api_key,
        "email": result.key.user.email,
        "manage": manage_command(),
    }
    if not result.labels:
        return AGAIN.format(**values)
    labels = {label.type: label.pk for label in result.labels}
    return FIRST.format(
        **values,
        secret_key=result.secret_key,
        labels="\n".join(f"    {label.pk}  {label.type:<15} {label.name}" for label in result.labels),
        sources="\n".join(f"    {source.source_id}  {source.source_type}" for source in result.sources),
        trace=next(source.source_id for source in result.sources if source.source_type == "trace"),
        star=labels["star"],
        categorical=labels["categorical"],
    )


def base_url() -> str:
    """Return the URL of the server on its own machine."""
    host = "127.0.0.1" if settings.SERVE_HOST in {"0.0.0.0", "::"} else settings.SERVE_HOST  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.SERVE_PORT}"


def manage_command() -> str:
    """Return the relative command line of this process up to `manage.py`."""
    here = Path.cwd()
    python = Path(sys.executable)
    return f"{python.relative_to(here) if python.is_relative_to(here) else python} {sys.argv[0]}"
