"""Folders of composites, flat with masks or with layers: what is to be done, what has been done, and doing it.

A line of JSON per picture in the output folder's `harmonize.jsonl` tells what became of it. What is done already, of
the same files with the same settings, is not done again; so a batch that was cut goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zlib import crc32

from harmonize_client import Client, HarmonizeError, connect
from harmonize_client.errors import BadRequest, InternalError

from . import CLIENT_NAME
from .harmonizing import ImageRequest, Inputs, check_device, harmonize_inputs
from .pictures.formats import LAYERED_SUFFIXES, READABLE_SUFFIXES

RECORDS = "harmonize.jsonl"
_ANY_NAME = "surrogateescape"
"""File names that are no UTF-8 come through as they are."""
MASK = ".mask"
"""`hat.png` is the composite to the mask `hat.mask.png`."""


@dataclass(frozen=True)
class Share:
    """One machine's part of a batch: the `number`-th of `of`, from 1."""

    number: int = 1
    of: int = 1

    def holds(self, name: str) -> bool:
        """Whether a picture belongs to this part; every picture belongs to exactly one."""
        return crc32(os.fsencode(name)) % self.of == self.number - 1

    @classmethod
    def parse(cls, text: str) -> Share:
        """`2/5` -> the second of five parts. Raises ValueError."""
        number, _, of = text.partition("/")
        share = cls(int(number), int(of))
        if not 1 <= share.number <= share.of:
            raise ValueError(f"{text} is not one of {share.of} parts")
        return share


@dataclass(frozen=True)
class Item:
    """One picture of a batch."""

    name: str
    """Its path below the folder, with forward slashes."""
    request: ImageRequest
    stamp: str
    """Changes when one of its files or a setting does."""


@dataclass(frozen=True)
class Plan:
    """What a batch has to do."""

    items: tuple[Item, ...]
    done: tuple[str, ...]
    """Names of pictures that need not be done again."""
    without_mask: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one picture; a line of the records."""

    name: str
    stamp: str
    network: str = ""
    milliseconds: float = 0.0
    notes: tuple[str, ...] = ()
    confidence: float | None = None
    """In [0, 1]: how sure the network is that its change helps; None if it does not say."""
    error: str = ""
    """Cause and hint, as people read them; empty = done."""
    code: str = ""


def plan(folder: Path, masks: Path | None, output: Path, settings: ImageRequest, share: Share | None = None) -> Plan:
    """Find the composites below `folder`: files with layers, and flat ones with a mask, beside them
    (`NAME.mask.png`) or in `masks` (`NAME.*`).

    settings: a request whose files do not matter. Nothing below `output` counts as a composite. Raises BadRequest.
    """
    if not folder.is_dir():
        raise BadRequest(f"{folder} is no folder", "name a folder of pictures; for one picture: `harmonize image`")
    for taken, what in ((folder, "composites"), (masks, "masks")):
        if taken is not None and output.resolve() == taken.resolve():
            raise BadRequest(f"The results would overwrite the {what}", "give another folder with --output")
    earlier = {record.name: record for record in read_records(output)}
    share = share or Share()
    items, done, without_mask = [], [], []
    for path in _pictures(folder, output):
        name = path.relative_to(folder).as_posix()
        if not share.holds(name):
            continue
        layered = path.suffix.lower() in LAYERED_SUFFIXES
        mask = None if layered else _mask_of(path, folder, masks)
        if mask is None and not layered:
            without_mask.append(name)
            continue
        layer = settings.layer if layered else ""
        request = replace(settings, composite=path, mask=mask, layer=layer, output=output / name)
        item = Item(name, request, _stamp(request))
        last = earlier.get(name)
        if last is not None and not last.error and last.stamp == item.stamp and request.output.is_file():
            done.append(name)
        else:
            items.append(item)
    return Plan(tuple(items), tuple(done), tuple(without_mask))


def run(items: Sequence[Item], output: Path, jobs: int, report: Callable[[Outcome], None]) -> None:
    """Do them, `jobs` at a time, and record each. What goes wrong with one picture does not stop the others.

    Raises HarmonizeError if there is no daemon to be had.
    """
    output.mkdir(parents=True, exist_ok=True)
    connections = _Connections()
    try:
        if items:
            check_device(connections.own(), items[0].request.device)
        with (
            ThreadPoolExecutor(jobs) as pool,
            (output / RECORDS).open("a", encoding="utf-8", errors=_ANY_NAME) as records,
        ):
            records.write("\n" if _is_cut_off(output / RECORDS) else "")
            pending = [pool.submit(_do, item, connections) for item in items]
            try:
                for future in as_completed(pending):
                    outcome = future.result()
                    records.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
                    records.flush()
                    report(outcome)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        connections.close()


def read_records(output: Path) -> Iterator[Outcome]:
    """What earlier runs have recorded, oldest first. A line that was cut off in the middle is passed over."""
    path = output / RECORDS
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors=_ANY_NAME).split("\n"):
        try:
            values = json.loads(line)
            yield Outcome(**{**values, "notes": tuple(values["notes"])})
        except (ValueError, TypeError, KeyError):
            continue


def _is_cut_off(path: Path) -> bool:
    """Whether the file's last line was cut off."""
    return path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")


def _do(item: Item, connections: _Connections) -> Outcome:
    try:
        item.request.output.parent.mkdir(parents=True, exist_ok=True)
        result = harmonize_inputs(connections.own(), item.request, Inputs.read(item.request))
    except HarmonizeError as error:
        return Outcome(item.name, item.stamp, error=str(error), code=error.code)
    except OSError as error:
        return Outcome(item.name, item.stamp, error=str(error), code="unwritable_picture")
    except Exception as error:  # a defect of ours or of a library: one picture's, not the others'
        defect = InternalError(f"{type(error).__name__}: {error}", "report it, with the picture if you can")
        return Outcome(item.name, item.stamp, error=str(defect), code=defect.code)
    confidence = None if result.confidence is None else round(result.confidence, 3)
    return Outcome(item.name, item.stamp, result.network, round(result.milliseconds, 1), result.notes, confidence)


class _Connections:
    """A connection to the daemon for each thread, opened when it is first asked for."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all: list[Client] = []

    def own(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            with self._lock:  # one thread starts the daemon, the others find it
                client = self._local.client = connect(CLIENT_NAME, start=True)
                self._all.append(client)
        return client

    def close(self) -> None:
        for client in self._all:
            client.close()


def _pictures(folder: Path, output: Path) -> Iterator[Path]:
    """Everything that can be read, is no mask and does not lie in `output`, in the order of names."""
    root, results = folder.resolve(), output.resolve()
    left_out = folder / results.relative_to(root) if root in results.parents else None
    for path in sorted(folder.rglob("*")):
        if (
            path.suffix.lower() not in READABLE_SUFFIXES | LAYERED_SUFFIXES
            or path.stem.endswith(MASK)
            or not path.is_file()
        ):
            continue
        if left_out is None or left_out not in path.parents:
            yield path


def _mask_of(path: Path, folder: Path, masks: Path | None) -> Path | None:
    where = path.parent if masks is None else masks / path.relative_to(folder).parent
    stem = path.stem + (MASK if masks is None else "")
    found = (where / f"{stem}{suffix}" for suffix in (".png", *sorted(READABLE_SUFFIXES)))
    return next((mask for mask in found if mask.is_file()), None)


def _stamp(request: ImageRequest) -> str:
    """Of its pictures' size and time, and of all settings."""
    given = [file for file in (request.composite, request.mask, request.reference) if file is not None]
    found = [file.stat() for file in given if file.is_file()]
    files = [(file.st_size, file.st_mtime_ns) for file in found]
    settings = asdict(replace(request, composite=Path(), mask=None, output=Path()))
    return f"{crc32(json.dumps([files, settings], default=str, sort_keys=True).encode()):08x}"
