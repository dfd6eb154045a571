"""Packages of the distribution; everything else is in pyproject.toml.

The wheel has one top-level package: other Django projects have a `config`, too.
"""

from setuptools import find_packages, setup

deployment = [f"modelhub.deployment{name.removeprefix('config')}" for name in find_packages(include=["config*"])]

setup(
    packages=find_packages(include=["modelhub*"]) + deployment,
    package_dir={"modelhub.deployment": "config"},
)
