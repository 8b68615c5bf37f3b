"""The `harmonize` command as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harmonize_client import __version__
from harmonize_daemon.cli import COMMANDS, main
from harmonize_models import checkpoints

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"harmonize {command}" in capsys.readouterr().out


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"harmonize {__version__}\n"


def test_a_missing_command_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2


def test_the_daemon_command_imports_neither_torch_nor_numpy() -> None:
    """Its front process must answer within 0.2 s of its start."""
    program = (
        "import sys; from harmonize_daemon.cli import _parser; _parser(['daemon', 'run']);"
        "import harmonize_daemon.front.process; sys.exit(bool({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    paths = ":".join(str(ROOT / name) for name in ("plugins", "daemon", "models"))
    assert subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": paths}, check=False).returncode == 0


def test_models_are_listed_with_size_quality_and_where_their_weights_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["models", "list"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    card = checkpoints.shipped()[0]
    assert f"{card.card.metrics['psnr']:.1f} dB" in rows[card.key]
    assert "shipped" in rows[card.key]
    assert "none yet" in rows["ssam"]
    assert "9.16 M" in rows["ssam"]
    assert "needs none" in rows["reinhard"]
