#!/usr/bin/env python3
"""An independent verifier of Signet's audit log, written from docs/spec/audit-log.md and sharing no code with the program.

    verify_log.py DIRECTORY [--trust PEM] [--hmac-key FILE]     a stopped log (audit.db)
    verify_log.py --file EXPORT --trust PEM [--hmac-key FILE]   an export (NDJSON)

Prints one JSON object; exit code 0 intact, 4 not intact, 1 cannot be read.
Names the first bad entry and a coarse kind; where the program tells more finely, both must at least agree on "not intact" and on the entry.
"""
import argparse, base64, hashlib, hmac, json, os, re, sqlite3, struct, sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Bad(Exception):
    def __init__(self, kind, entry, why):
        super().__init__(why)
        self.kind, self.entry, self.why = kind, entry, why


def sha(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha(b"\x01" + left + right)


class Tree:
    """The frontier of RFC 9162's tree: complete subtrees, largest first."""

    def __init__(self, size=0, nodes=()):
        self.size, self.nodes = size, list(nodes)

    def append(self, leaf):
        size = self.size
        while size & 1:
            leaf = node(self.nodes.pop(), leaf)
            size >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self):
        if not self.nodes:
            return sha(b"")
        root = self.nodes[-1]
        for left in reversed(self.nodes[:-1]):
            root = node(left, root)
        return root


class Note:
    LINES = re.compile(r"([^\n]+)\n(0|[1-9]\d*)\n([A-Za-z0-9+/]{43}=)\nnumber (0|[1-9]\d*)\ntime (0|[1-9]\d*)\n"
                       r"prev ([A-Za-z0-9+/]{43}=)\nlink ([A-Za-z0-9+/]{43}=)\nbefore ([A-Za-z0-9+/]{43}=)\n")

    def __init__(self, note, trust):
        split = note.rfind("\n\n")
        match = self.LINES.fullmatch(note[:split + 1]) if split >= 0 else None
        if not match:
            raise ValueError("is not a checkpoint")
        self.text = note[:split + 1].encode()
        self.origin, self.size, self.number = match[1], int(match[2]), int(match[4])
        self.root, self.prev, self.link, self.before = (base64.b64decode(match[i], validate=True) for i in (3, 6, 7, 8))
        known = False
        for line in note[split + 2:].rstrip("\n").split("\n"):
            parts = line.split(" ")
            if len(parts) != 3 or parts[0] != "\u2014":
                raise ValueError("has a damaged signature line")
            if parts[1] != self.origin:
                continue
            raw = base64.b64decode(parts[2], validate=True)
            if base64.b64encode(raw).decode() != parts[2]:
                raise ValueError("has a damaged signature line")
            for key in trust:
                der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
                if sha(der)[:4] != raw[:4]:
                    continue
                known = True
                try:
                    key.verify(raw[4:], self.text, ec.ECDSA(hashes.SHA256()))
                    return
                except InvalidSignature:
                    pass
        raise ValueError("its signature does not fit" if known else "was signed with another key")


class Key:
    """The forward-secure HMAC key."""

    def __init__(self, key):
        self.key, self.epoch = key, 0

    def mac(self, data):
        return hmac.new(self.key, data, hashlib.sha256).digest()

    def advance(self):
        self.key, self.epoch = self.mac(b"signet-audit-next-key-v1"), self.epoch + 1


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_entry(number, body, prev, mac, expected, link, key):
    """One entry against its place; returns leaf and link."""
    if number > expected:
        raise Bad("deleted", expected, f"entry {expected} is missing")
    try:
        entry = json.loads(body)
        told, before = entry["seq"], unpadded(entry["prev"])
        members = list(entry)
    except Exception:
        raise Bad("edited", expected, "its body cannot be read")
    if members != sorted(members):
        raise Bad("edited", expected, "its body is not canonical")
    if number < expected or told != expected:
        raise Bad("order", expected, f"entry {told} stands in its place")
    if prev is not None and prev != before:
        raise Bad("edited", expected, "its stored chain value does not fit its body")
    if key and key.mac(body) != mac:
        raise Bad("edited", expected, "its HMAC does not fit its body")
    if before != link:
        raise Bad("chain", expected, "it does not follow the entry before it")
    leaf = sha(b"\x00" + body)
    return leaf, sha(leaf + mac)


def check_checkpoint(at, tree, link, link_before, last):
    if at.number != (last.number if last else 0) + 1 or at.before != (sha(last.text) if last else bytes(32)):
        raise Bad("checkpoint", at.size, f"checkpoint {at.number} does not follow the one before it")
    if at.root != tree.root() or at.link != link or at.prev != link_before:
        raise Bad("edited", at.size, "the entries do not give the root of their checkpoint")


def verify(origin, entries, notes, trust, key, start=None, head=None, explained=True):
    """entries: (number, body, prev or None, mac); notes: texts; start: (tree, link, checkpoint)."""
    tree, link, last = start or (Tree(), sha(("signet-audit-log-v1\n" + origin).encode()), None)
    link_before, notes, count, checkpoints = last.prev if last else link, iter(notes), 0, 0
    gone, said = tree.size, 0
    while key and last and key.epoch < last.number:
        key.advance()

    def following():
        text = next(notes, None)
        if text is None:
            return None
        try:
            note = Note(text, trust)
        except ValueError as e:
            raise Bad("checkpoint", tree.size, f"a checkpoint {e}")
        if note.origin != origin:
            raise Bad("mixed", tree.size, "a checkpoint of another log")
        return note

    note = following()
    for number, body, prev, mac in entries:
        leaf, after = check_entry(number, body, prev, mac, tree.size + 1, link, key)
        tree.append(leaf)
        link_before, link, count = link, after, count + 1
        if not explained and b'"action":"segments-retired"' in body:
            entry = json.loads(body)
            if (entry["type"], entry["action"]) == ("system", "segments-retired"):
                said = max(said, entry["details"]["last"])
        while note and note.size <= tree.size:
            check_checkpoint(note, tree, link, link_before, last)
            last, checkpoints = note, checkpoints + 1
            if key:
                key.advance()
            note = following()
    if note:
        raise Bad("truncated", tree.size + 1, f"a checkpoint covers entries up to {note.size}")
    if head and head[0] != tree.size:
        raise Bad("truncated" if head[0] > tree.size else "inserted", min(head[0], tree.size) + 1, "the record of the log's end knows another size")
    if head and head[1] != link:
        raise Bad("edited", tree.size, "the record of the log's end remembers another chain value")
    if not explained and gone > said:
        raise Bad("deleted", said + 1, "no entry says that retention took them out")
    return {"intact": True, "entries": count, "checkpoints": checkpoints, "size": tree.size}


def kept_from(database, trust):
    """Where the kept entries begin, if retention has taken earlier ones out: the tree from the leaf hashes that stay, held against the signed checkpoint at its end."""
    first = database.execute("SELECT MIN(seq) FROM entries").fetchone()[0]
    oldest = database.execute("SELECT note FROM checkpoints ORDER BY number LIMIT 1").fetchone()
    if not isinstance(first, int) or first <= 1 or not oldest:
        return None
    at = Note(oldest[0].decode(errors="replace"), trust)
    if at.size != first - 1:
        return None
    tree = Tree()
    for (leaf,) in database.execute("SELECT hash FROM nodes WHERE level = 0 AND idx < ? ORDER BY idx", (at.size,)):
        tree.append(leaf)
    if tree.size != at.size or tree.root() != at.root:
        raise Bad("mixed", first, "the hashes that stay of what was taken out do not give the root of their checkpoint")
    return tree, at.link, at


def from_directory(directory, trust, key):
    database = sqlite3.connect(f"file:{os.path.join(directory, 'audit.db')}?mode=ro", uri=True)
    database.text_factory = bytes
    raw = lambda v: v if isinstance(v, bytes) else str(v).encode()
    origin = database.execute("SELECT origin FROM log").fetchone()[0].decode()
    entries = ((n, raw(b), raw(p), raw(m)) for n, b, p, m in database.execute("SELECT seq, body, prev, mac FROM entries ORDER BY seq"))
    start = kept_from(database, trust)
    notes = (n.decode(errors="replace") for (n,) in database.execute("SELECT note FROM checkpoints WHERE number > ? ORDER BY number", (start[2].number if start else 0,)))
    head = database.execute("SELECT size, link FROM head").fetchone()
    return verify(origin, entries, notes, trust, key, start, head, explained=not start)


def from_export(path, trust, key):
    with open(path, "rb") as file:
        header = json.loads(file.readline())
        if header.get("format") != "signet-audit-export-v1":
            raise ValueError("is not an export of this kind")
        if header["kind"] == "selection":
            return from_selection(header, file, trust)
        start = None
        if header["first"] > 1:
            at = Note(header["start"]["checkpoint"], trust)
            tree = Tree(header["first"] - 1, [unpadded(n) for n in header["start"]["nodes"]])
            if at.size != tree.size or at.root != tree.root():
                raise Bad("mixed", header["first"], "the export's beginning does not fit its checkpoint")
            start = (tree, at.link, at)
        notes, entries = [], []

        def lines():
            for line in file:
                if line.startswith(b'{"body":'):
                    body, rest = split_body(line)
                    yield rest["seq"], body, None, unpadded(rest["mac"])
                else:
                    notes.append(json.loads(line)["checkpoint"])

        # Checkpoints stand directly behind the entries they cover, so the list is filled just in time; to keep this simple it is read up front.
        entries = list(lines())
        return verify(header["origin"], entries, notes, trust, key, start)


def split_body(line):
    """The canonical bytes of the body, as they stand in the line, and the other members."""
    text = line.decode()
    _, end = json.JSONDecoder().raw_decode(text, 8)
    return text[8:end].encode(), json.loads("{" + text[end + 1:])


def from_selection(header, file, trust):
    at, count, last = Note(header["checkpoint"], trust), 0, 0
    for line in file:
        body, rest = split_body(line)
        number = rest["seq"]
        entry = json.loads(body)
        if entry["seq"] != number:
            raise Bad("edited", number, "its body says another number")
        if number <= last:
            raise Bad("order", number, "stands behind a later one or twice")
        if not included(sha(b"\x00" + body), number - 1, at.size, [unpadded(p) for p in rest["proof"]], at.root):
            raise Bad("edited", number, "its proof does not lead to the signed root")
        count, last = count + 1, number
    if count != header["count"]:
        raise Bad("truncated", last + 1, f"the export says {header['count']} entries and holds {count}")
    return {"intact": True, "entries": count, "checkpoints": 1, "size": at.size}


def included(leaf, index, size, path, root):
    """RFC 9162 2.1.3.2."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def read_trust(path):
    blocks = re.findall(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", open(path, "rb").read(), re.S)
    return [serialization.load_pem_public_key(block) for block in blocks]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("directory", nargs="?")
    arguments.add_argument("--file")
    arguments.add_argument("--trust")
    arguments.add_argument("--hmac-key")
    options = arguments.parse_args()
    try:
        trust = read_trust(options.trust or os.path.join(options.directory, "checkpoint.pub"))
        key = Key(base64.b64decode(open(options.hmac_key).read().split(" ")[1])) if options.hmac_key else None
        result = from_export(options.file, trust, key) if options.file else from_directory(options.directory, trust, key)
    except Bad as bad:
        print(json.dumps({"intact": False, "kind": bad.kind, "entry": bad.entry, "why": bad.why}))
        return 4
    except (ValueError, OSError, KeyError, sqlite3.Error, TypeError) as e:
        print(json.dumps({"intact": False, "kind": "unreadable", "why": str(e)}))
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
