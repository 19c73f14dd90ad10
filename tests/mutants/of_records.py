"""Mutants of the stack file: edits that are lost, and conflicts that nobody notices."""

from tests.mutants.mutant import Mutant

FILE, EDITED = "delivery/stack_file/stack_file.py", "delivery/stack_file/test_stack_file_edits.py"
EDIT, WRITTEN = "delivery/stack_file/yaml_edit.py", "delivery/stack_file/test_stack_file.py"
TREE, REPLACING, RENDER = (
    "delivery/stack_file/yaml_tree.py",
    "delivery/stack_file/atomic_write.py",
    "delivery/stack_file/yaml_render.py",
)
MERGING, FILES, MERGED = (
    "delivery/stack_file/merge_by_key.py",
    "delivery/stack_file/merge_files.py",
    "delivery/stack_file/test_merge_by_key.py",
)
SHUTTING = "delivery/run/shutdown.py"

MUTANTS = [
    Mutant(
        FILE,
        "                self._refuse_foreign(service, known, tree.data)",
        "                pass",
        "unseen",
        EDITED,
    ),
    Mutant(FILE, "if found.clashes:", "if False:", "the second of two commands wins", EDITED),
    Mutant(FILE, "self._watched.get(service) or ", "", "a conflict is seen at reads alone", EDITED),
    Mutant(FILE, "raw.strip() or not left", "True", "an editor that saves stops a release", EDITED),
    Mutant(FILE, "data = _with(tree.data, ", "data = _with(known, ", "an edit of other keys is lost", EDITED),
    Mutant(REPLACING, "real.read_bytes() != expected", "False", "an edit before the rename is lost", EDITED),
    Mutant(REPLACING, "fcntl.flock(folder, fcntl.LOCK_EX)", "pass", "two writers at once", EDITED),
    Mutant(REPLACING, "real = path.resolve()", "real = path", "a link becomes a file", WRITTEN),
    Mutant(REPLACING, "stat.S_IMODE(known.st_mode))", "0o644)", "secrets for everybody", WRITTEN),
    Mutant(REPLACING, "os.fchown(descriptor, known.st_uid, known.st_gid)", "pass", "root's file", WRITTEN),
    Mutant(EDIT, "for one in self._comments(place, end)))", "for one in list[str]()))", "comments go", WRITTEN),
    Mutant(EDIT, "if places.keys() != old.keys() or not kept:", "if not kept:", "`<<` is taken for a key", WRITTEN),
    Mutant(EDIT, "if start < place.start:", "if False:", "what an alias names is changed", WRITTEN),
    Mutant(EDIT, "    if not same(fresh.data, data):", "    if False:", "what an anchor ties is changed", WRITTEN),
    Mutant(EDIT, 'self._eol = found[0] if found else "\\n"', 'self._eol = "\\n"', "mixed line ends", WRITTEN),
    Mutant(EDIT, "len(found[1]) > column", "False", "a comment moves to another key", WRITTEN),
    Mutant(EDIT, "len(kept) > 1 and self._cut_off(kept[-1])", "False", "a text grows by a line end", WRITTEN),
    Mutant(TREE, "return (_BOM, text[1:])", 'return ("", text[1:])', "the byte order mark is lost", WRITTEN),
    Mutant(TREE, "    if looped:", "    if False:", "a null where an alias holds itself", WRITTEN),
    Mutant(
        TREE, "isinstance(one, bool) == isinstance(other, bool) and one == other", "one == other", "1 = true", MERGED
    ),
    Mutant(MERGING, "taken = ours if theirs in (base, ours) else theirs", "taken = ours", "the last wins", MERGED),
    Mutant(MERGING, "if taken is theirs and base != ours:", "if False:", "a conflict in silence", MERGED),
    Mutant(MERGING, "        elif not untouched:", "        else:", "what they let go is held again", MERGED),
    Mutant(MERGING, "others[name] if untouched or", "one if untouched or", "a revoked verdict counts", MERGED),
    Mutant(MERGING, "if path.startswith(DELIVERY) and ", "if ", "lists of others are mixed", MERGED),
    Mutant(FILES, "done.returncode == 0 and same(", "done.returncode == 0 or same(", "git's merge of no YAML", MERGED),
    Mutant(SHUTTING, "and (bad or not narrowed)", "", "everything falls on half the pods", EDITED),
    Mutant(SHUTTING, "(bad or not narrowed)", "not narrowed", "a bad version keeps its users", EDITED),
    Mutant(
        SHUTTING, "(declared.live, declared.canary) != (stage.live, stage.canary)", "False", "another's slot", EDITED
    ),
    Mutant(
        RENDER,
        "value.lower() not in _WORDS",
        "True",
        "a person called yes is true",
        "delivery/stack_file/test_stack_file_generated.py",
    ),
]
