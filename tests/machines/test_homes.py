"""What a guest's home is made of, and when it is made anew."""

from tests.machines import homes
from tests.recording import PROJECT


def test_a_venv_is_made_anew_when_its_recipe_changes() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    rule = homes.recipe(makefile)
    assert "pip sync" in rule
    assert homes.recipe(makefile.replace("pip sync", "pip install")) != rule


def test_a_venv_is_kept_when_another_target_changes() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    assert homes.recipe(makefile.replace("-m local down", "-m local down --quiet")) == homes.recipe(makefile)


def test_a_guest_installs_from_its_folder_alone() -> None:
    assert homes.exports().startswith("export PIP_NO_INDEX=1 ")
    assert "UV_OFFLINE=1" in homes.exports()
