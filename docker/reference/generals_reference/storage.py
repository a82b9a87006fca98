"""Where files that must not be lost are kept: a directory, or a bucket of S3 and its kin.

Both write a whole file or none, a directory by renaming, a bucket by its nature; once ``write``
returns it is kept. ``names`` are sorted, and ``delete`` of what is not there does nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from generals_reference.settings import Settings, SettingsError


class Directory:
    """A directory, made if it is not there; files that were never finished begin with a dot."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def __str__(self) -> str:
        return str(self.path)

    def write(self, name: str, data: bytes) -> None:
        beside = self.path / f".{name}.{os.getpid()}"
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.rename(self.path / name)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir() if path.name[0] != ".")

    def delete(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)


class Bucket:
    """The objects below a prefix of a bucket; AWS's own variables say where and who (boto3)."""

    def __init__(self, bucket: str, prefix: str) -> None:
        try:
            import boto3
        except ImportError:
            raise SettingsError("S3_BUCKET is set, but this image has no boto3") from None
        self.bucket, self.prefix = bucket, prefix
        self.client: Any = boto3.client("s3")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def write(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=data)

    def read(self, name: str) -> bytes:
        answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
        return bytes(answer["Body"].read())

    def names(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(key.removeprefix(self.prefix) for key in keys)

    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + name)


Storage = Directory | Bucket


def storage(settings: Settings, name: str) -> Storage:
    """`name` below S3_BUCKET (``bucket`` or ``s3://bucket/prefix``), else MODEL_CHECKPOINT_DIR."""
    place = settings.text("S3_BUCKET", "").removeprefix("s3://")
    if place:
        bucket, _, prefix = place.strip("/").partition("/")
        return Bucket(bucket, f"{prefix}/{name}/" if prefix else f"{name}/")
    folder = settings.text("MODEL_CHECKPOINT_DIR", "/checkpoints")
    return Directory(Path(folder) / name)
