"""Uploads of files: only views that install `FilesInMemory` take them."""

import io
from typing import Any, Never

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class NoFiles(FileUploadHandler):
    """Reject a form with a file. Django's handlers write large files to a disk."""

    def new_file(self, *args: Any, **options: Any) -> Never:
        """Raise `BadRequest` before the file is read."""
        raise BadRequest("Files are not accepted: no form here has one.")


class FilesInMemory(FileUploadHandler):
    """Keep the files of a form in memory, without their names.

    Together they have at most `MODELHUB_MAX_BODY_BYTES`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.received = 0
        self.content = io.BytesIO()

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        self.content = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Store a piece. Raise `RequestDataTooBig` above the limit."""
        self.received += len(raw_data)
        if self.received > settings.MAX_BODY_BYTES:
            raise RequestDataTooBig("The files are too large")
        self.content.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        content, self.content = self.content, io.BytesIO()
        content.seek(0)
        return InMemoryUploadedFile(content, self.field_name, "upload", self.content_type, file_size, self.charset)
