"""What there is in a world, told so that two runs of one history tell the same.

Ids are numbered in the order in which they appear, so that what refers to what is still told; times, digests and
secrets are left out.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packhouse.aws.objects import sha256_hex
from tests.faults.world import World

_ID = re.compile(r"(?<![0-9A-Za-z])([a-z]{2,4})_[0-9A-HJKMNP-TV-Z]{26}")
_NOTHING = re.compile(r"(?!)")
UPLOADS = "uploadsbucket"
_LED_TO = (["rollout-imports"], ["training-datasets"])
_LEFT_OUT = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<time>"),
    (re.compile(r"\b\d{8}T\d{6}Z\b"), "<time>"),
    (re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32,64}(?![0-9A-Za-z])"), "<digest>"),
    (re.compile(r"\b1[6-9]\d{8}\b"), "<epoch>"),
)


def picture(world: World, paths: Iterable[str], untold: re.Pattern[str] = _NOTHING) -> list[str]:
    """Return everything that lies in tables and buckets or was started, and what the paths are answered; in lines.

    What `untold` matches is left out of them.
    """
    lines = [f"{path} {_line(world.call('GET', path))}" for path in paths]
    for table, items in world.everything().items():
        lines += [f"{table} {_line(item)}" for item in _gates_together(items) if not _is_refusal(table, item)]
        lines += {
            f"{table} {without_ids(_line(item))} {refusal(json.loads(item['body']['S'])['code'])}"
            for item in items
            if _is_refusal(table, item)
        }
    objects = [entry for entry in world.buckets.contents() if _is_kept(*entry[:2], lines)]
    bodies = {key: body for _, key, body in objects}
    lines += [f"{bucket} {key} {_digest(_told_ids(key, body, bodies))}" for bucket, key, body in objects]
    lines += [f"execution {name} {status}" for name, status in world.executions.status.items()]
    lines += [f"{token} {is_at}" for token, is_at in world.executions.tokens.items()]
    lines = [untold.sub("", line) for line in lines]
    return _numbered(sorted(lines, key=lambda line: (without_ids(line), line)))


def refusal(code: str) -> str:
    """Return the end of the line that tells of refused attempts: of all that are alike there is one, without ids."""
    return f"refused with {code}"


def _is_refusal(table: str, item: dict[str, Any]) -> bool:
    return table == "AuditTable" and not json.loads(item["body"]["S"])["allowed"]


def _is_kept(bucket: str, key: str, lines: list[str]) -> bool:
    """Only a revision or an import leads to its upload, only an import or a training dataset to its objects.

    Uploads expire. Of the other two, what a request wrote that ended before its transaction lies there unseen.
    """
    steps = key.split("/")
    if bucket == UPLOADS:
        return any(steps[-2] in line for line in lines)
    led_to = steps[2:3] in _LED_TO
    return not led_to or any(steps[3] in line for line in lines)


def told(text: str) -> str:
    """Return an answer without its times and digests, its ids numbered."""
    return "\n".join(_numbered([text]))


def without_ids(line: str) -> str:
    """Return a line with all that differs from run to run left out."""
    line = _ID.sub(r"<\1>", line)
    for found, name in _LEFT_OUT:
        line = found.sub(name, line)
    return line


def _numbered(lines: list[str]) -> list[str]:
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], f"<{found[1]} {len(numbers)}>")

    return [without_ids(_ID.sub(number, line)) for line in lines]


def _gates_together(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Which of a set's gates a write goes through is chance: they are told as one."""
    gates: dict[str, Counter[str]] = {}
    for item in items:
        if "is_open" in item:
            gate = gates.setdefault(item["sk"]["S"].rpartition("#")[0], Counter())
            gate.update({name: int(item[name]["N"]) for name in ("is_open", "rows", "writes")})
        else:
            yield item
    yield from ({"gates": name, **told} for name, told in gates.items())


def _told_ids(key: str, body: bytes, bodies: Mapping[str, bytes]) -> bytes:
    """Ids of one millisecond come in any order, so a batch's table of them is told by whether it is right."""
    if not key.endswith(".ids"):
        return body
    rows = [json.loads(line)["id"].encode() for line in bodies.get(key.removesuffix(".ids"), b"").splitlines()]
    right = sorted(name + number.to_bytes(4, "big") for number, name in enumerate(rows))
    return b"the ids of its rows" if body == b"".join(right) else body


def _digest(body: bytes) -> str:
    """Eight bytes of one, too few to be left out."""
    return sha256_hex(without_ids(body.decode("latin-1")).encode())[:16]


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
