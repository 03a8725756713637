"""A collection that is used only once its indexes exist."""

import asyncio
from collections.abc import Sequence

from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from steps.common.mongo import Document


class IndexedCollection:
    """Creates a collection's indexes before the first use in this process.

    MongoDB creates a collection with its first write; where that meets the creation of its indexes, a unique index may
    find duplicates already, and the embedded MongoDB stands still.
    """

    def __init__(self, collection: AsyncCollection[Document], indexes: Sequence[IndexModel]) -> None:
        self._collection = collection
        self._indexes = indexes
        self._creating = asyncio.Lock()
        self._is_ready = False

    async def ready(self) -> AsyncCollection[Document]:
        """Return the collection once its indexes exist.

        Raises:
            PyMongoError: MongoDB does not answer; the next call tries again.
        """
        async with self._creating:
            if not self._is_ready:
                await self._collection.create_indexes([*self._indexes])
                self._is_ready = True
        return self._collection
