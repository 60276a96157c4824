"""What the product must not be: names that are looked at first and written afterwards."""

from typing import Any

from packhouse.aws import dynamo
from packhouse.aws.clock import new_id
from tests.faults.races import Answer

TABLE, PLACE = "CatalogTable", "NAIVE"


class NaiveNames:
    """Datasets by their names, with check-then-act."""

    def create(self, name: str, key: str) -> Answer:
        if self.find(name):
            return 409, "DATASET_EXISTS"
        made = new_id("ds")
        self._put(name, made)
        return 201, made

    def rename(self, name: str, to: str) -> Answer:
        found = self.find(name)
        if found is None:
            return 404, "DATASET_NOT_FOUND"
        if self.find(to):
            return 409, "DATASET_EXISTS"
        self._put(to, found)
        self._client.delete_item(TableName=TABLE, Key=_key(name))
        return 200, found

    def delete(self, name: str) -> Answer:
        if self.find(name) is None:
            return 404, "DATASET_NOT_FOUND"
        self._client.delete_item(TableName=TABLE, Key=_key(name))
        return 200, ""

    def listed(self) -> tuple[list[tuple[str, str]], int]:
        found = self._client.query(
            TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": PLACE}}
        )["Items"]
        rows = [(item["sk"]["S"], item["id"]["S"]) for item in found]
        return rows, len(rows)

    def places(self) -> dict[str, str]:
        return {made: name for name, made in self.listed()[0]}

    @property
    def _client(self) -> Any:
        return dynamo.connection().client

    def find(self, name: str) -> str | None:
        item = self._client.get_item(TableName=TABLE, Key=_key(name), ConsistentRead=True).get("Item")
        return str(item["id"]["S"]) if item else None

    def _put(self, name: str, made: str) -> None:
        self._client.put_item(TableName=TABLE, Item={**_key(name), "id": {"S": made}})


def _key(name: str) -> dict[str, Any]:
    return {"pk": {"S": PLACE}, "sk": {"S": name}}
