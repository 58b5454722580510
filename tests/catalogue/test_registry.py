import re

from hypothesis import given, settings
from hypothesis import strategies as st

from songark.catalogue.registry import name_groups

KEYS = [f"file:{letter}" for letter in "abcdefghij"]


def name(groups, last=None):
    return name_groups(groups, last.registry if last else {}, last.redirects if last else ())


def merged(naming):
    return {old: new for old, new, kind in naming.redirects if kind == "merged"}


@st.composite
def partitions(draw):
    """Some of the keys, in groups: a build may lack rows that others have."""
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
    labels = draw(st.lists(st.integers(0, 3), min_size=len(keys), max_size=len(keys)))
    groups = [[k for k, at in zip(keys, labels, strict=True) if at == one] for one in range(4)]
    return [group for group in groups if group]


def test_an_id_is_of_80_bits_from_its_first_key_alone():
    one = name([["file:b", "file:a"], ["file:c"]])
    two = name([["file:a"]])
    assert one.ids[0] == two.ids[0] != one.ids[1]
    assert all(re.fullmatch(r"r[a-z2-7]{16}", told) for told in one.ids)


def test_rows_added_changed_and_removed_leave_the_id():
    first = name([["file:a", "file:b"]])
    for groups in ([["file:a", "file:b", "file:c"]], [["file:b", "file:d"]], [["file:a"]]):
        second = name(groups, first)
        assert second.ids == first.ids
        assert second.redirects == ()


def test_a_key_of_the_packets_holds_the_id_when_the_file_was_tagged_anew():
    first = name([["file:a", "packets:x"]])
    assert name([["file:b", "packets:x"]], first).ids == first.ids


def test_a_merge_keeps_the_larger_and_redirects_the_other():
    first = name([["file:a", "file:b"], ["file:c"]])
    second = name([["file:a", "file:b", "file:c"]], first)
    assert second.ids == (first.ids[0],)
    assert second.redirects == ((first.ids[1], first.ids[0], "merged"),)


def test_a_split_keeps_the_id_with_the_larger_part_and_lists_the_other():
    first = name([["file:a", "file:b", "file:c"]])
    second = name([["file:a"], ["file:b", "file:c"]], first)
    assert second.ids[1] == first.ids[0]
    assert second.redirects == ((first.ids[0], second.ids[0], "split"),)


def test_a_row_that_comes_back_after_its_id_was_merged_away_does_not_wake_it():
    first = name([["file:a", "file:b"], ["file:c", "file:d", "file:e"]])
    second = name([["file:a", "file:c", "file:d", "file:e"]], first)
    assert merged(second) == {first.ids[0]: first.ids[1]}
    third = name([["file:b"], ["file:a", "file:c", "file:d", "file:e"]], second)
    assert first.ids[0] not in third.ids
    assert third.ids[1] == first.ids[1]


def test_an_id_that_split_and_then_merges_into_its_part_leads_there():
    first = name([["file:a", "file:b"]])
    second = name([["file:a"], ["file:b"]], first)
    old, part = second.ids
    third = name([["file:a", "file:b", "file:c"], ["file:d"]], second)
    assert third.ids[0] in {old, part}
    gone = ({old, part} - {third.ids[0]}).pop()
    assert merged(third) == {gone: third.ids[0]}


@settings(deadline=None, max_examples=300)
@given(st.lists(partitions(), min_size=2, max_size=6))
def test_ids_over_any_history(history):
    last = None
    ever: set[str] = set()
    for groups in history:
        made = name(groups, last)
        before = last.registry if last else {}
        assert len(set(made.ids)) == len(groups)
        # Nothing that was merged away is anybody's again, and it leads to one id that is not.
        assert not set(merged(made)) & (set(made.ids) | set(made.registry.values()))
        assert sum(kind == "merged" for _o, _n, kind in made.redirects) == len(merged(made))
        # An id is either one that some key of the group had, or was never seen.
        for told, group in zip(made.ids, groups, strict=True):
            assert told in {before.get(key) for key in group} or told not in ever
            for key in group:
                assert made.registry[key] == told
                if key in before and before[key] != told:
                    assert {(old, new) for old, new, _k in made.redirects} >= {(before[key], told)}
        assert set(before) <= set(made.registry)
        assert set(last.redirects if last else ()) <= set(made.redirects) | {
            (old, new, "split") for old, new, kind in made.redirects if kind == "merged"
        }
        ever |= set(made.ids)
        last = made
        # The same rows again change nothing.
        again = name(groups, made)
        assert (again.ids, again.redirects) == (made.ids, made.redirects)


@settings(deadline=None)
@given(partitions(), partitions(), st.randoms())
def test_the_order_of_groups_and_keys_does_not_show(first, second, maker):
    def shuffled(groups):
        return [maker.sample(group, len(group)) for group in maker.sample(groups, len(groups))]

    one = name(second, name(first))
    other = name(shuffled(second), name(shuffled(first)))
    assert (one.registry, one.redirects) == (other.registry, other.redirects)
