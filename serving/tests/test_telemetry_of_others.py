"""onnxruntime does not report to its vendor: the identifier that it would write first never appears."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_loading_a_model_leaves_no_identifier_behind(model_folder: Path, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from serving.payloads.digits.model import load_digits as load; "
    code += "load(Path(sys.argv[1]), 1)"
    # A bare environment: a variable of a CI system would switch the reporting off by itself, and prove nothing.
    ran = subprocess.run(
        [sys.executable, "-c", code, str(model_folder)],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
