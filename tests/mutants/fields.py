"""Mutants of each field that a slot pins: the live slot follows the entry in it, or a verdict does not cover it."""

from models.service import SlotSpec
from tests.mutants.mutant import Mutant

_FOLLOWED = """
pin = revisions[content.pinned]
return pin.model_copy(update={{"spec": pin.spec.model_copy(update={{"{field}": spec.{field}}})}})
"""

MUTANTS: list[Mutant] = [
    *(
        Mutant(
            "models/resolve.py",
            "_revision",
            "return revisions[content.pinned]",
            _FOLLOWED.format(field=field),
            f"an edit of {field} reaches the live slot at once",
            by="components/test_pinning.py",
        )
        for field in SlotSpec.model_fields
    ),
    *(
        Mutant(
            "models/evidence.py",
            "_unjudged",
            "field not in ours",
            f'field not in ours | {{"{field}"}}',
            f"another {field} than was judged is promoted",
            by="delivery/release/test_evidence_of_revisions.py",
        )
        for field in SlotSpec.model_fields
    ),
]
