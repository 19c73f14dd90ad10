"""Names and colors of the parts, in the order of the model's output planes."""

from typing import NamedTuple


class Part(NamedTuple):
    """One class of pixels."""

    name: str
    colour: tuple[int, int, int]


PARTS = (
    Part("background", (0, 0, 0)),
    Part("hair", (148, 84, 196)),
    Part("face", (255, 190, 120)),
    Part("top", (52, 132, 228)),
    Part("arms", (240, 120, 70)),
    Part("trousers", (46, 160, 90)),
    Part("shoes", (214, 58, 84)),
)
LABELS = tuple(part.name for part in PARTS)
BACKGROUND, HAIR, FACE, TOP, ARMS, TROUSERS, SHOES = range(len(PARTS))
