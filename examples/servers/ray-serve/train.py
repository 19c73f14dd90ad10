"""Fit the model while the image is built: how often one letter follows another in each language."""

import json
import sys
from collections import Counter
from pathlib import Path

SENTENCES = {
    "english": "the quick brown fox jumps over the lazy dog and then it sleeps in the warm sun while the children play",
    "german": "der schnelle braune fuchs springt über den faulen hund und schläft dann in der warmen sonne",
    "french": "le rapide renard brun saute par dessus le chien paresseux et puis il dort au soleil",
    "spanish": "el rápido zorro marrón salta sobre el perro perezoso y luego duerme al sol",
}


def main(target: Path) -> None:
    """Write the model to a file. The empty pair stands for all pairs that no sentence has."""
    model = {}
    for name, sentence in SENTENCES.items():
        counts = Counter(sentence[at : at + 2] for at in range(len(sentence) - 1))
        total = counts.total() + len(counts) + 1
        model[name] = {"": 1 / total, **{pair: (count + 1) / total for pair, count in counts.items()}}
    target.write_text(json.dumps(model), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
