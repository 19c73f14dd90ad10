"""Paint a face upright on a transparent canvas."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from serving.payloads.faces.people import Colour, Person

CANVAS = (220, 280)
# The midpoint between the eyes.
CENTRE = (110.0, 122.0)
_WHITE_OF_EYE = (238, 238, 236)
_STEPS = 40
Points = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Expression:
    """The expression of a face in one picture, and the color of the clothes."""

    smile: float
    open: float
    """How far the mouth is open, 0 to 1."""
    lids: float
    """How far the eyes are open; 1 = normal."""
    brows: float
    """Pixels by which the brows are raised."""
    gaze: float
    clothes: Colour


def draw(person: Person, expression: Expression) -> Image.Image:
    """Paint a person as RGBA, transparent where the background will be."""
    picture = Image.new("RGBA", CANVAS, (*person.hair, 0))
    brush = ImageDraw.Draw(picture)
    _hair_behind(brush, person)
    _body(brush, person, expression)
    _head(brush, person)
    if person.beard:
        _beard(brush, person)
    _nose(brush, person)
    _mouth(brush, person, expression)
    for side in (-1, 1):
        _eye(brush, person, expression, side)
        _brow(brush, person, expression, side)
    if person.hair_length > -100:  # noqa: PLR2004 - the mark of a bald head
        _hair_in_front(brush, person)
    return picture


def _hair_behind(brush: ImageDraw.ImageDraw, person: Person) -> None:
    if not person.hair_volume:
        return
    x, y = CENTRE
    wide = person.half_width + person.hair_volume
    top = y - person.height_above - person.hair_volume
    brush.ellipse((x - wide, top, x + wide, y + 30), fill=person.hair)
    if person.hair_length > 0:
        brush.rectangle((x - wide, y - 20, x + wide, y + person.hair_length), fill=person.hair)


def _body(brush: ImageDraw.ImageDraw, person: Person, expression: Expression) -> None:
    x, y = CENTRE
    chin = y + person.height_below
    neck = person.half_width * 0.5
    brush.rectangle((x - neck, chin - 25, x + neck, chin + 22), fill=_shaded(person.skin, 0.86))
    brush.ellipse((x - 105, chin + 14, x + 105, chin + 160), fill=expression.clothes)


def _head(brush: ImageDraw.ImageDraw, person: Person) -> None:
    x, y = CENTRE
    for side in (-1, 1):
        ear = x + side * person.half_width
        brush.ellipse((ear - person.ear, y - 8, ear + person.ear, y + 22), fill=_shaded(person.skin, 0.92))
    brush.polygon(_outline(person), fill=person.skin)
    mole_x, mole_y = x + person.mole[0], y + person.mole[1]
    brush.ellipse((mole_x - 2, mole_y - 2, mole_x + 2, mole_y + 2), fill=_shaded(person.skin, 0.55))


def _outline(person: Person) -> Points:
    """Return the outline of the head: an ellipse above the eye line, a superellipse of the person's jaw below it."""
    turns = np.linspace(0, 2 * np.pi, 2 * _STEPS, endpoint=False)
    cosine, sine = np.cos(turns), np.sin(turns)
    exponent = np.where(sine > 0, 2 / person.jaw, 1.0)
    height = np.where(sine > 0, person.height_below, person.height_above)
    across = CENTRE[0] + person.half_width * np.sign(cosine) * np.abs(cosine) ** exponent
    down = CENTRE[1] + height * np.sign(sine) * np.abs(sine) ** exponent
    return list(zip(across.tolist(), down.tolist(), strict=True))


def _beard(brush: ImageDraw.ImageDraw, person: Person) -> None:
    chin = CENTRE[1] + person.height_below
    mouth = CENTRE[1] + person.height_below * person.mouth_height
    edge = chin - (chin - mouth) * person.beard
    lower = [(px, py) for px, py in _outline(person) if py >= edge]
    brush.polygon(sorted(lower, key=lambda point: np.arctan2(point[1] - edge, point[0] - CENTRE[0])), fill=person.hair)


def _nose(brush: ImageDraw.ImageDraw, person: Person) -> None:
    x, y = CENTRE
    tip, wide = y + person.nose_length, person.nose_width
    shade = _shaded(person.skin, 0.8)
    brush.line([(x - wide * 0.35, y + 4), (x - wide * 0.5, tip - 6)], fill=shade, width=2)
    brush.arc((x - wide, tip - 9, x + wide, tip + 4), 10, 170, fill=shade, width=3)
    for side in (-1, 1):
        hole = x + side * wide * 0.45
        brush.ellipse((hole - 2, tip - 1, hole + 2, tip + 2), fill=_shaded(person.skin, 0.5))


def _mouth(brush: ImageDraw.ImageDraw, person: Person, expression: Expression) -> None:
    x, y = CENTRE[0], CENTRE[1] + person.height_below * person.mouth_height
    across = np.linspace(-1, 1, 13)
    middle = y - expression.smile * 3.5 * (across**2 - 0.5)
    gap = expression.open * 5 * (1 - across**2)
    lip = person.lip_thickness * (1 - across**2)
    columns: list[float] = (x + person.mouth_width * across).tolist()
    upper = list(zip(columns, (middle - gap / 2 - lip).tolist(), strict=True))
    lower = list(zip(columns, (middle + gap / 2 + lip * 1.2).tolist(), strict=True))
    brush.polygon(upper + lower[::-1], fill=person.lips)
    inside = list(zip(columns, (middle - gap / 2).tolist(), strict=True))
    inside += list(zip(columns, (middle + gap / 2).tolist(), strict=True))[::-1]
    brush.polygon(inside, fill=(70, 28, 30), outline=_shaded(person.lips, 0.6))


def _eye(brush: ImageDraw.ImageDraw, person: Person, expression: Expression, side: int) -> None:
    x, y = CENTRE[0] + side * person.eye_distance, CENTRE[1]
    across = np.linspace(-1, 1, 11)
    bow = person.eye_height * expression.lids * np.sqrt(1 - across**2)
    tilt = side * person.eye_tilt * across
    columns: list[float] = (x + person.eye_width * across).tolist()
    upper = list(zip(columns, (y - bow + tilt).tolist(), strict=True))
    lower = list(zip(columns, (y + bow + tilt).tolist(), strict=True))
    brush.polygon(upper + lower[::-1], fill=_WHITE_OF_EYE, outline=_shaded(person.skin, 0.55))
    size = min(person.iris_size, person.eye_height * expression.lids)
    centre = x + expression.gaze * 1.6
    brush.ellipse((centre - size, y - size, centre + size, y + size), fill=person.iris)
    pupil = size * 0.45
    brush.ellipse((centre - pupil, y - pupil, centre + pupil, y + pupil), fill=(12, 10, 10))
    brush.line(upper, fill=_shaded(person.skin, 0.4), width=2)


def _brow(brush: ImageDraw.ImageDraw, person: Person, expression: Expression, side: int) -> None:
    x = CENTRE[0] + side * person.eye_distance
    y = CENTRE[1] - person.brow_height - expression.brows
    inner, outer = x - side * person.brow_length, x + side * person.brow_length
    points = [(inner, y + person.brow_slope), (x, y - 2), (outer, y - person.brow_slope)]
    brush.line(points, fill=person.hair, width=max(2, round(person.brow_thickness)), joint="curve")


def _hair_in_front(brush: ImageDraw.ImageDraw, person: Person) -> None:
    """Paint the cap of hair: the head's outline above a line that rises to the parting."""
    x, y = CENTRE
    top = y - person.height_above - person.hair_volume
    line = y - person.height_above * (1 - person.hairline * 0.62)
    parting = x + person.parting * person.half_width * 0.7
    wide = person.half_width + person.hair_volume
    temple = person.half_width * 0.8
    front = [(x + wide * 0.96, y - 12), (x + temple, line + 9), (parting, line - 7)]
    front += [(x - temple, line + 9), (x - wide * 0.96, y - 12)]
    brush.polygon(_arc(wide, top, y) + front, fill=person.hair)


def _arc(wide: float, top: float, y: float) -> Points:
    turns = np.linspace(np.pi, 2 * np.pi, _STEPS)
    return [(float(CENTRE[0] + wide * np.cos(turn)), float(y + (y - top) * np.sin(turn))) for turn in turns]


def _shaded(colour: Colour, share: float) -> Colour:
    return int(colour[0] * share), int(colour[1] * share), int(colour[2] * share)
