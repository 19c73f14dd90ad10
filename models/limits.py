"""Size limits of configuration, checked at preview. Kubernetes checks them only when the object is written.

Sources: ``ValidateConfigMap`` of Kubernetes (1 MiB of data), ``TotalAnnotationSizeLimitB`` (256 KiB of annotations),
etcd's ``--max-request-bytes`` (1.5 MiB for a whole object, such as a Deployment), and Linux' ``MAX_ARG_STRLEN``
(128 KiB for one variable or argument, including its terminating zero byte).
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from models.errors import Faults

MOST_FILES = 900_000
"""Bytes of the files in a ConfigMap. The rest of 1 MiB is reserved for names and metadata."""
MOST_ANNOTATIONS = 250_000
"""Bytes of annotations. The rest of 256 KiB is reserved for Slipway's own."""
MOST_TEXT = 400_000
"""Bytes of all variables of a container, and of all its arguments. Both fit in one object, also with annotations."""
LONGEST_TEXT = 128 * 1024 - 1
"""Bytes of one variable, including its name and '=', or of one argument. Linux starts no program with a longer one."""


def files_fault(files: Mapping[str, str]) -> str:
    """Return why a ConfigMap cannot hold the files; empty if it can."""
    size = sum(map(bytes_of, files.values()))
    if size <= MOST_FILES:
        return ""
    return f"the files have {size} bytes, but a ConfigMap holds at most {MOST_FILES}; store large files with the model"


def _files(files: dict[str, str]) -> dict[str, str]:
    if fault := files_fault(files):
        raise ValueError(fault)
    return files


def _annotations(annotations: dict[str, str]) -> dict[str, str]:
    size = sum(bytes_of(key) + bytes_of(value) for key, value in annotations.items())
    if size > MOST_ANNOTATIONS:
        raise ValueError(
            f"the annotations have {size} bytes, but an object holds at most {MOST_ANNOTATIONS}; put the text in files"
        )
    return annotations


def check_variables(variables: Mapping[str, str]) -> None:
    """Raise ValueError if a variable, or all of them together, are too large for a container."""
    sizes = {name: bytes_of(f"{name}={value}") for name, value in variables.items()}
    _check(sizes, "variable")


def _arguments(arguments: tuple[str, ...]) -> tuple[str, ...]:
    _check({str(place): bytes_of(argument) for place, argument in enumerate(arguments)}, "argument")
    return arguments


def _check(sizes: Mapping[str, int], kind: str) -> None:
    long = f"but Linux starts no program with more than {LONGEST_TEXT}; use files"
    if faults := [f"{at}: the {kind} has {size} bytes, {long}" for at, size in sizes.items() if size > LONGEST_TEXT]:
        raise Faults(faults)
    if (total := sum(sizes.values())) > MOST_TEXT:
        raise ValueError(f"the {kind}s have {total} bytes, but a container gets at most {MOST_TEXT}; use files")


def bytes_of(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    return len(text.encode(errors="replace"))


FilesFit = AfterValidator(_files)
AnnotationsFit = AfterValidator(_annotations)
Arguments = Annotated[tuple[str, ...], AfterValidator(_arguments)]
"""The arguments of a container's entry point."""
Command = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_arguments)]
"""A program and its arguments."""
