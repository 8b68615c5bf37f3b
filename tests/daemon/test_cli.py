"""The `harmonize` command as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harmonize_client import __version__
from harmonize_daemon.bench import inference, requests
from harmonize_daemon.cli import COMMANDS, doctor, main
from harmonize_daemon.folders import imported_weights_folder
from harmonize_daemon.worker.catalogue import usable_networks
from harmonize_models import checkpoints
from harmonize_models.checkpoints import WeightsCard
from harmonize_models.networks import registry

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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "the following arguments are required: COMMAND; see `harmonize --help`"),
        (["imge"], "; see `harmonize --help`"),
        (["batch"], "FOLDER, -o/--output; see `harmonize batch --help`"),
        (["image", "a.png", "-o", "b.png", "--strenght", "1"], "--strenght 1; see `harmonize image --help`"),
        (["batch", "a", "-o", "b", "--jobs", "0"], "0 is no number from 1 on; see `harmonize batch --help`"),
        (["bench", "--repeats", "few"], "--repeats: few is no number from 1 on; see `harmonize bench --help`"),
        (["image", ""], "argument COMPOSITE: the file's name is empty; see `harmonize image --help`"),
        (["image", "a.png", "-o", ""], "the file's name is empty; see `harmonize image --help`"),
        (["batch", "a", "-o", "b", "--reference", ""], "the file's name is empty; see `harmonize batch --help`"),
        (["bench", "--json", ""], "the file's name is empty; see `harmonize bench --help`"),
        (["models", "import", ""], "the file's name is empty; see `harmonize models import --help`"),
        (["daemon", "stop", "--now"], "--now; see `harmonize daemon stop --help`"),
        (["daemon", "start", "--idle-exit", "soon"], "see `harmonize daemon start --help`"),
    ],
)
def test_wrong_usage_says_where_help_is(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"{says}\n")


@pytest.mark.parametrize("figures", ["file/figures.json", "file/folder/figures.json", "."])
@pytest.mark.parametrize("options", [[], ["--inference", "s2crnet-c"]])
def test_the_benchmark_looks_before_it_measures_whether_its_figures_can_be_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    figures: str,
    options: list[str],
) -> None:
    def measured(*_: object, **__: object) -> None:
        raise AssertionError("nothing was to be measured")

    monkeypatch.setattr(requests, "run", measured)
    monkeypatch.setattr(inference, "run", measured)
    (tmp_path / "file").touch()
    assert main(["bench", *options, "--json", str(tmp_path / figures)]) == 1
    assert "[file_trouble]" in capsys.readouterr().err


def test_the_benchmark_makes_the_folder_for_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "run", lambda key, repeats: inference.Inference(key, "cpu", ()))
    assert main(["bench", "--inference", "s2crnet-c", "--json", str(tmp_path / "new" / "figures.json")]) == 0
    assert "s2crnet-c" in (tmp_path / "new" / "figures.json").read_text()


@pytest.mark.parametrize("command", ["image", "batch"])
def test_help_says_what_each_option_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    words = " ".join(capsys.readouterr().out.split())
    for meaning in ("--warmth X blue to amber, -1 … 1", "--light X share of its change of lightness, 0 … 2"):
        assert meaning in words
    assert "--layer NAME the layer to harmonize" in words


def test_the_daemon_command_imports_neither_torch_nor_numpy() -> None:
    """Its front process must answer within 0.2 s of its start."""
    program = (
        "import sys; from harmonize_daemon.cli import _parser; _parser(['daemon', 'run']);"
        "import harmonize_daemon.front.process; sys.exit(bool({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    paths = ":".join(str(ROOT / name) for name in ("plugins", "daemon", "models"))
    assert subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": paths}, check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "a.png"), "No space left on device: 'a.png'"),
        (MemoryError(), "memory did not suffice"),
        (KeyError("defect"), "KeyError: 'defect': report it"),
    ],
)
def test_whatever_goes_wrong_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, says: str
) -> None:
    def fails(arguments: object) -> int:
        raise error

    monkeypatch.setattr(doctor, "run", fails)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("harmonize: ")
    assert says in said
    assert said.endswith(("[file_trouble]", "[out_of_memory]", "[internal]"))


def test_a_command_needs_nowhere_to_print_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "run", lambda arguments: 0)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["doctor"]) == 0


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    program = """
import sys
from harmonize_daemon.cli import doctor, main
def run(arguments):
    sys.stdin.read()
    print("x" * 100_000)
    return 0
doctor.run = run
sys.exit(main(["doctor"]))
"""
    ran = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert ran.stdout is not None
    ran.stdout.close()
    ran.stdout = None
    assert ran.communicate()[1] == b""
    assert ran.returncode == 141


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
@pytest.mark.parametrize(
    ("before", "name", "status"),
    [("SIG_DFL", "SIGTERM", 143), ("SIG_DFL", "SIGHUP", 129), ("SIG_IGN", "SIGHUP", 0)],
)
def test_a_command_that_a_signal_ends_tidies_up_and_one_under_nohup_goes_on(
    before: str, name: str, status: int
) -> None:
    program = f"""
import signal, sys
from harmonize_daemon.cli import doctor, main
def run(arguments):
    try:
        signal.raise_signal(signal.{name})
        return 0
    finally:
        print("tidied up")
doctor.run = run
signal.signal(signal.{name}, signal.{before})
sys.exit(main(["doctor"]))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (status, "tidied up\n", "")


def test_an_import_that_is_removed_brings_the_shipped_weights_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    folder = imported_weights_folder()
    for shipped in checkpoints.shipped()[:2]:
        spec = registry.get(shipped.key)
        checkpoints.save_shipped(spec.build(), spec, folder / shipped.path.name, WeightsCard())
    removed, kept = (shipped.key for shipped in checkpoints.shipped()[:2])
    assert main(["models", "remove", removed]) == 0
    assert f"shipped weights of {removed}" in capsys.readouterr().out
    assert [weights.key for weights in checkpoints.imported(folder)] == [kept]
    assert sorted(file.name for file in folder.iterdir()) == ["SHA256SUMS", f"{kept}.safetensors"]
    assert usable_networks(folder)[removed].weights_dir == checkpoints.SHIPPED_DIR
    for key in (removed, "../../etc/passwd", ""):
        assert main(["models", "remove", key]) == 1
        assert "No weights were imported" in capsys.readouterr().err


def test_keys_of_models_are_whole_where_the_list_has_little_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["models", "list"]) == 0
    words = capsys.readouterr().out.split()
    assert {spec.key for spec in registry.all_specs()} <= set(words)


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
