import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.engine.components import components


def batches(edges, size=3):
    for at in range(0, len(edges), size):
        part = edges[at : at + size]
        sides = ([left for left, _ in part], [right for _, right in part])
        yield pa.RecordBatch.from_arrays(
            [pa.array(side, pa.int64()) for side in sides], ["left", "right"]
        )


def naive(count, edges):
    """Spread the smallest label along every edge until nothing changes."""
    labels = list(range(count))
    changed = True
    while changed:
        changed = False
        for left, right in edges:
            least = min(labels[left], labels[right])
            changed |= labels[left] != least or labels[right] != least
            labels[left] = labels[right] = least
    return labels


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 30))
    node = st.integers(0, count - 1)
    return count, draw(st.lists(st.tuples(node, node), max_size=40))


@settings(deadline=None)
@given(graphs())
def test_the_labels_are_those_of_a_naive_spread(graph):
    count, edges = graph
    assert components(count, batches(edges)) == naive(count, edges)


@settings(deadline=None)
@given(graphs(), st.randoms(), st.integers(1, 50))
def test_order_direction_and_batches_of_edges_do_not_matter(graph, maker, size):
    count, edges = graph
    other = [tuple(maker.sample(edge, 2)) for edge in maker.sample(edges, len(edges))]
    assert components(count, batches(other, size)) == components(count, batches(edges))


def test_without_edges_each_is_alone():
    assert components(3, ()) == [0, 1, 2]
    assert components(0, ()) == []


@pytest.mark.parametrize("shape", ["chain", "backwards", "star", "shuffled"])
def test_long_chains_are_one(shape):
    count = 20_000
    edges = [(n, n + 1) for n in range(count - 1)]
    if shape == "backwards":
        edges.reverse()
    elif shape == "star":
        edges = [(0, n) for n in range(1, count)]
    elif shape == "shuffled":
        random.Random(1).shuffle(edges)
    assert components(count, batches(edges, 5_000)) == [0] * count


def test_other_columns_are_passed_over():
    (batch,) = batches([(0, 2)])
    more = pa.RecordBatch.from_arrays(
        [pa.array([1]), *batch.columns], ["rank", *batch.schema.names]
    )
    assert components(3, [more]) == [0, 1, 0]
