"""Headers, with the installed msgpack and with the vendored pure-Python copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import harmonize_client
import msgpack
import pytest
from harmonize_client.wire import (
    MAX_CLIENT_HEADER,
    ProtocolError,
    decode_header,
    encode_header,
    take,
    vendor_msgpack,
)

HEADER = {"v": 1, "kind": "status", "id": "é" * 32, "list": [1, 2.5, None, True, {"a": "b"}], "big": 2**63}


def test_what_is_encoded_is_decoded() -> None:
    assert decode_header(encode_header(HEADER)) == HEADER
    assert decode_header(memoryview(encode_header(HEADER))) == HEADER


def test_a_header_too_long_for_the_daemon_is_not_sent() -> None:
    with pytest.raises(ValueError, match="more than 65536"):
        encode_header({"network": "x" * MAX_CLIENT_HEADER})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xc1", id="not msgpack"),
        pytest.param(b"\x93\x01\x02\x03", id="an array"),
        pytest.param(b"\xa3abc", id="a string"),
        pytest.param(msgpack.packb(HEADER)[:-1], id="cut short"),
        pytest.param(msgpack.packb(HEADER) + b"\x00", id="trailing bytes"),
        pytest.param(b"\x81\x01\x01", id="integer key"),
        pytest.param(b"\x82\xa1a\x01\xa1a\x02", id="the same key twice"),
        pytest.param(b"\x81\xa1a\xc7\x01\x05x", id="extension type"),
        pytest.param(b"\x81\xa1a\xa2\xff\xfe", id="bad UTF-8"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="a map of 2^32 entries"),
        pytest.param(b"\x81\xa1a\xdd\xff\xff\xff\xff", id="an array of 2^32 entries"),
        pytest.param(b"\x81\xa1a" + b"\x91" * 100_000, id="nesting of 100,000"),
    ],
)
def test_what_is_not_one_plain_map_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_header(data)


def test_take_gives_a_field_of_the_right_type_only() -> None:
    assert take(HEADER, "v", int) == 1
    assert take({"x": 3}, "x", float) == 3.0
    assert type(take({"x": 3}, "x", float)) is float
    for header, kind in [({}, int), ({"x": True}, int), ({"x": None}, str), ({"x": 1.0}, int), ({"x": True}, float)]:
        with pytest.raises(ProtocolError, match="'x'"):
            take(header, "x", kind)


def test_the_vendored_copy_is_complete_and_pure_python(tmp_path: Path) -> None:
    folder = vendor_msgpack(tmp_path)
    assert folder == tmp_path / "_vendor" / "msgpack"
    copied = {path.name for path in folder.iterdir()}
    assert copied >= {"__init__.py", "ext.py", "exceptions.py", "fallback.py"}
    assert copied & {"COPYING", "LICENSE"}
    assert not [name for name in copied if not name.endswith(".py") and name not in ("COPYING", "LICENSE")]
    (folder / "stale.py").write_text("")
    vendor_msgpack(tmp_path)
    assert not (folder / "stale.py").exists()


def other_pythons() -> list[str]:
    """All of Python 3.10 to 3.14 that can be found on this machine."""
    found = {sys.executable: None}
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(10, 15):
        candidates = [shutil.which(f"python3.{minor}"), *map(str, sorted(versions.glob(f"3.{minor}.*/bin/python")))]
        for candidate in filter(None, candidates):
            if subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
                found[candidate] = None
    return list(found)


@pytest.mark.parametrize("python", other_pythons())
@pytest.mark.parametrize("pure", ["", "1"])
def test_a_copy_of_the_package_needs_nothing_but_the_standard_library(tmp_path: Path, python: str, pure: str) -> None:
    """-I and -S: no site-packages, no environment; so no msgpack either but the vendored one."""
    copy = tmp_path / "harmonize_client"
    shutil.copytree(
        Path(harmonize_client.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__", "_vendor")
    )
    vendor_msgpack(copy)
    program = (
        f"import os, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        f"os.environ['MSGPACK_PUREPYTHON'] = {pure!r}\n"
        "import harmonize_client, harmonize_client.wire as wire\n"
        "assert wire.packb.__module__ == 'harmonize_client._vendor.msgpack', wire.packb.__module__\n"
        "assert wire.unpackb.__module__ == 'harmonize_client._vendor.msgpack.fallback'\n"
        "assert 'msgpack' not in sys.modules\n"
        "data = wire.encode_header({'a': [1, 2.5, None, True, {'b': 'é'}]})\n"
        "assert wire.decode_header(data) == {'a': [1, 2.5, None, True, {'b': 'é'}]}\n"
        "for bad in (b'', b'\\x81\\x01\\x01', b'\\x82\\xa1a\\x01\\xa1a\\x02', b'\\x81\\xa1a' + b'\\x91' * 100000):\n"
        "    try: wire.decode_header(bad)\n"
        "    except wire.ProtocolError: pass\n"
        "    else: raise SystemExit(f'{bad[:9]} was taken')\n"
        "session = harmonize_client.Session('test/1', start=False)\n"
        "session.status(); session.poll(); session.close()\n"
        "print('fine')\n"
    )
    result = subprocess.run(
        [python, "-I", "-S", "-X", "utf8", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (result.stdout, result.stderr) == ("fine\n", "")
