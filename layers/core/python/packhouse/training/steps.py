"""The tasks of `training_export` between its plan and its seal; these two are in `sources`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any, Self

import msgspec
import orjson
from msgspec import Struct

from packhouse.access.model import Workspace
from packhouse.aws import executions
from packhouse.aws.objects import Objects, sha256_hex
from packhouse.catalog.rules import project_id
from packhouse.errors import UnitFailedError
from packhouse.jobs.store import JobStore
from packhouse.pipeline.exporting import LINEAGE, export_profile, iter_kept
from packhouse.pipeline.files import BINARY, GZIP, JSON, MANIFEST, NDJSON
from packhouse.pipeline.filtering import Wish, filter_rows, iter_sealed_lines
from packhouse.pipeline.overlap import OtherDataset
from packhouse.pipeline.packed import iter_bits
from packhouse.pipeline.profiles import PROFILES
from packhouse.pipeline.rendering import RenderedUnit, Selection, count_origins, render_preview, render_unit
from packhouse.pipeline.row_plan import RowUnit
from packhouse.pipeline.runs import Piece
from packhouse.pipeline.training_seal import ExportedProfile
from packhouse.rollouts.rules import Address
from packhouse.settings import TrainingTaskSettings
from packhouse.training.model import Overlap, Recipe, TrainingStatus, preview_key, recipe_key, training_prefix
from packhouse.training.rules import states_before
from packhouse.training.store import TrainingStore

HELD_BYTES = 16 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024
"""All units' files are read at once, a block of each: as large as fits what is held together."""

LEAST_BLOCK = 32 * 1024
PREVIEW_UNITS = 4
"""So many units are looked through for the first rows: where few rollouts are wanted, there may be none to show."""

Payload = dict[str, Any]


class FilteredDataset(Struct, frozen=True):
    """What FilterRows decided, and the SHA-256 of all that it rests on and wrote: `rendered` and `kept` by unit."""

    rows: int
    left_out: dict[str, int]
    scores: dict[str, dict[str, int]]
    rendered: list[str]
    kept: list[str]
    turns: str


@dataclass(frozen=True)
class TrainingSteps:
    """The tasks; each takes the execution's payload and returns what the next state needs."""

    store: TrainingStore
    jobs: JobStore
    data: Objects

    @classmethod
    def from_settings(cls, settings: TrainingTaskSettings) -> Self:
        """Wire the tasks to their tables and bucket."""
        return cls(
            TrainingStore(settings.training_table), JobStore(settings.builds_table), Objects(settings.data_bucket)
        )

    def render_preview(self, payload: Payload) -> Payload:
        """Render the first rows; the dataset shows them from now on."""
        if self._enter(payload, TrainingStatus.PENDING):
            self.jobs.enter_step(payload["job_id"], "RenderPreview", 1)
        recipe = self._recipe(payload)
        units = orjson.loads(self.data.read(payload["plan"]["units_key"]))
        planned = (self._unit(payload["prefix"], unit["unit"]) for unit in units[:PREVIEW_UNITS])
        chunks = (pair for unit in planned for pair in zip(unit.chunks, self._bodies(unit), strict=True))
        rows = render_preview(chunks, selection(recipe), recipe.profile)
        self.data.write_once(preview_key(payload["prefix"]), b"".join(row + b"\n" for row in rows), NDJSON)
        self._enter(payload, TrainingStatus.PREVIEW)
        return {"rows": len(rows), "confirmation": "required" if recipe.require_confirmation else "none"}

    def await_confirmation(self, payload: Payload) -> Payload:
        """Keep the token that the machine waits for; let it go on at once when it was confirmed before."""
        self.jobs.enter_step(payload["job_id"], "AwaitConfirmation", 1)
        if self.store.wait(payload["training_dataset_id"], payload["token"]):
            executions.go_on(payload["token"])
        return {}

    def render_unit(self, payload: Payload) -> Payload:
        """Render one unit: read its chunks, write its rows, their order and sketches, and the unit's result."""
        if self._enter(payload, TrainingStatus.RUNNING):
            self.jobs.begin_step(payload["job_id"], "RenderRows", payload["units"])
        prefix = payload["prefix"]
        unit = self._unit(prefix, payload["unit"])

        def id_of(chunk: int, offset: int) -> str:
            *_, import_id, _, name = unit.chunks[chunk].key.split("/")
            return Address(import_id, int(name.removesuffix(".ndjson")), offset).id

        rendered, bodies = render_unit(unit, self._bodies(unit), selection(self._recipe(payload)), id_of)
        for ending, body in bodies.items():
            self.data.write_once(_rows_key(prefix, unit.unit, ending), body, NDJSON if ending == "ndjson" else BINARY)
        result = msgspec.json.encode(rendered, order="deterministic")
        if self.data.write_once(rendered_key(prefix, unit.unit), result, JSON):
            self.jobs.count_unit(payload["job_id"], "RenderRows")
        return {"unit": unit.unit, "rows": rendered.rows}

    def filter_rows(self, payload: Payload) -> Payload:
        """Decide which rows stay, over all units at once, and name the files to export."""
        self.jobs.enter_step(payload["job_id"], "FilterRows", 1)
        prefix = payload["prefix"]
        results = list(self.data.iter_read(rendered_key(prefix, unit) for unit in range(payload["plan"]["units"])))
        units = [msgspec.json.decode(result, type=RenderedUnit) for result in results]
        left_out = self._demand_all(prefix, units, payload["plan"]["rollouts"])
        self._begin_filtering(payload, sum(unit.rows for unit in units), left_out)
        recipe, project = self._recipe(payload), project_id(Workspace(*payload["workspace"].split("/")))
        filtered = filter_rows(
            units,
            lambda unit: self._blocks(_rows_key(prefix, unit.unit, "order"), unit.order_bytes, len(units)),
            partial(_read_pieces, self.data, f"{prefix}rows/"),
            Wish(recipe.dedupe, recipe.max_rows, recipe.seed),
            [self._other(project, other) for other in recipe.exclude_overlap_with],
        )
        left_out |= filtered.left_out
        for unit, bits in zip(units, filtered.kept, strict=True):
            self.data.write_once(_kept_key(prefix, unit.unit), bits, BINARY)
        self.data.write_once(f"{prefix}turns", filtered.turns, BINARY)
        scores = count_origins(self._count_origins(prefix, units, filtered.kept))
        found = FilteredDataset(
            rows=filtered.rows,
            left_out=left_out,
            scores=scores,
            rendered=[sha256_hex(result) for result in results],
            kept=[sha256_hex(bits) for bits in filtered.kept],
            turns=sha256_hex(filtered.turns),
        )
        self.data.write_once(filtered_key(prefix), msgspec.json.encode(found, order="deterministic"), JSON)
        self._enter(payload, TrainingStatus.FILTERING, filtered.rows, left_out=left_out, scores=scores)
        if not filtered.rows:
            told = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
            raise UnitFailedError("NO_ROWS_LEFT", f"Of {payload['plan']['rollouts']} rollouts none stays: {told}.")
        exports = [{"unit": profile} for profile in (*PROFILES, LINEAGE)]
        self.jobs.enter_step(payload["job_id"], "ExportRows", len(exports))
        return {"exports": exports, "rows": filtered.rows}

    def export_profile(self, payload: Payload) -> Payload:
        """Write all rows that stay in one profile, or where each of them comes from."""
        prefix, profile = payload["prefix"], payload["unit"]
        found = msgspec.json.decode(self.data.read(filtered_key(prefix)), type=FilteredDataset)
        units = read_units(self.data, prefix, found)
        ending = "order" if profile == LINEAGE else "ndjson"
        lines = [
            iter_sealed_lines(self._blocks(_rows_key(prefix, unit.unit, ending), size, len(units)), sha256)
            for unit in units
            for size, sha256 in [
                (unit.order_bytes, unit.order_sha256) if profile == LINEAGE else (unit.bytes, unit.sha256)
            ]
        ]
        kept = read_kept(self.data, prefix, found)
        rows = iter_kept(self.data.read_sealed(f"{prefix}turns", found.turns), kept, lines)
        name, packed_name = f"{profile}.ndjson", f"{profile}.ndjson.gz"
        with (
            self.data.writer(f"{prefix}exports/{name}", NDJSON) as plain,
            self.data.writer(f"{prefix}exports/{packed_name}", GZIP) as packed,
        ):
            exported = export_profile(profile, rows, found.rows, plain, packed)
        result = ExportedProfile(
            profile, name, plain.bytes, plain.sha256, packed_name, packed.bytes, packed.sha256, exported
        )
        body = msgspec.json.encode(result, order="deterministic")
        if self.data.write_once(f"{prefix}exported/{profile}.json", body, JSON):
            self.jobs.count_unit(payload["job_id"], "ExportRows")
        return {"unit": profile, "rows": exported.rows}

    def _enter(self, payload: Payload, status: TrainingStatus, row_count: int | None = None, **found: Any) -> bool:
        return self.store.enter(payload["training_dataset_id"], status, states_before(status), row_count, **found)

    def _begin_filtering(self, payload: Payload, rows: int, left_out: dict[str, int]) -> None:
        """Show what was rendered until it is known what stays: a task that comes again must not take that back."""
        training_dataset_id, before = payload["training_dataset_id"], states_before(TrainingStatus.RUNNING)
        self.store.enter(training_dataset_id, TrainingStatus.FILTERING, before, rows, left_out=left_out)

    def _recipe(self, payload: Payload) -> Recipe:
        return read_recipe(self.data, payload["prefix"])

    def _unit(self, prefix: str, number: int) -> RowUnit:
        return msgspec.json.decode(self.data.read(f"{prefix}units/{number:05d}.json"), type=RowUnit)

    def _bodies(self, unit: RowUnit) -> Iterator[bytes]:
        return self.data.iter_sealed((chunk.key, chunk.sha256) for chunk in unit.chunks)

    def _demand_all(self, prefix: str, units: list[RenderedUnit], rollouts: int) -> dict[str, int]:
        """Require that all rollouts were looked at and the sketches are those of the rows; count who stayed out."""
        left_out = Counter[str]()
        for unit in units:
            left_out.update(unit.left_out)
        if sum(unit.rollouts for unit in units) != rollouts:
            found = sum(unit.rollouts for unit in units)
            raise UnitFailedError("SOURCE_CHANGED", f"{rollouts} rollouts were planned, {found} read.")
        self._demand_sketches(prefix, units)
        return dict(sorted(left_out.items()))

    def _demand_sketches(self, prefix: str, units: list[RenderedUnit]) -> None:
        self.data.demand_written(
            (_rows_key(prefix, unit.unit, ending), sha256) for unit in units for ending, sha256 in unit.sketches.items()
        )

    def _blocks(self, key: str, size: int, side_by_side: int) -> Iterator[bytes]:
        """Yield an object in blocks, each read when it is asked for: none waits on an open connection."""
        block = max(LEAST_BLOCK, min(BLOCK_BYTES, HELD_BYTES // side_by_side))
        for start in range(0, size, block):
            yield self.data.read_range(key, start, min(start + block, size))

    def _other(self, project: str, other: Overlap) -> OtherDataset:
        """Return what another dataset's rows are compared by, once all of it is known to be what was sealed."""
        prefix = training_prefix(project, other.training_dataset_id)
        manifest = self.data.read_sealed(f"{prefix}exports/{MANIFEST}", other.manifest_hash.removeprefix("sha256:"))
        filtered = self.data.read_sealed(filtered_key(prefix), orjson.loads(manifest)["filtered"])
        found = msgspec.json.decode(filtered, type=FilteredDataset)
        units, kept = read_units(self.data, prefix, found), read_kept(self.data, prefix, found)
        self._demand_sketches(prefix, units)
        return OtherDataset([unit.sketch for unit in units], kept, partial(_read_pieces, self.data, f"{prefix}rows/"))

    def _count_origins(self, prefix: str, units: Sequence[RenderedUnit], kept: Sequence[bytes]) -> Counter[int]:
        counted = Counter[int]()
        sealed = [(_rows_key(prefix, unit.unit, "origins"), unit.origins_sha256) for unit in units]
        for origins, bits in zip(self.data.iter_sealed(sealed), kept, strict=True):
            counted.update(compress(origins, iter_bits(bits)))
        return counted


def selection(recipe: Recipe) -> Selection:
    """Return which rollouts a recipe takes."""
    return Selection(
        None if recipe.scenario_ids is None else frozenset(recipe.scenario_ids),
        None if recipe.agent_template_ids is None else frozenset(recipe.agent_template_ids),
        recipe.min_scores.given(),
    )


def read_recipe(data: Objects, prefix: str) -> Recipe:
    """Return what was asked of a training dataset."""
    return Recipe.model_validate_json(data.read(recipe_key(prefix)))


def read_units(data: Objects, prefix: str, found: FilteredDataset) -> list[RenderedUnit]:
    """Return the results of all units of RenderRows."""
    sealed = ((rendered_key(prefix, unit), sha256) for unit, sha256 in enumerate(found.rendered))
    return [msgspec.json.decode(body, type=RenderedUnit) for body in data.iter_sealed(sealed)]


def read_kept(data: Objects, prefix: str, found: FilteredDataset) -> list[bytes]:
    """Return which rows of each unit stay."""
    return list(data.iter_sealed((_kept_key(prefix, unit), sha256) for unit, sha256 in enumerate(found.kept)))


def rendered_key(prefix: str, unit: int) -> str:
    """Return where a unit's result is."""
    return f"{prefix}rendered/{unit:05d}.json"


def filtered_key(prefix: str) -> str:
    """Return where it is written which rows stay."""
    return f"{prefix}filtered.json"


def _rows_key(prefix: str, unit: int, ending: str) -> str:
    return f"{prefix}rows/{unit:05d}.{ending}"


def _kept_key(prefix: str, unit: int) -> str:
    return f"{prefix}kept/{unit:05d}"


def _read_pieces(data: Objects, prefix: str, pieces: list[Piece]) -> Iterable[bytes]:
    return data.iter_ranges((prefix + name, start, end) for name, start, end in pieces)
