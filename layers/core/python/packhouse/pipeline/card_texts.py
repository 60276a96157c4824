"""What the card of a dataset version says of each subject, a section each; an empty text is no section."""

from packhouse.pipeline.capabilities import LabelKind
from packhouse.pipeline.columns import COLUMNS, LABELS
from packhouse.pipeline.drawn import PictureLeftOut, is_drawn
from packhouse.pipeline.markdown import counted, line, span, table
from packhouse.pipeline.plan import LeftOutReason
from packhouse.pipeline.splits import WHOLE, SplitStrategy
from packhouse.pipeline.version_facts import VersionFacts

_LISTED = 20
"""Classes that are not the capability's and are written out; more of them are counted together."""

_GEOMETRY = {
    LabelKind.POINT: (
        '`{"class": …, "point": {"x": …, "y": …}}`: fractions of the picture\'s width and height as it is displayed, '
        "the origin at the top left."
    ),
    LabelKind.BBOX: (
        '`{"class": …, "bbox": {"x": …, "y": …, "w": …, "h": …}}`: the top left corner, width and height, as fractions '
        "of the picture's width and height as it is displayed, the origin at the top left."
    ),
    LabelKind.SEGMENT: (
        '`{"class": …, "segment": {"start_ms": …, "end_ms": …}}`: milliseconds from the beginning of the recording, '
        "the end not included."
    ),
}

_PICTURE_REASONS = {
    PictureLeftOut.ASSET_NOT_GIVEN: "the row names no asset",
    PictureLeftOut.ASSET_NOT_FOUND: "there is no asset of that name",
    PictureLeftOut.ASSET_EMPTY: "the asset has no bytes",
    PictureLeftOut.SIZE_UNKNOWN: "the row does not state width and height, and the asset does not tell them",
    PictureLeftOut.UNLABELLED: "labels are null: as a picture it would say that nothing is there",
    PictureLeftOut.INVALID_LABEL_SCHEMA: "a label's class or kind is not the capability's",
    PictureLeftOut.INVALID_GEOMETRY: "a label lies outside the picture or has no size",
}

_ROW_REASONS = {
    LeftOutReason.DUPLICATE_SAMPLE: "an earlier source has the same sample with the same content",
    LeftOutReason.CONFLICTING_SAMPLE: "a newer revision has the same sample with other content",
}

_STRATEGIES = {
    SplitStrategy.GROUP_QUOTA: "whole groups, until each split has its share of the samples",
    SplitStrategy.STRATIFIED_GROUP: "whole groups, so that each split has its share of the samples and of each class",
    SplitStrategy.GROUP_HASH: "each group by its own hash, whatever the others are",
    SplitStrategy.PREDEFINED: "as the rows themselves name it",
}

_POINT_BOX = (
    "A point has no extent, and both formats want a box: it is 2 % of the picture's width and height, centred on the "
    "point and moved inside the picture. The point itself is there as a key point (COCO `keypoints`, YOLO `pose` with "
    "`kpt_shape: [1, 3]`)."
)

_PLACING = (
    "YOLO's pictures are put in place by two lines of shell, in the folder of the files; `ASSETS` is the folder that "
    "has the project's assets (a folder a project, named by its id, where sources lie in several):\n\n"
    "```sh\n"
    'for packed in yolo-*.tar.gz; do tar -xzf "$packed"; done\n'
    "cat pictures/*.tsv | while IFS=\"$(printf '\\t')\" read -r place asset; do "
    'mkdir -p "${place%/*}" && cp "ASSETS/$asset" "$place"; done\n'
    "```\n\n"
    "Now `data.yaml` is what a trainer is given. COCO's need no copying: `file_name` is the path below the same "
    "folder, which is what a reader takes as its image folder."
)


def loading_text(facts: VersionFacts) -> str:
    """How to load the rows, and what the tools make of them."""
    first = facts.row_files[0][0].name if facts.row_files else "train"
    return (
        "```python\n"
        "from datasets import load_dataset\n\n"
        'splits = load_dataset("path/to/this/folder")\n\n'
        "import mlcroissant\n\n"
        'described = mlcroissant.Dataset(jsonld="path/to/this/folder/croissant.json")\n'
        f'rows = described.records("{first}")  # a record set is named as its split\n'
        "```\n\n"
        "The types of all columns stand at the top of this file, so that no row is lost or misread where a column is "
        "absent or null for many rows on end. Read this way an absent column is `None`; in the NDJSON the key is "
        "absent.\n\n"
        "Limits of these tools: `load_dataset` reads identifiers or texts that all look like dates for 10 MiB on end "
        "(`2026-11-21`) with a time behind them (`2026-11-21 00:00:00`). `mlcroissant` checks the SHA-256 of a file "
        "before it reads it; it reads numbers with an error in the last digits (0.3 as 0.30000000000000004), takes "
        "texts for numbers where all of a column look like numbers (`007` as `7`), and gives a row whose labels are "
        "null one label without class."
    )


def rows_text(facts: VersionFacts) -> str:
    """Columns, labels, and how many there are of each."""
    columns = [(span(column.name), column.dtype, column.meaning) for column in COLUMNS]
    columns.insert(-1, (span(LABELS), "list", "the labels of the sample, null or a list"))
    geometry = [f"- {_GEOMETRY[kind]}" for kind in facts.kinds]
    others = (
        ["- Some labels are not of the capability's kind or classes; the quality report counts them."]
        if facts.statistics.schema_faults.count
        else []
    )
    meanings = [
        "- `labels: null`: unlabelled. Nobody looked; nothing follows from it.",
        "- `labels: []`: labelled as empty. Somebody looked, and there was nothing: a negative example.",
    ]
    return "\n\n".join(
        [
            table(("column", "type", "meaning"), columns),
            "\n".join([*meanings, *geometry, *others]),
            _label_counts(facts),
        ]
    )


def _label_counts(facts: VersionFacts) -> str:
    found = facts.statistics
    labelled = found.rows - found.unlabelled - found.empty
    said = (
        f"{counted(labelled, 'sample')} with labels, {found.empty} labelled as empty, {found.unlabelled} unlabelled; "
        f"{counted(found.labels, 'label')} in all:"
    )
    known = {name: found.classes[name].labels if name in found.classes else 0 for name in facts.capability.classes}
    others = sorted((name, tally.labels) for name, tally in found.classes.items() if name not in known)
    rows = [(span(name), str(labels)) for name, labels in [*known.items(), *others[:_LISTED]]]
    if cut := others[_LISTED:]:
        rows.append((f"{len(cut)} more", str(sum(labels for _, labels in cut))))
    return f"{said}\n\n{table(('class', 'labels'), rows)}"


def formats_text(facts: VersionFacts) -> str:
    """What COCO and YOLO files hold, which rows they lack, and where pictures go; no text where there are none."""
    if not is_drawn(facts.capability):
        return ""
    held = (
        "- `coco-<split>.json`: pictures (`images`) with their `sample_id`, boxes in pixels, categories from 1 in the "
        "order of the classes above.\n"
        "- `yolo-<split>.tar.gz`: `data.yaml`, a text file of labels for each picture, and where each picture comes "
        "from (`pictures/*.tsv`). Classes from 0 in the order above. `data.yaml` is the same in each archive."
    )
    point = [_POINT_BOX] if facts.capability.kind is LabelKind.POINT else []
    whole = "A row labelled as empty is a picture without labels. Pictures themselves are not in the files."
    return "\n\n".join([held, *point, whole, _pictures_left_out(facts), _PLACING])


def _pictures_left_out(facts: VersionFacts) -> str:
    rows = [
        (split.name, span(reason), str(split.left_out[reason]), _PICTURE_REASONS[reason])
        for split in facts.splits
        for reason in PictureLeftOut
        if split.left_out.get(reason)
    ]
    if not rows:
        return "Every row is a picture of both."
    said = "Rows that are in the NDJSON and in neither of the two, each by the first reason that holds:"
    return f"{said}\n\n{table(('split', 'reason', 'rows', 'meaning'), rows)}"


def splits_text(facts: VersionFacts) -> str:
    """How rows came to their splits, and how many are in each."""
    plan = facts.plan
    said = f"Strategy `{plan.strategy.value}`: {_STRATEGIES[plan.strategy]}. All samples of a group are in one split."
    if plan.ratio:
        ratio = ", ".join(f"{name} {share * 100 / WHOLE:g} %" for name, share in plan.ratio.items())
        said += f" Ratio: {ratio}; seed {plan.seed}."
    if plan.sticky is not None:
        said += f" Groups of an earlier version kept their split ({span(plan.sticky)})."
    rows = [(split.name, str(split.samples), str(split.groups)) for split in facts.splits]
    return f"{said}\n\n{table(('split', 'samples', 'groups'), rows)}"


def left_out_text(facts: VersionFacts) -> str:
    """The rows of the sources that are in no split."""
    rows = [
        (span(reason), str(facts.left_out[reason]), meaning)
        for reason, meaning in _ROW_REASONS.items()
        if facts.left_out.get(reason)
    ]
    return table(("reason", "rows", "meaning"), rows) if rows else "No row of the sources was left out."


def assets_text(facts: VersionFacts) -> str:
    """Which of the assets that rows name were there."""
    found = facts.materialization
    said = f"When the version was made, {found.found} of {counted(found.wanted, 'row')} had an asset that was there."
    rows = [
        (span(reason), str(found.missing[reason]), _PICTURE_REASONS[reason])
        for reason in PictureLeftOut
        if found.missing.get(reason)
    ]
    return f"{said}\n\n{table(('reason', 'rows', 'meaning'), rows)}" if rows else said


def quality_text(facts: VersionFacts) -> str:
    """The verdict, and what the policy found."""
    quality = facts.quality
    if quality.policy_version is None:
        return "Not evaluated: there is no quality policy for this capability."
    said = f"Verdict {span(quality.verdict.value)}, by the policy {span(quality.policy_version)}."
    rows = [
        (span(found.code), found.level, span(found.measure), f"{found.value!r}", f"{found.threshold!r}")
        for found in quality.indicators
    ]
    return f"{said}\n\n{table(('code', 'level', 'measure', 'value', 'threshold'), rows)}" if rows else said


def sources_text(facts: VersionFacts) -> str:
    """The label packs that the rows come from."""
    rows = [
        (span(source.label_pack_id), span(source.revision_id), span(source.content_hash), str(source.rows))
        for source in sorted(facts.sources, key=lambda source: source.label_pack_id)
    ]
    return table(("label pack", "revision", "content", "rows"), rows)


def verify_text() -> str:
    """How to see that all of it is what was made."""
    return line(
        """`python -m packhouse.verify FOLDER` makes the manifest again from the files of the folder, without a
        network, and says where they differ from what was sealed."""
    )
