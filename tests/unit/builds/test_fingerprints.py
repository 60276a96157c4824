"""When two build requests are the same, and when their provenance is."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.builds.model import BuildRequest, ExcludedPack, ExclusionCode, IncludedPack, Selection
from packhouse.builds.rules import build_fingerprint, reuse_fingerprint
from packhouse.pipeline.splits import SplitPlan, SplitStrategy

SPLIT = SplitPlan(SplitStrategy.GROUP_QUOTA, {"train": 8000, "val": 1000, "test": 1000}, 0)
REQUEST = BuildRequest("ball_detection", ["lp_2", "lp_1"], "name", None, None, SPLIT, None, False, False)


def pack(number: int, **changed: Any) -> IncludedPack:
    facts: dict[str, Any] = {
        "label_pack_id": f"lp_{number}",
        "workspace": "acme/match-day",
        "project_id": "prj_1",
        "revision_id": f"lpr_{number}",
        "content_hash": f"sha256:{number}",
        "rows": 7,
    }
    return IncludedPack(**(facts | changed))


PACKS = (pack(1), pack(2))
OUT = (ExcludedPack(label_pack_id="lp_3", reason_code=ExclusionCode.LABEL_PACK_REVOKED),)
REUSE = reuse_fingerprint("ball_detection", PACKS, SPLIT, "v1")


def test_a_fingerprint_is_a_sha256() -> None:
    assert REUSE.startswith("sha256:")
    assert len(bytes.fromhex(REUSE.removeprefix("sha256:"))) == 32


@given(st.permutations([pack(number) for number in range(8)]))
def test_the_order_of_the_sources_does_not_matter(packs: list[IncludedPack]) -> None:
    in_order = tuple(sorted(packs, key=lambda included: included.label_pack_id))
    expected = reuse_fingerprint("ball_detection", in_order, SPLIT, "v1")
    assert reuse_fingerprint("ball_detection", tuple(packs), SPLIT, "v1") == expected


@pytest.mark.parametrize(
    ("capability", "packs", "split"),
    [
        ("player_detection", PACKS, SPLIT),
        ("audio_artifact_detection", PACKS, SPLIT),
        ("ball_detection", PACKS[:1], SPLIT),
        ("ball_detection", (*PACKS, pack(3)), SPLIT),
        ("ball_detection", (pack(1, label_pack_id="lp_9"), pack(2)), SPLIT),
        ("ball_detection", (pack(1, revision_id="lpr_9"), pack(2)), SPLIT),
        ("ball_detection", (pack(1, content_hash="sha256:9"), pack(2)), SPLIT),
        ("ball_detection", (pack(1, content_hash="sha256:2"), pack(2, content_hash="sha256:1")), SPLIT),
        ("ball_detection", PACKS, replace(SPLIT, seed=1)),
        ("ball_detection", PACKS, replace(SPLIT, ratio={"train": 8000, "val": 2000})),
        ("ball_detection", PACKS, replace(SPLIT, ratio={"train": 8000, "val": 999, "test": 1001})),
    ],
)
def test_whatever_changes_the_dataset_changes_the_reuse_fingerprint(
    capability: str, packs: tuple[IncludedPack, ...], split: SplitPlan
) -> None:
    assert reuse_fingerprint(capability, packs, split, "v1") != REUSE


@pytest.mark.parametrize("policy", ["v2", None])
def test_a_version_that_is_judged_by_another_policy_is_another(policy: str | None) -> None:
    assert reuse_fingerprint("ball_detection", PACKS, SPLIT, policy) != REUSE


@pytest.mark.parametrize(
    ("packs", "split"),
    [
        ((pack(1, workspace="acme/renamed"), pack(2)), SPLIT),
        ((pack(1, rows=8), pack(2)), SPLIT),  # the rows are in the content hash
        (PACKS, replace(SPLIT, ratio={"test": 1000, "val": 1000, "train": 8000})),
        (PACKS, SplitPlan.from_snapshot(SPLIT.snapshot())),
    ],
)
def test_whatever_does_not_change_the_dataset_leaves_it(packs: tuple[IncludedPack, ...], split: SplitPlan) -> None:
    assert reuse_fingerprint("ball_detection", packs, split, "v1") == REUSE


def provenance(request: BuildRequest = REQUEST, reuse: str = REUSE, excluded: tuple[ExcludedPack, ...] = OUT) -> str:
    return build_fingerprint(reuse, request.snapshot(), Selection(included=PACKS, excluded=excluded))


@given(st.lists(st.sampled_from(["lp_1", "lp_2"])), st.randoms(use_true_random=False))
def test_order_and_repetition_of_the_ids_do_not_matter(more: list[str], random: Any) -> None:
    ids = ["lp_1", "lp_2", *more]
    random.shuffle(ids)
    assert provenance(replace(REQUEST, label_pack_ids=ids)) == provenance()


@pytest.mark.parametrize(
    "changed",
    [
        {"capability": "player_detection"},
        {"label_pack_ids": ["lp_1"]},
        {"label_pack_ids": ["lp_1", "lp_2", "lp_3"]},
        {"name": "other"},
        {"description": ""},
        {"description": "why"},
        {"split": replace(SPLIT, seed=1)},
        {"include_reviewed_override": True},
        {"force": True},
    ],
)
def test_whatever_was_asked_changes_the_build_fingerprint(changed: dict[str, Any]) -> None:
    assert provenance(replace(REQUEST, **changed)) != provenance()


def test_what_stayed_out_and_why_changes_it_too() -> None:
    other = (ExcludedPack(label_pack_id="lp_3", reason_code=ExclusionCode.LABEL_PACK_NOT_APPROVED),)
    more = (*OUT, ExcludedPack(label_pack_id="lp_4", reason_code=ExclusionCode.LABEL_PACK_REVOKED))
    assert len({provenance(), provenance(excluded=()), provenance(excluded=other), provenance(excluded=more)}) == 4
    assert provenance(reuse="sha256:0") != provenance()


def test_text_is_compared_in_nfc() -> None:
    assert provenance(replace(REQUEST, name="e\u0301")) == provenance(replace(REQUEST, name="\u00e9"))
    assert provenance(replace(REQUEST, name="e")) != provenance(replace(REQUEST, name="\u00e9"))
