"""Reactions to the fake server's comments."""

import re
from datetime import UTC, datetime
from http import HTTPStatus

from samples.records import SampleRepository
from samples.writing import FULL, MAX_WRITTEN, NOT_FOUND, Fields, Reply, Request, WrittenRecords, invalid, paginate

ROUTE = re.compile(r"/repos/(?P<name>[^/]+/[^/]+)/issues/comments/(?P<comment>\d+)/reactions(?:/(?P<id>\d+))?")
CONTENTS = frozenset({"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"})


class Reactions:
    """Reactions by comment, in the order in which they were given."""

    def __init__(self) -> None:
        self._given: dict[int, list[Fields]] = {}
        self._count = 0

    def answer(
        self, asked: Request, repositories: dict[str, SampleRepository], written: WrittenRecords
    ) -> Reply | None:
        """Handle a request about reactions; return None for any other."""
        match = ROUTE.fullmatch(asked.path)
        if match is None:
            return None
        comment = written.comments.get(int(match["comment"]))
        if match["name"] not in repositories or comment is None:
            return NOT_FOUND
        own = self._given.setdefault(int(match["comment"]), [])
        if asked.verb == "GET":
            return Reply(HTTPStatus.OK, paginate(own, asked))
        if asked.verb == "DELETE":
            return self._remove(own, match["id"])
        return self._give(asked, own)

    def _give(self, asked: Request, own: list[Fields]) -> Reply:
        content = asked.body.get("content") if isinstance(asked.body, dict) else None
        if content not in CONTENTS:
            return invalid("content")
        account = asked.who.to_account()
        for one in own:
            if one["content"] == content and one["user"]["id"] == account["id"]:
                return Reply(HTTPStatus.OK, one)
        if len(own) >= MAX_WRITTEN:
            return FULL
        self._count += 1
        moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        fields = {"id": self._count, "node_id": f"REA_{self._count}", "user": account, "content": content}
        own.append({**fields, "created_at": moment})
        return Reply(HTTPStatus.CREATED, own[-1])

    def _remove(self, own: list[Fields], identity: str | None) -> Reply:
        found = [one for one in own if str(one["id"]) == identity]
        for one in found:
            own.remove(one)
        return Reply(HTTPStatus.NO_CONTENT, None) if found else NOT_FOUND
