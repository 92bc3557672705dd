"""Any bytes end in what can be kept or in an error of ours; longer, and led by coverage, with `make fuzz`."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz_targets import PIECES, TARGETS, WHOLE

spliced = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=8).map(b"".join)
documents = st.sampled_from(PIECES[:WHOLE]).flatmap(
    lambda whole: st.tuples(st.integers(0, len(whole)), st.integers(0, 12), spliced).map(
        lambda cut: whole[: cut[0]] + cut[2] + whole[cut[0] + cut[1] :]
    )
)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.one_of(spliced, documents))
def test_any_bytes_end_in_what_can_be_kept_or_in_an_error_of_ours(name, content):
    TARGETS[name](content)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("piece", [*PIECES, b"".join(PIECES)], ids=lambda piece: f"{piece[:12]!r}")
def test_the_pieces_that_hurt_before_do_so_no_more(name, piece):
    TARGETS[name](piece)
    TARGETS[name](b"A" + piece)
