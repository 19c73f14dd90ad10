"""A spelling corrector as its authors wrote it: standard library only, with its index in the user's home directory."""

import json
import signal
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WORDS = Path(__file__).with_name("words.txt")
INDEX = Path.home() / ".cache" / "speller" / "index.db"
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
PORT, LONGEST, IDLE_SECONDS = 8000, 40, 120
THREAD = threading.local()


def build():
    """Count the words of the text into the index; a later start of the same home finds it."""
    INDEX.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(INDEX) as index:
        index.execute("create table if not exists words (word text primary key, count integer)")
        for word in WORDS.read_text("utf-8").lower().split():
            index.execute("insert into words values (?, 1) on conflict do update set count = count + 1", (word,))


def edits(word):
    """Return everything that one slip of the fingers turns into the word."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    fewer = {left + right[1:] for left, right in parts if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in parts if len(right) > 1}
    other = {left + letter + right[1:] for left, right in parts if right for letter in ALPHABET}
    more = {left + letter + right for left, right in parts for letter in ALPHABET}
    return {word} | fewer | swapped | other | more


def corrected(word):
    """Return the most frequent known word near this one, and whether there is any."""
    if not hasattr(THREAD, "index"):
        THREAD.index = sqlite3.connect(INDEX)
    near = sorted(edits(word))
    marks = ",".join("?" * len(near))
    query = f"select word from words where word in ({marks}) order by word = ? desc, count desc limit 1"  # noqa: S608 - only ?
    found = THREAD.index.execute(query, (*near, word)).fetchone()
    return found[0] if found else word, found is not None


class Handler(BaseHTTPRequestHandler):
    """GET /health, and POST /correct with a word."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self):
        """Answer the health check."""
        self.answer(*((200, {"status": "ok"}) if self.path == "/health" else (404, {"error": "no such path"})))

    def do_POST(self):
        """Correct the word in the body."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            word = json.loads(body)["word"].lower()
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.answer(400, {"error": 'send {"word": "..."}'})
        if len(word) > LONGEST:
            return self.answer(400, {"error": f"a word has at most {LONGEST} letters"})
        best, known = corrected(word)
        return self.answer(200, {"word": best, "known": known})

    def answer(self, status, content):
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Write no access log."""


class Server(ThreadingHTTPServer):
    """A thread for each connection; idle ones do not keep the process."""

    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    build()
    server = Server(("", PORT), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
