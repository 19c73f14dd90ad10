"""Attacks by complete requests: small ones that want much memory."""

import io
import json
import struct
import zlib
from collections import Counter

from PIL import Image

from bench.attack.wire import Answers, Attacks, repeated, request

DIGITS, NLU = "/v2/models/digits/infer", "/v2/models/nlu/infer"
MEBIBYTE = 1 << 20
_LARGEST = 5 * MEBIBYTE - 2000
_SIDE = 4000
"""Pixels of a side of the largest pictures that are decoded."""


def _tensor(data: str, shape: str = "[1,64]", name: str = "pixels", more: str = "") -> bytes:
    return f'{{"inputs":[{{"name":"{name}","shape":{shape},"datatype":"FP32","data":[{data}]}}]{more}}}'.encode()


def _filled(piece: str, between: str = ",") -> str:
    """Repeat a piece until the body is as large as allowed."""
    return between.join([piece] * (_LARGEST // len(piece + between)))


def string_among_numbers(port: int) -> Answers:
    """One long string among numbers: numpy would make all of them as long."""
    return repeated(port, request(DIGITS, _tensor('"' + "x" * 100_000 + '",' + ",".join(['""'] * 4000))), 50)


def small_numbers(port: int) -> Answers:
    """A million numbers for a model that takes 64 in a row."""
    return repeated(port, request(DIGITS, _tensor(",".join(["-6"] * 999_000))), 40)


def valid_numbers(port: int) -> Answers:
    """As many rows as the model takes."""
    return repeated(port, request(DIGITS, _tensor(",".join(["0.25"] * 64 * 1024), "[1024,64]")), 40)


def most_numbers(port: int) -> Answers:
    """As many numbers as are parsed, for a model whose inputs have no largest size."""
    return repeated(port, request(NLU, _tensor(",".join(["-6"] * 990_000))), 40)


def refused_numbers(port: int) -> Answers:
    """More numbers than are parsed."""
    return repeated(port, request(DIGITS, _tensor(_filled("-6"))), 70)


def empty_lists(port: int) -> Answers:
    """Lists that hold nothing."""
    return repeated(port, request(DIGITS, _tensor(_filled("[]"))), 70)


def empty_tensors(port: int) -> Answers:
    """Tensors without keys: four faults each."""
    return repeated(port, request(DIGITS, ('{"inputs":[' + _filled("{}") + "]}").encode()), 70)


def unknown_keys(port: int) -> Answers:
    """An object of different keys."""
    body = "{" + ",".join(f'"{number:x}":0' for number in range(450_000)) + "}"
    return repeated(port, request(DIGITS, body.encode()), 70)


def deep_json(port: int) -> Answers:
    """Lists in lists in lists."""
    return repeated(port, request(DIGITS, b"[" * 5_000_000), 70)


def giant_shapes(port: int) -> Answers:
    """Shapes of many or huge sizes."""
    found = repeated(port, request(DIGITS, _tensor("0", "[1024,64]")), 50)
    found += repeated(port, request(DIGITS, _tensor("0", f"[{10**18},64]")), 50)
    return found + repeated(port, request(DIGITS, _tensor("0", "[" + _filled("1") + "]")), 30)


def repeated_tensors(port: int) -> Answers:
    """One tensor 80,000 times."""
    one = '{"name":"pixels","shape":[1,64],"datatype":"FP32","data":[]}'
    return repeated(port, request(DIGITS, ('{"inputs":[' + _filled(one) + "]}").encode()), 70)


def repeated_outputs(port: int) -> Answers:
    """One output 60 times, and 200,000 times."""
    zeros = ",".join(["0"] * 64 * 1024)
    found: Answers = Counter()
    for names in (",".join(['{"name":"probabilities"}'] * 60), _filled('{"name":"probabilities"}')):
        data = zeros if len(names) < MEBIBYTE else ""
        found += repeated(port, request(DIGITS, _tensor(data, "[1024,64]", more=f',"outputs":[{names}]')), 30)
    return found


def wide_characters(port: int) -> Answers:
    """A text of which each letter takes four bytes."""
    return repeated(port, request(DIGITS, _tensor('"\N{GRINNING FACE}' + "x" * (_LARGEST - 100) + '"')), 50)


def long_number(port: int) -> Answers:
    """A number of five million digits."""
    return repeated(port, request(DIGITS, _tensor("1" * _LARGEST)), 50)


def echoes(port: int) -> Answers:
    """Long names, identifiers and keys that an answer might repeat."""
    long = "n" * (_LARGEST - 1000)
    found = repeated(port, request(DIGITS, _tensor("0", name=long)), 20)
    found += repeated(port, request(DIGITS, _tensor("0", more=f',"id":"{long}"')), 20)
    return found + repeated(port, request(DIGITS, _tensor("0", more=f',"{long}":0')), 20)


def large_answer(port: int) -> Answers:
    """Half a mebibyte that asks for an answer of 144 MB."""
    words, labels, width = 20_000, 600, 10
    inputs = [
        {"name": "text", "shape": [1, words, width], "datatype": "INT64", "data": [1] * (words * width)},
        {"name": "marks", "shape": [1, words], "datatype": "INT64", "data": [0] * words},
        {"name": "labels", "shape": [labels, 1, width], "datatype": "INT64", "data": [1] * (labels * width)},
    ]
    return repeated(port, request(NLU, json.dumps({"inputs": inputs}, separators=(",", ":")).encode()), 40)


def long_labels(port: int) -> Answers:
    """A schema of long and of many labels."""
    found: Answers = Counter()
    for schema in ({"person" + " " * 200_000: None}, {f"label {number}": None for number in range(12_000)}):
        found += repeated(port, request("/", json.dumps({"text": "Anna", "schema": schema}).encode()), 50)
    return found


def _picture(encoding: str, mode: str = "RGB", side: int = _SIDE, **options: object) -> bytes:
    content = io.BytesIO()
    Image.new(mode, (side, side)).save(content, encoding, **options)
    return content.getvalue()


def _pictures(port: int, content: bytes, times: int) -> Answers:
    return repeated(port, request("/predict", content, "image/png"), times)


def _png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    made = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(bytes(3000))), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in made
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _zeros(*, gzip: bool) -> bytes:
    """Return a gibibyte of zeros, compressed to a mebibyte."""
    into = zlib.compressobj(9, wbits=31 if gzip else 15)
    piece = bytes(4 * MEBIBYTE)
    return b"".join(into.compress(piece) for _ in range(256)) + into.flush()


def enormous_picture(port: int) -> Answers:
    """A header that announces 50,000 x 50,000 pixels."""
    return _pictures(port, _png(50_000, 50_000), 100)


def png_bomb(port: int) -> Answers:
    """16 million transparent pixels in 60 KiB."""
    return _pictures(port, _picture("PNG", "RGBA"), 10)


def webp_bomb(port: int) -> Answers:
    """16 million pixels in 27 KiB; the decoder takes most memory of all."""
    return _pictures(port, _picture("WEBP"), 10)


def progressive_bomb(port: int) -> Answers:
    """16 million pixels in 183 KiB, as a JPEG that is decoded as a whole."""
    return _pictures(port, _picture("JPEG", progressive=True, subsampling=0), 10)


def text_bomb(port: int) -> Answers:
    """A PNG whose text and color profile are a gibibyte of zeros, compressed."""
    zeros = _zeros(gzip=False)
    text = _png(8, 8, (b"zTXt", b"Comment\0\0" + zeros))
    profile = _png(8, 8, (b"iCCP", b"p\0\0" + zeros))
    return _pictures(port, text, 20) + _pictures(port, profile, 20)


def many_frames(port: int) -> Answers:
    """A GIF of 2,000 frames."""
    frames = [Image.new("P", (500, 500), number % 256) for number in range(2000)]
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    return _pictures(port, content.getvalue()[:_LARGEST], 10)


def compressed_body(port: int) -> Answers:
    """A gzip bomb that claims to be an encoded body."""
    body = _zeros(gzip=True)
    return repeated(port, request(DIGITS, body, "application/json", "Content-Encoding: gzip"), 30)


def form_parts(port: int) -> Answers:
    """Forms of many parts, of one part with many headers, and without a boundary."""
    kind = "multipart/form-data; boundary=b"
    part = '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    bodies = (_filled(part, ""), "--b\r\n" + _filled("A: b\r\n", ""), "--b\r\nA: " + "b" * _LARGEST, "\r\n" * 2_000_000)
    found: Answers = Counter()
    for body in bodies:
        found += repeated(port, request("/predict", body.encode(), kind), 20)
    return found + repeated(port, request("/predict", b"x", "multipart/form-data"), 20)


ON_DIGITS: Attacks = {
    string_among_numbers: {"400"},
    small_numbers: {"400"},
    valid_numbers: {"200"},
    refused_numbers: {"400"},
    empty_lists: {"400"},
    empty_tensors: {"400"},
    unknown_keys: {"400"},
    deep_json: {"400"},
    giant_shapes: {"400"},
    repeated_tensors: {"400"},
    repeated_outputs: {"200", "400"},
    wide_characters: {"400"},
    long_number: {"400"},
    echoes: {"400"},
    enormous_picture: {"413"},
    png_bomb: {"200"},
    webp_bomb: {"200"},
    progressive_bomb: {"200"},
    text_bomb: {"400"},
    many_frames: {"200"},
    compressed_body: {"400"},
    form_parts: {"400"},
}
ON_NLU: Attacks = {large_answer: {"400"}, most_numbers: {"400"}, long_labels: {"422"}}
