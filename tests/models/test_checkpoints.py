"""Weights on disk: what goes in comes out, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import safetensors.torch
import torch
from harmonize_models import checkpoints
from harmonize_models.checkpoints import CheckpointError, WeightsCard
from harmonize_models.foreign_checkpoints import UnknownCheckpoint
from harmonize_models.networks import registry
from harmonize_models.networks.base import HarmonizationNetwork
from harmonize_models.networks.folding import folded, insert_norms
from torch import Tensor

KEY = "issam"
CARD = WeightsCard(
    data="rendered shapes", steps=12, command="harmonize train issam", licence="MIT", metrics={"val_psnr": 36.5}
)


@pytest.fixture(scope="module")
def network() -> HarmonizationNetwork:
    torch.manual_seed(0)
    return registry.get(KEY).build().eval()


@pytest.fixture
def weights_dir(network: HarmonizationNetwork, tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    checkpoints.save_shipped(network, registry.get(KEY), folder / f"{KEY}.safetensors", CARD)
    return folder


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# Shipped weights


def test_shipped_weights_are_listed_with_their_card(weights_dir: Path) -> None:
    (row,) = checkpoints.shipped(weights_dir)
    assert (row.key, row.card) == (KEY, CARD)
    assert row.path.is_file()


def test_a_file_that_was_deleted_is_missed(weights_dir: Path) -> None:
    assert checkpoints.missing(weights_dir) == ()
    (weights_dir / f"{KEY}.safetensors").unlink()
    assert checkpoints.missing(weights_dir) == (f"{KEY}.safetensors",)


def test_the_sums_are_those_that_sha256sum_checks(weights_dir: Path) -> None:
    assert (
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=weights_dir, check=False).returncode == 0
    )


def test_fault_30_all_weights_in_the_package_are_whole() -> None:
    for row in checkpoints.shipped():
        network = checkpoints.load(row.key)
        assert not network.training
        assert row.card.licence
        assert row.card.command


def test_loaded_weights_are_ready_to_predict(weights_dir: Path, network: HarmonizationNetwork) -> None:
    loaded = checkpoints.load(KEY, weights_dir=weights_dir)
    state = loaded.state_dict()
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, tensor in network.state_dict().items():
        assert state[name].dtype == tensor.dtype
        # Eight bits keep a 253rd of the largest number of a row.
        assert torch.allclose(state[name].float(), tensor.float(), rtol=1e-3, atol=float(tensor.abs().max()) / 250), (
            name
        )
    assert state["encoder.block1.convs.block.0.block.0.weight"].is_contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def test_compact_storage_hardly_changes_the_picture(weights_dir: Path, network: HarmonizationNetwork) -> None:
    composite, mask = torch.rand(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    before = network(composite, mask).harmonized
    after = checkpoints.load(KEY, weights_dir=weights_dir)(composite, mask).harmonized
    assert float((before - after).abs().max()) < 0.01 * float(before.abs().max())


def test_vectors_and_what_half_precision_cannot_hold_stay_in_single_precision(tmp_path: Path) -> None:
    network = registry.get(KEY).build()
    state = network.state_dict()
    variance = "encoder.blocks_connected.block2.convs.block.0.block.1.running_var"
    state["decoder.to_rgb.weight"].fill_(1e6)
    state[variance].fill_(1e-9)
    checkpoints.save_shipped(network, registry.get(KEY), tmp_path / f"{KEY}.safetensors", CARD)
    loaded = checkpoints.load(KEY, weights_dir=tmp_path).state_dict()
    assert float(loaded["decoder.to_rgb.weight"].max()) == pytest.approx(1e6)
    assert float(loaded["encoder.blocks_connected.block2.convs.block.0.block.1.running_var"].max()) == pytest.approx(
        1e-9
    )


def test_another_card_leaves_the_weights_as_they_are(weights_dir: Path) -> None:
    before = checkpoints.load(KEY, weights_dir=weights_dir).state_dict()
    other = replace(CARD, metrics={"psnr": 30.0})
    assert checkpoints.replace_card(weights_dir / f"{KEY}.safetensors", other).card == other
    after = checkpoints.load(KEY, weights_dir=weights_dir).state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_bfloat16_is_for_the_asking(weights_dir: Path) -> None:
    loaded = checkpoints.load(KEY, weights_dir=weights_dir, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}


def test_fault_30_one_changed_byte_is_noticed_before_loading(weights_dir: Path) -> None:
    path = weights_dir / f"{KEY}.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(checkpoints.WeightsDamaged) as caught:
        checkpoints.load(KEY, weights_dir=weights_dir)
    assert caught.value.code == "bad_weights"


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff" * 64])
def test_one_damaged_file_does_not_hide_the_others(weights_dir: Path, data: bytes) -> None:
    (weights_dir / "idih.safetensors").write_bytes(data)
    with (weights_dir / "SHA256SUMS").open("a") as sums:
        sums.write(f"{hashlib.sha256(data).hexdigest()}  idih.safetensors\n")
    damaged, whole = checkpoints.shipped(weights_dir)
    assert (damaged.key, damaged.card) == ("idih", WeightsCard())
    assert (whole.key, whole.card) == (KEY, CARD)
    with pytest.raises(checkpoints.WeightsDamaged):
        checkpoints.load("idih", weights_dir=weights_dir)


def test_weights_without_a_sum_are_not_loaded(weights_dir: Path) -> None:
    (weights_dir / "SHA256SUMS").unlink()
    with pytest.raises(checkpoints.WeightsMissing):
        checkpoints.load(KEY, weights_dir=weights_dir)


def test_weights_of_another_network_under_this_name_are_refused(weights_dir: Path) -> None:
    (weights_dir / f"{KEY}.safetensors").rename(weights_dir / "idih.safetensors")
    sums = weights_dir / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(KEY, "idih"))
    with pytest.raises(checkpoints.WeightsDamaged, match="does not hold a idih"):
        checkpoints.load("idih", weights_dir=weights_dir)


def test_a_network_without_weights_says_so(tmp_path: Path) -> None:
    with pytest.raises(checkpoints.WeightsMissing, match="no weights for idih"):
        checkpoints.load("idih", weights_dir=tmp_path)


def test_shipped_weights_must_bear_the_name_of_their_network(network: HarmonizationNetwork, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"issam\.safetensors"):
        checkpoints.save_shipped(network, registry.get(KEY), tmp_path / "other.safetensors", CARD)


def test_cards_may_grow() -> None:
    assert WeightsCard.from_json(json.dumps({"data": "x", "invented_later": 1})).data == "x"
    assert WeightsCard.from_json(CARD.to_json()) == CARD


# Importing


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy pickle"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_published_checkpoints_are_imported(
    network: HarmonizationNetwork, tmp_path: Path, wrapped: bool, legacy: bool
) -> None:
    state: object = network.state_dict()
    if wrapped:
        parallel = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
        state = {"epoch": 3, "state_dict": parallel, "optimizer": {"param_groups": []}}
    path = tmp_path / "authors.pth.tar"
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    row = checkpoints.import_checkpoint(path, tmp_path / "mine")
    assert row.key == KEY
    assert row.card.source == "authors.pth.tar"
    assert len(row.card.source_sha256) == 64
    assert checkpoints.imported(tmp_path / "mine") == (row,)
    assert _same(checkpoints.load(KEY, weights_dir=tmp_path / "mine").state_dict(), network.state_dict())


@pytest.mark.parametrize(
    "text", ['{"metrics": {"psnr": "high"}}', '{"metrics": [30]}', '{"licence": 1}', '{"steps": "a"}']
)
def test_a_card_of_other_things_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"numbers by name|is text"):
        WeightsCard.from_json(text)


def test_our_own_files_keep_their_card_when_they_are_imported(weights_dir: Path, tmp_path: Path) -> None:
    row = checkpoints.import_checkpoint(weights_dir / f"{KEY}.safetensors", tmp_path / "mine")
    assert (row.card.metrics, row.card.command) == (CARD.metrics, CARD.command)
    assert row.card.source == f"{KEY}.safetensors"


def test_safetensors_of_others_are_imported_whatever_their_name(network: HarmonizationNetwork, tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    safetensors.torch.save_file(network.state_dict(), path)
    assert checkpoints.import_checkpoint(path, tmp_path / "mine").key == KEY


def test_of_a_run_of_ours_the_moving_average_is_imported(network: HarmonizationNetwork, tmp_path: Path) -> None:
    average = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    state = {"network": network.state_dict(), "average": average, "progress": {"step": 1}}
    torch.save(state, tmp_path / "checkpoint.pt")
    assert _same(checkpoints.read_foreign(tmp_path / "checkpoint.pt")[1], average)


def test_of_a_run_with_inserted_norms_what_it_exports_is_imported(tmp_path: Path) -> None:
    network = registry.get("s2crnet").build()
    assert insert_norms(network, r"\.squeeze$") > 0
    torch.save({"average": network.state_dict()}, tmp_path / "checkpoint.pt")
    spec, state = checkpoints.read_foreign(tmp_path / "checkpoint.pt")
    assert spec.key == "s2crnet"
    assert _same(state, folded(network.state_dict()))


@pytest.mark.parametrize("lost", [".norm.running_mean", ".weight"])
def test_norms_that_fit_no_weights_belong_to_no_network(tmp_path: Path, lost: str) -> None:
    network = registry.get("s2crnet").build()
    insert_norms(network, r"\.squeeze$")
    state = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(f".squeeze{lost}")}
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(UnknownCheckpoint, match="norms that fit no weights"):
        checkpoints.read_foreign(tmp_path / "weights.pth")


def test_weights_and_their_sums_are_on_the_disk_before_they_have_their_names(
    network: HarmonizationNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync
    on_disk = []

    def recorded(number: int) -> None:
        fsync(number)
        names = sorted(entry.name for entry in tmp_path.iterdir() if not entry.name.startswith("."))
        on_disk.append((os.fstat(number).st_size, names))

    monkeypatch.setattr(os, "fsync", recorded)
    spec = registry.get("s2crnet-c")
    stored = checkpoints.save_shipped(network, spec, tmp_path / "s2crnet-c.safetensors", WeightsCard())
    sums = tmp_path / checkpoints.SUMS
    assert on_disk == [(stored.path.stat().st_size, []), (sums.stat().st_size, [stored.path.name])]


def test_a_second_import_replaces_the_first(network: HarmonizationNetwork, tmp_path: Path) -> None:
    other = registry.get(KEY).build()
    for name, one in (("first", network), ("second", other)):
        torch.save(one.state_dict(), tmp_path / name)
        checkpoints.import_checkpoint(tmp_path / name, tmp_path / "mine")
    assert _same(checkpoints.load(KEY, weights_dir=tmp_path / "mine").state_dict(), other.state_dict())
    assert [row.card.source for row in checkpoints.imported(tmp_path / "mine")] == ["second"]


# Hostile and broken files


class _Evil:
    """Unpickling this would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def _refused(path: Path, tmp_path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        checkpoints.import_checkpoint(path, tmp_path / "mine")
    assert not (tmp_path / "mine").exists(), "nothing may be written"
    assert caught.value.cause
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy pickle"])
def test_fault_30_a_pickle_that_wants_to_run_code_does_not(tmp_path: Path, legacy: bool) -> None:
    path, proof = tmp_path / "evil.pth", tmp_path / "proof"
    torch.save({"w": torch.zeros(1), "x": _Evil(proof)}, path, _use_new_zipfile_serialization=not legacy)
    error = _refused(path, tmp_path)
    assert error.code == "unsafe_checkpoint"
    assert "touch" in error.cause or "getattr" in error.cause
    assert "weights_only" not in str(error), "no advice to read it in the unsafe way"
    assert not proof.exists()


def test_fault_30_a_bare_pickle_that_wants_to_run_code_does_not(tmp_path: Path) -> None:
    path, proof = tmp_path / "evil.pkl", tmp_path / "proof"
    path.write_bytes(pickle.dumps(_Evil(proof)))
    _refused(path, tmp_path)
    assert not proof.exists()


@pytest.mark.parametrize("data", [b"", b"{", b"garbage" * 100, b"\x00" * 1000, b"PK\x03\x04" + b"\x00" * 60])
def test_fault_30_garbage_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "garbage.pth"
    path.write_bytes(data)
    assert _refused(path, tmp_path).code == "not_a_checkpoint"


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    assert _refused(tmp_path, tmp_path).code == "not_a_checkpoint"
    assert _refused(tmp_path / "missing.pth", tmp_path).code == "not_a_checkpoint"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
@pytest.mark.parametrize("kind", ["pth", "legacy.pth", "safetensors"])
def test_fault_30_truncated_files_are_refused(
    network: HarmonizationNetwork, tmp_path: Path, kind: str, share: float
) -> None:
    path = tmp_path / f"cut.{kind}"
    if kind == "safetensors":
        safetensors.torch.save_file(network.state_dict(), path)
    else:
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=kind == "pth")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert _refused(path, tmp_path).code in ("not_a_checkpoint", "unsafe_checkpoint")


@pytest.mark.parametrize("kind", ["pth", "legacy.pth", "safetensors"])
def test_fault_30_random_damage_ends_in_a_clear_error(tmp_path: Path, kind: str) -> None:
    path, weights = tmp_path / f"damaged.{kind}", {"a.weight": torch.rand(8, 4), "b.weight": torch.rand(5)}
    if kind == "safetensors":
        safetensors.torch.save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=kind == "pth")
    whole, random = path.read_bytes(), Random(7)
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(random.choice([1, 3, 10])):
            at = random.randrange(len(data))
            data[at : at + random.choice([0, 1, 8])] = random.randbytes(random.choice([1, 8]))
        path.write_bytes(data)
        _refused(path, tmp_path)


def _safetensors(header: dict[str, object], data: bytes, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def test_fault_30_a_huge_header_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    path.write_bytes(_safetensors({}, b"", length=1 << 60))
    assert _refused(path, tmp_path).code == "unsafe_checkpoint"


def test_fault_30_a_deeply_nested_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nested.safetensors"
    text = b"[" * 100_000
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    assert _refused(path, tmp_path).code == "not_a_checkpoint"


@pytest.mark.parametrize("shape", [[1 << 40, 1 << 40], [3], [-1]])
def test_fault_30_shapes_that_do_not_fit_the_data_are_refused(tmp_path: Path, shape: list[int]) -> None:
    path = tmp_path / "shapes.safetensors"
    row = {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}
    path.write_bytes(_safetensors({"w": row}, b"\0" * 4))
    assert _refused(path, tmp_path).code == "not_a_checkpoint"


def test_fault_30_a_zip_bomb_is_refused_before_it_is_unpacked(network: HarmonizationNetwork, tmp_path: Path) -> None:
    path, bomb = tmp_path / "plain.pth", tmp_path / "bomb.pth"
    torch.save({"w": torch.zeros(1_000_000)}, path)
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))
    assert _refused(bomb, tmp_path).code == "unsafe_checkpoint"


@pytest.mark.parametrize(
    ("place", "byte"), [(b"PK\1\2", 6), (b"PK\6\7", 16)], ids=["another version of zip", "one of several disks"]
)
def test_fault_30_an_archive_of_an_odd_kind_is_damaged(tmp_path: Path, place: bytes, byte: int) -> None:
    path = tmp_path / "odd.pth"
    torch.save({"w": torch.zeros(3)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(place) + byte] = 255
    path.write_bytes(content)
    assert _refused(path, tmp_path).code == "not_a_checkpoint"


def test_a_tensor_that_repeats_one_number_a_million_million_times_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "expanded.pth"
    torch.save({"w": torch.zeros(1).expand(1_000_000, 1_000_000)}, path)
    assert _refused(path, tmp_path).code == "unknown_checkpoint"


def test_weights_of_an_unknown_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3, 3)}, path)
    error = _refused(path, tmp_path)
    assert error.code == "unknown_checkpoint"
    assert "resembles none" in error.cause


def test_nearly_right_weights_are_told_what_is_wrong_with_them(network: HarmonizationNetwork, tmp_path: Path) -> None:
    state = network.state_dict()
    del state["decoder.to_rgb.bias"]
    state["decoder.to_rgb.weight"] = torch.zeros(4, 32, 1, 1)
    state["surplus"] = torch.zeros(1)
    torch.save(state, tmp_path / "near.pth")
    cause = _refused(tmp_path / "near.pth", tmp_path).cause
    for part in (
        "issam",
        "missing: ['decoder.to_rgb.bias']",
        "too many: ['surplus']",
        "(4, 32, 1, 1)",
        "(3, 32, 1, 1)",
    ):
        assert part in cause


def test_undefined_numbers_are_refused(network: HarmonizationNetwork, tmp_path: Path) -> None:
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state["decoder.to_rgb.weight"][0, 0] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    assert _refused(tmp_path / "nan.pth", tmp_path).code == "broken_weights"


def test_a_file_of_other_things_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save([1, 2, 3], tmp_path / "list.pth")
    assert _refused(tmp_path / "list.pth", tmp_path).code == "not_a_checkpoint"
    torch.save({"lr": 0.1, "w": torch.zeros(2)}, tmp_path / "mixed.pth")
    assert "lr" in _refused(tmp_path / "mixed.pth", tmp_path).cause
