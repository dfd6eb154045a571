"""`python -m tests.gate.audit [--release] [FILE]`: look for vulnerabilities of the pins.

The exit status is 1 for a vulnerability. Without an advisory service the gate prints NOT AUDITED and passes, because a
build must not depend on a network. A release must not depend on an unknown either: with `--release` it fails.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PINS = Path(__file__).resolve().parent.parent.parent / "constraints.txt"
PIP_AUDIT = Path(sys.executable).with_name("pip-audit")
SERVICES = ("osv", "pypi")
# A mirror of the first service.
OSV_URL = os.environ.get("AUDIT_OSV_URL", "")


def main() -> int:
    """Audit the pins of a file. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.gate.audit")
    parser.add_argument("path", type=Path, nargs="?", default=PINS)
    parser.add_argument("--release", action="store_true")
    options = parser.parse_args()
    pins = [pin for line in options.path.read_text().splitlines() if (pin := line.strip())]
    for service in SERVICES:
        # One pin first, because each pin would wait for the timeout of a missing service.
        if not (audit(pins[:1], service) and (audited := audit(pins, service))):
            continue
        lines = [line for package in audited for line in vulnerabilities(package)]
        for line in lines:
            print(line)
        print(f"audited {len(audited)} of {len(pins)} pins with {service}: {len(lines)} known vulnerabilities")
        return 1 if lines else 0
    print(f"NOT AUDITED: no advisory service ({' or '.join(SERVICES)}) answers; {len(pins)} pins were not looked up")
    return 1 if options.release else 0


def audit(pins: list[str], service: str) -> list[dict[str, Any]]:
    """Return the pins that the service knows, with their vulnerabilities."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "pins.txt"
        wanted.write_text("\n".join(pins))
        command = [str(PIP_AUDIT), "--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
        command += ["--timeout=10", f"--vulnerability-service={service}", f"--requirement={wanted}"]
        if OSV_URL and service == "osv":
            command.append(f"--osv-url={OSV_URL}")
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        words = done.stderr.strip().splitlines() or ["nothing"]
        print(f"{service} does not answer; pip-audit: {words[-1]}")
        return []
    return [package for package in found if "skip_reason" not in package]


def vulnerabilities(package: dict[str, Any]) -> list[str]:
    """Return one line per vulnerability: package, name, fixed versions."""
    pin = f"{package['name']} {package['version']}"
    return [
        f"{pin}: {vuln['id']}, fixed in {', '.join(vuln['fix_versions']) or 'no version'}" for vuln in package["vulns"]
    ]


if __name__ == "__main__":
    sys.exit(main())
