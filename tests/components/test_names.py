"""Names fit Kubernetes' limit, and two different ones never meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import names
from models.vocabulary import LABEL_LENGTH

long_names = st.text("abc-", min_size=55, max_size=80).map(lambda text: f"a{text}z")


@pytest.mark.parametrize("length", [1, 57, 58])
def test_a_name_that_fits_is_left_alone(length: int) -> None:
    assert names.joined("n" * length, "blue") == "n" * length + "-blue"


def test_a_name_that_does_not_fit_keeps_its_start_and_ends_in_a_hash() -> None:
    name = names.joined("n" * 63, "blue")
    assert len(name) == LABEL_LENGTH
    assert name.startswith("n" * 54 + "-")
    assert name.rpartition("-")[2] == names.content_hash("n" * 63 + "-blue")


def test_a_hash_never_follows_two_dashes() -> None:
    assert "--" not in names.joined("n" * 50 + "-" * 6 + "x" * 10, "y")


@given(long_names, long_names, st.sampled_from(["blue", "green", "canary", "stable"]))
def test_two_different_long_names_never_meet(a: str, b: str, ending: str) -> None:
    assert (names.joined(a, ending) == names.joined(b, ending)) == (a == b)


@given(long_names)
def test_every_name_made_from_a_service_is_different_and_fits(service: str) -> None:
    made = [
        names.slot_name(service, "blue"),
        names.slot_name(service, "green"),
        names.canary_name(service),
        names.stable_name(service),
    ]
    assert len(set(made)) == len(made)
    assert all(len(name) <= LABEL_LENGTH for name in made)


def test_a_repository_is_registry_system_and_image() -> None:
    assert names.repository("registry.example.com/ml", "shop", "server") == "registry.example.com/ml/shop/server"


def test_content_is_named_by_its_first_eight_hex_digits() -> None:
    assert names.content_hash("") == "e3b0c442"  # sha256 of nothing


@pytest.mark.parametrize(("stack", "value"), [("dev", "dev"), ("a.b_c-1", "a.b_c-1"), ("x" * 63, "x" * 63)])
def test_a_label_that_fits_is_the_text_itself(stack: str, value: str) -> None:
    assert names.label_value(stack) == value


@pytest.mark.parametrize("stack", ["-dev", "dev_", "x" * 64, "a b", ""])
def test_what_is_no_label_is_named_by_its_hash(stack: str) -> None:
    assert names.label_value(stack) == names.content_hash(stack) != names.label_value(f"{stack}2")
