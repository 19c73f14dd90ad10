"""Write the JSON schemas: ``make schema``."""

from schema import FOLDER, texts

for name, text in texts().items():
    (FOLDER / name).write_text(text, "utf-8")
    print(f"wrote {FOLDER.name}/{name}")
