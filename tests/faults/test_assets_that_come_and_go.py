"""What a shard's assets were found to be is decided once, however often the shard is materialized."""

import io
from typing import Any

import pytest
from PIL import Image

from packhouse.aws.objects import Objects
from packhouse.errors import ServiceUnavailableError
from tests.faults.world import World, opened
from tests.registry import ball_rows


def drawn_rows(world: World, folder: str) -> tuple[list[dict[str, Any]], bytes]:
    """Return rows whose sizes are read, every fifth of them without its picture, and the picture of all others."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 48)).save(picture, "PNG")
    rows = ball_rows(groups=6, samples=5, prefix="a")
    for number, row in enumerate(rows):
        row["asset"] = f"f/{row['sample_id']}.png"
        if number % 5 != 3:
            world.data.write_once(f"{folder}{row['asset']}", picture.getvalue(), "image/png")
    return rows, picture.getvalue()


@pytest.mark.parametrize("come", [True, False])
def test_a_shard_is_materialized_again_although_assets_came_or_went(
    come: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_once = Objects.write_once
    blinked: list[str] = []
    with opened() as world:
        folder = f"projects/{world.call('GET', '/namespaces/acme/projects/match-day')['id']}/assets/"
        rows, picture = drawn_rows(world, folder)
        pack = world.approved_pack(rows)
        asked = {"capability": "ball_detection", "label_pack_ids": [pack]}
        built = world.call("POST", "/api/v1/datasets/build", asked)

        def blinks(data: Objects, key: str, body: bytes, content_type: str) -> bool:
            if "/index/" in key and not blinked:
                blinked.append(key)
                if come:
                    for row in rows[3::5]:
                        write_once(data, f"{folder}{row['asset']}", picture, "image/png")
                else:
                    world.data.remove([f"{folder}{row['asset']}" for row in rows])
                raise ServiceUnavailableError("SERVICE_UNAVAILABLE", "a blink")
            return write_once(data, key, body, content_type)

        monkeypatch.setattr(Objects, "write_once", blinks)
        world.run_job(built["job_id"])
        detail = world.call("GET", f"/api/v1/datasets/{built['dataset_version_id']}")
    assert blinked
    assert detail["build_status"] == "ready"
    missing = detail["materialization"]["missing"]["ASSET_NOT_FOUND"]
    always = len(rows[3::5])
    assert 0 < missing < always if come else always < missing < len(rows)
