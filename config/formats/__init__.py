"""Formats of times on pages, in Django's layout: a package per language."""
