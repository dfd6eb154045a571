"""Uploads of files: no route takes any."""

from typing import Any, Never

from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler


class NoFiles(FileUploadHandler):
    """Reject a form with a file. Django's handlers write large files to a disk."""

    def new_file(self, *args: Any, **options: Any) -> Never:
        """Raise `BadRequest` before the file is read."""
        raise BadRequest("Files are not accepted: no form here has one.")
