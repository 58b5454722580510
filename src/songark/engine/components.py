"""Connected components over integer ids: the one thing SQL does badly."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa


def components(count: int, edges: Iterable[pa.RecordBatch]) -> list[int]:
    """Label each of `count` nodes with the smallest node it is connected to.

    `edges` has integer columns `left` and `right` in [0, count). The labels do not depend on the
    order of the edges.
    """
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for batch in edges:
        for edge in batch.select(["left", "right"]).to_pylist():
            one, two = root(edge["left"]), root(edge["right"])
            parent[max(one, two)] = min(one, two)
    return [root(node) for node in range(count)]
