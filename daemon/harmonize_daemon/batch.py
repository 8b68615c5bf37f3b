"""Folders of composites, flat with masks or with layers: what is to be done, what has been done, and doing it.

A line of JSON per picture in the output folder's `harmonize.jsonl` tells what became of it. What is done already, of
the same files with the same settings, is not done again; so an interrupted batch goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from unicodedata import normalize
from zlib import crc32

from harmonize_client import Client, HarmonizeError, connect
from harmonize_client.errors import BadRequest, Busy, ConnectionLost, InternalError, ShuttingDown, UnknownNetwork

from . import CLIENT_NAME
from .harmonizing import ImageRequest, ImageResult, Inputs, NoConfidence, check_device, harmonize_inputs
from .pictures import UnreadablePicture, UnwritablePicture
from .pictures.formats import LAYERED_SUFFIXES, READABLE_SUFFIXES

RECORDS = "harmonize.jsonl"
_ANY_NAME = "surrogateescape"
"""File names that are no UTF-8 come through as they are."""
MASK = ".mask"
"""`hat.png` is the composite to the mask `hat.mask.png`."""
BUSY_SECONDS, BUSY_TRIES = 0.5, 240
"""How long to wait, and how often, while the daemon has too much to do: others may use it as well."""
ENDED_TRIES = 20
"""The same where the daemon is ended in the middle, which takes a while. Where only its worker dies, the picture may be
what kills it: that is not tried again, as a daemon starts few workers in a row."""


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
    """Changes when one of its files does, or a setting that is seen in the result."""
    settings: str
    """Changes with such a setting alone, and is the same on all machines."""


@dataclass(frozen=True)
class Plan:
    """What a batch has to do."""

    items: tuple[Item, ...]
    done: tuple[str, ...]
    """Names of pictures that need not be done again."""
    replaced: tuple[str, ...]
    """Names of pictures whose results take the place of other ones: of other settings, or of pictures that changed."""
    without_mask: tuple[str, ...]
    closed: tuple[str, ...]
    """Names of folders that cannot be looked into."""


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
    settings: str = ""
    """The item's; empty if that was not recorded."""


def plan(folder: Path, masks: Path | None, output: Path, settings: ImageRequest, share: Share | None = None) -> Plan:
    """Find the composites below `folder`: files with layers, and flat ones with a mask, beside them
    (`NAME.mask.png`) or in `masks` (`NAME.*`).

    settings: a request whose files do not matter. Nothing below `output` and `masks` counts as a composite, nor what an
    earlier batch has written, nor anything hidden, whose name begins with a dot. Raises BadRequest, also where there
    are pictures and no masks at all, and UnreadablePicture if there is no reference.
    """
    if not folder.is_dir():
        raise BadRequest(f"{folder} is no folder", "name a folder of pictures; for one picture: `harmonize image`")
    for taken, what in ((folder, "composites"), (masks, "masks")):
        if taken is not None and output.resolve() == taken.resolve():
            raise BadRequest(f"The results would overwrite the {what}", "give another folder with --output")
    if masks is not None and masks.resolve() == folder.resolve():
        raise BadRequest("Each picture would be its own mask", "leave --masks out: hat.mask.png belongs to hat.png")
    if masks is not None and not masks.is_dir():
        raise BadRequest(f"{masks} is no folder", "name the folder of masks, or leave --masks out")
    if settings.reference is not None and not settings.reference.is_file():
        raise UnreadablePicture(f"There is no file {settings.reference}", "check the path")
    earlier = {record.name: record for record in read_records(output)}
    share = share or Share()
    stamp_of_settings = _settings_stamp(settings)
    listings = _Listings()
    items, done, replaced, without_mask = [], [], [], []
    pictures, closed = _pictures(folder, [other for other in (output, masks) if other is not None])
    for path in pictures:
        name = path.relative_to(folder).as_posix()
        if not share.holds(name):
            continue
        layered = path.suffix.lower() in LAYERED_SUFFIXES
        mask = None if layered else _mask_of(path, folder, masks, listings)
        if mask is None and not layered:
            without_mask.append(name)
            continue
        layer = settings.layer if layered else ""
        request = replace(settings, composite=path, mask=mask, layer=layer, output=output / name)
        item = Item(name, request, _stamp(request), stamp_of_settings)
        last = earlier.get(name)
        is_there = request.output.is_file()
        if is_there and last is not None and not last.error and last.stamp == item.stamp:
            done.append(name)
            continue
        items.append(item)
        if is_there:
            replaced.append(name)
    if without_mask and share == Share() and not (items or done):
        hint = "hat.mask.png beside hat.png would be its mask; name another folder of masks with --masks"
        raise BadRequest(f"None of the {len(without_mask)} pictures has a mask", hint)
    names = tuple(path.relative_to(folder).as_posix() for path in closed)
    return Plan(tuple(items), tuple(done), tuple(replaced), tuple(without_mask), names)


def run(items: Sequence[Item], output: Path, jobs: int, report: Callable[[Outcome], None]) -> None:
    """Do them, `jobs` at a time, and record each. What goes wrong with one picture does not stop the others; those that
    are being done when it is interrupted are finished.

    report: called for each when it is recorded, in any thread, but one at a time.
    Raises HarmonizeError if there is no daemon to be had or no such network, and UnwritablePicture if nothing can be
    recorded.
    """
    records = output / RECORDS
    with _writing(output):
        output.mkdir(parents=True, exist_ok=True)
    _append(records, "\n" if _is_cut_off(records) else "")
    connections = _Connections()
    lock = threading.Lock()

    def do(item: Item) -> None:
        outcome = _do(item, connections)
        with lock:
            _append(records, json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
            report(outcome)

    try:
        if items:
            check_device(connections.own(), items[0].request.device)
        with ThreadPoolExecutor(jobs) as pool:
            pending = [pool.submit(do, item) for item in items]
            try:
                for future in as_completed(pending):
                    future.result()
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


def made_otherwise(output: Path, settings: ImageRequest, share: Share) -> tuple[str, ...]:
    """Names of pictures of the other parts that are there already, of other settings: as by a machine that was given
    others than this one."""
    if share.of == 1:
        return ()
    same = ("", _settings_stamp(settings))
    latest = {record.name: record for record in read_records(output) if not share.holds(record.name)}
    others = (name for name, record in latest.items() if not record.error and record.settings not in same)
    return tuple(name for name in others if (output / name).is_file())


def _is_cut_off(path: Path) -> bool:
    """Whether the file's last line was cut off."""
    return path.is_file() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")


def _append(path: Path, text: str) -> None:
    with _writing(path), path.open("a", encoding="utf-8", errors=_ANY_NAME) as file:
        file.write(text)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raises UnwritablePicture for what the system refuses."""
    try:
        yield
    except OSError as error:
        raise UnwritablePicture(f"Cannot write {path} ({error.strerror})") from error


def _do(item: Item, connections: _Connections) -> Outcome:
    try:
        result = _harmonized(item.request, connections)
    except (UnknownNetwork, NoConfidence):  # so it would be for any other picture
        raise
    except HarmonizeError as error:
        return Outcome(item.name, item.stamp, error=str(error), code=error.code, settings=item.settings)
    except Exception as error:  # a defect of ours or of a library: one picture's, not the others'
        defect = InternalError(f"{type(error).__name__}: {error}", "report it, with the picture if you can")
        return Outcome(item.name, item.stamp, error=str(defect), code=defect.code, settings=item.settings)
    confidence = None if result.confidence is None else round(result.confidence, 3)
    return Outcome(
        item.name,
        item.stamp,
        result.network,
        round(result.milliseconds, 1),
        result.notes,
        confidence,
        settings=item.settings,
    )


def _harmonized(request: ImageRequest, connections: _Connections) -> ImageResult:
    inputs = Inputs.read(request)
    busy = ended = 0
    while True:
        try:
            return harmonize_inputs(connections.own(), request, inputs)
        except Busy:
            busy += 1
            if busy == BUSY_TRIES:
                raise
        except (ConnectionLost, ShuttingDown):  # the next try starts another daemon
            ended += 1
            if ended == ENDED_TRIES:
                raise
        time.sleep(BUSY_SECONDS)


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


def _pictures(folder: Path, others: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Everything that can be read, is no mask, not hidden, and lies in none of the other folders or those of earlier
    results; and the folders that cannot be looked into. Both by name. Links to folders are not followed: they may lead
    round in circles.
    """
    elsewhere = {other.resolve() for other in others}
    found: list[Path] = []
    closed: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        here = Path(place)
        if RECORDS in files and here != folder:
            folders.clear()
            continue
        if not os.access(here, os.X_OK):  # its files can be listed, but not opened
            closed.append(here)
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _is_hidden(name) and (here / name).resolve() not in elsewhere]
        found += [here / name for name in files if not _is_hidden(name) and _is_picture(here / name)]
    return sorted(found), sorted(closed)


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _is_picture(path: Path) -> bool:
    return (
        path.suffix.lower() in READABLE_SUFFIXES | LAYERED_SUFFIXES
        and not path.stem.lower().endswith(MASK)
        and (path.is_file() or _leads_nowhere(path))
    )


def _leads_nowhere(path: Path) -> bool:
    """A link to what is not there: an error to tell, not a picture to pass over."""
    return path.is_symlink() and not path.exists()


class _Listings(dict[Path, dict[str, Path]]):
    """The files of a folder by their names, in which only the letters matter: not whether they are capitals, nor how
    accents are written. Where two names are alike then, capitals in the stem do matter.
    """

    def __missing__(self, folder: Path) -> dict[str, Path]:
        try:
            found = sorted(folder.iterdir())
        except OSError:  # there is none, for instance
            found = []
        alike = {_letters(file.name).lower(): file for file in found}
        self[folder] = alike | {_letters(file.stem) + file.suffix.lower(): file for file in found}
        return self[folder]


def _letters(name: str) -> str:
    """macOS writes accents behind their letters, others within."""
    return normalize("NFC", name)


def _mask_of(path: Path, folder: Path, masks: Path | None, listings: _Listings) -> Path | None:
    listing = listings[path.parent if masks is None else masks / path.relative_to(folder).parent]
    stem = _letters(path.stem + (MASK if masks is None else ""))
    names = [stem + suffix for suffix in (".png", *sorted(READABLE_SUFFIXES))]
    found = (listing.get(name) or listing.get(name.lower()) for name in names)
    return next((mask for mask in found if mask and mask.is_file()), None)


def _stamp(request: ImageRequest) -> str:
    """Of its pictures' size and time, and of all settings but the device, which only says who computes."""
    given = [file for file in (request.composite, request.mask, request.reference) if file is not None]
    found = [file.stat() for file in given if file.is_file()]
    files = [(file.st_size, file.st_mtime_ns) for file in found]
    settings = asdict(replace(request, composite=Path(), mask=None, output=Path(), device=None))
    return _digest(files, settings)


def _settings_stamp(settings: ImageRequest) -> str:
    """Of all settings that are seen in results. The reference counts by its name and size: each machine may have it
    in another place."""
    reference = settings.reference
    facts = None if reference is None else (reference.name, reference.stat().st_size)
    common = replace(settings, composite=Path(), mask=None, output=Path(), reference=None, device=None)
    return _digest(facts, asdict(common))


def _digest(*facts: object) -> str:
    """8 hex digits."""
    return f"{crc32(json.dumps(facts, default=str, sort_keys=True).encode()):08x}"
