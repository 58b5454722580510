from hypothesis import given
from hypothesis import strategies as st

from songark.mirror.choose import choose_packs
from songark.mirror.editions import PackLine


def pack(name, size, listens):
    return PackLine(name, "f", "CC0", 1, size, listens, (), (), ())


def chosen(lines, budget, present=None):
    return [line.pack for line in choose_packs(lines, budget, present or {})]


LINES = [pack("a", 100, 100), pack("b", 10, 50), pack("c", 50, 400), pack("d", 1, 0)]


def test_without_a_budget_everything_by_name():
    assert chosen(LINES[::-1], None) == ["a", "b", "c", "d"]


def test_most_listens_a_byte_first():
    assert chosen(LINES, 50) == ["c"]
    assert chosen(LINES, 60) == ["b", "c"]
    assert chosen(LINES, 61) == ["b", "c", "d"]
    assert chosen(LINES, 0) == []


def test_a_pack_that_does_not_fit_leaves_room_for_a_smaller_one():
    assert chosen(LINES, 11) == ["b", "d"]


def test_what_is_here_is_kept_before_anything_new():
    assert chosen(LINES, 100, {"a": 100}) == ["a"]
    assert chosen(LINES, 111, {"a": 100}) == ["a", "b", "d"]


def test_what_does_not_fit_any_more_still_counts():
    """It lies on the disk until somebody decides otherwise, so nothing new is taken."""
    assert chosen(LINES, 60, {"a": 100}) == []
    assert chosen(LINES, 60, {"a": 100, "c": 50}) == ["c"]
    assert chosen(LINES, 60, {"vanished": 30}) == ["b", "d"]


def test_between_equals_the_name_decides():
    alike = [pack(name, 10, 5) for name in "xyz"]
    for order in (alike, alike[::-1]):
        assert chosen(order, 20) == ["x", "y"]


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.integers(0, 50), st.none() | st.integers(1, 60)),
        max_size=9,
    ),
    st.integers(0, 200),
    st.randoms(),
)
def test_the_budget_holds(spec, budget, dice):
    lines = [pack(f"p{n}", size, listens) for n, (size, listens, _) in enumerate(spec)]
    present = {f"p{n}": here for n, (_, _, here) in enumerate(spec) if here}
    taken = choose_packs(lines, budget, present)
    shuffled = dice.sample(lines, len(lines))
    assert choose_packs(shuffled, budget, present) == taken
    names = {line.pack for line in taken}
    on_disk = sum(present[name] for name in present if name not in names)
    fresh = [line for line in taken if line.pack not in present]
    assert sum(line.size for line in taken) <= budget
    if fresh:
        assert sum(line.size for line in taken) + on_disk <= budget
