"""Names and help of commands: in kebab case, with the server's commands first."""

import sys
from difflib import get_close_matches

from django.conf import settings
from django.core.management import BaseCommand, ManagementUtility, get_commands

import modelhub

COMMANDS = {
    "Server": {
        "serve": "start it; the first start prints an API key, labels and sources",
        "migrate": "create or update the tables, as serve does",
        "check --deploy": "check the settings",
    },
    "Keys and users": {
        "create-api-key [EMAIL]": "create a key and print its secret once",
        "list-api-keys": "print all keys, with their last use",
        "rotate-api-key KEY": "create a successor; the key stays valid for a day",
        "revoke-api-key KEY": "end a key at once",
        "create-user EMAIL": "create an annotator or an admin",
        "change-password EMAIL": "set the password for /admin/",
    },
    "Data": {
        "import-scores FILE": "import the JSON lines or the CSV of an export",
        "backup FILE": "write the whole database to a file, beside a running server",
        "restore FILE": "fill the database from a backup",
        "purge": "delete old answers, sessions and links; run it daily",
        "dbshell": "open psql",
    },
}
EXAMPLES = (
    "serve",
    "serve --port 0 --ephemeral --test-controls --json",
    "create-api-key annotator@example.com --scope annotate --expires-in-days 30",
    "create-user annotator@example.com --name Ann --no-password",
    "import-scores scores.jsonl --dry-run",
    "backup modelhub.backup",
)
# Of every command; they work, but `--help` leaves them out.
DJANGO_OPTIONS = {
    *("--version", "-v", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"),
}
PAGE = """\
modelhub {version}, a self-hosted server of the scores API

Usage: {program} COMMAND [options]
       {program} COMMAND --help
       {program} --version
{sections}

Examples
{examples}

Settings are environment variables such as PORT and DATABASE_URL (docs/settings.md).
{data}
Django has more commands: {program} help --commands
"""


class Program(ManagementUtility):
    """Django's commands under the names that users type."""

    def execute(self) -> None:
        """Run the command of `argv`; the version is that of the server, not Django's."""
        if self.argv[1:] in (["--version"], ["version"]):
            sys.stdout.write(f"modelhub {modelhub.__version__}\n")
        else:
            super().execute()

    def main_help_text(self, commands_only: bool = False) -> str:
        """Return the page of `help`, or the names of all commands."""
        if commands_only:
            return "\n".join(sorted(kebab(name) for name in get_commands()))
        sections = [
            line
            for title, commands in COMMANDS.items()
            for line in ["", title, *(f"  {usage:24} {purpose}" for usage, purpose in commands.items())]
        ]
        return PAGE.format(
            version=modelhub.__version__,
            program=self.prog_name,
            sections="\n".join(sections),
            examples="\n".join(f"  {self.prog_name} {example}" for example in EXAMPLES),
            data=self._describe_data(),
        ).rstrip()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Return the command with this name, in kebab or snake case."""
        names = {_squeeze(name): name for name in get_commands()}
        if name := names.get(_squeeze(subcommand)):
            command = super().fetch_command(name)
            command.suppressed_base_arguments = DJANGO_OPTIONS
            return command
        # Unusable settings hide the commands: the reason is raised here.
        _ = settings.INSTALLED_APPS
        known = [*map(kebab, names.values()), *(usage.split()[0] for one in COMMANDS.values() for usage in one)]
        similar = get_close_matches(kebab(subcommand), known, n=1)
        hint = f" Did you mean {similar[0]}?" if similar else ""
        sys.exit(f"modelhub: there is no command {subcommand!a}.{hint} {self.prog_name} --help lists them.")

    def _describe_data(self) -> str:
        if self.settings_exception:
            return f"These cannot be used: {self.settings_exception}"
        return f"Without DATABASE_URL, data is kept in {settings.DATA_DIR} (MODELHUB_DATA_DIR)."


def kebab(name: str) -> str:
    """Return the name of a command as users type it."""
    return name.replace("_", "-")


def _squeeze(name: str) -> str:
    """Return a name without separators: Django has `changepassword`."""
    return name.replace("_", "").replace("-", "")
