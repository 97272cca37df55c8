#!/usr/bin/env python3
"""Makes keys.json (once) and the message vectors, with python3-cryptography and nothing of Signet's own code.

The stored vectors are the format: run this only to add vectors, and look at the difference before committing it.
    /usr/bin/python3 vectors/make_vectors.py [command|receipt|telemetry|status|heartbeat|data|sealed|manifest|quorum|replay ...]
Signatures are randomised, so a run changes the bytes of every signed vector, never a result.
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

HERE = pathlib.Path(__file__).parent
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
NOW = 1_800_000_000
EPOCH = 1_799_999_000
SUITES = {"PS256": "signet-ps256-1", "ES256": "signet-es256-1", "HS256": "signet-hs256-1"}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(value):
    """RFC 8785 for what the vectors hold: ASCII member names, integers and short decimals."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# ---- keys -----------------------------------------------------------------------------------------------------------

def certificate(key, name):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime(2026, 1, 1)).not_valid_after(datetime.datetime(2046, 1, 1))
            .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


def asymmetric(key, name, owner, algorithm):
    der = certificate(key, name)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return {"algorithm": algorithm, "owner": owner, "kid": b64(hashlib.sha256(der).digest()),
            "certificate": base64.b64encode(der).decode(), "privateKey": pem}


def shared(kid, owner, byte):
    return {"algorithm": "HS256", "owner": owner, "kid": kid, "secret": b64(bytes([byte]) * 32)}


def load_keys():
    """The keys of keys.json; those that are missing are made and added."""
    path = HERE / "keys.json"
    makers = {
        "center": lambda: asymmetric(rsa.generate_private_key(65537, 2048), "center_sign", "command_center", "PS256"),
        "center-es256": lambda: asymmetric(ec.generate_private_key(ec.SECP256R1()), "center_sign", "command_center", "ES256"),
        "center-hs256": lambda: shared("down.thermostat-1", "command_center", 1),
        "device": lambda: asymmetric(ec.generate_private_key(ec.SECP256R1()), "thermostat-1", "thermostat-1", "ES256"),
        "device-ps256": lambda: asymmetric(rsa.generate_private_key(65537, 2048), "thermostat-1", "thermostat-1", "PS256"),
        "device-hs256": lambda: shared("up.thermostat-1", "thermostat-1", 2),
        "stranger": lambda: asymmetric(rsa.generate_private_key(65537, 2048), "center_sign", "command_center", "PS256"),
        "sealing-ecdh": lambda: asymmetric(ec.generate_private_key(ec.SECP256R1()), "thermostat-1", "thermostat-1", "ECDH-ES"),
        "policy": lambda: asymmetric(ec.generate_private_key(ec.SECP256R1()), "policy", "policy", "ES256"),
        **{person: lambda person=person: asymmetric(ec.generate_private_key(ec.SECP256R1()), person, person, "ES256") for person in ("alice", "bob", "carol", "mallory")},
        "sealing-rsa": lambda: asymmetric(rsa.generate_private_key(65537, 2048), "thermostat-1", "thermostat-1", "RSA-OAEP-256"),
    }
    document = json.loads(path.read_text()) if path.exists() else {
        "about": "TEST KEYS. Published, so worth nothing: never pin one outside a test. A certificate's key id is the SHA-256 of its DER.", "keys": {}}
    missing = [name for name in makers if name not in document["keys"]]
    for name in missing:
        document["keys"][name] = makers[name]()
    if missing:
        path.write_text(json.dumps(document, indent=1) + "\n")
    return document["keys"]


KEYS = load_keys()


def private(name):
    return serialization.load_pem_private_key(KEYS[name]["privateKey"].encode(), None)


def ecdsa_numbers(name, data):
    return utils.decode_dss_signature(private(name).sign(data, ec.ECDSA(hashes.SHA256())))


def sign(name, data, algorithm=None):
    algorithm = algorithm or KEYS[name]["algorithm"]
    if algorithm == "PS256":
        return private(name).sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    if algorithm == "ES256":
        r, s = ecdsa_numbers(name, data)
        return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")
    return hmac.new(unb64(KEYS[name]["secret"]), data, hashlib.sha256).digest()


def jws(claims, key="center", typ="signet-command+jwt", header=None, payload=None, signer=None, signature=None):
    head = header if isinstance(header, bytes) else canonical({"alg": KEYS[key]["algorithm"], "kid": KEYS[key]["kid"], "typ": typ, **(header or {})})
    body = payload if payload is not None else canonical(claims)
    signed = f"{b64(head)}.{b64(body)}".encode()
    made = signature(signed) if signature else sign(signer or key, signed)
    return signed.decode() + "." + b64(made)


# ---- claims ---------------------------------------------------------------------------------------------------------

def command(key="center", **changes):
    claims = {"args": {}, "aud": "thermostat-1", "by": {"name": "alice", "role": "operator"}, "cmd": "read-temperature", "epoch": EPOCH,
              "exp": NOW + 20, "iat": NOW, "iss": "command_center", "jti": "01JQX4S8M0RSTVWXYZ23456789", "seq": 7,
              "suite": SUITES[KEYS[key]["algorithm"]], "topic": "signet/thermostat-1/command"}
    claims.update(changes)
    return {n: v for n, v in claims.items() if v is not ...}


def receipt(key="device", **changes):
    claims = {"aud": "command_center", "digest": b64(hashlib.sha256(b"command").digest()), "epoch": EPOCH, "iat": NOW, "iss": "thermostat-1",
              "jti": "01JQX4S8M1RSTVWXYZ23456789", "re": "01JQX4S8M0RSTVWXYZ23456789", "result": {"temperature": 21.5, "unit": "Cel"}, "seen": 42, "seq": 3,
              "state": "executed", "suite": SUITES[KEYS[key]["algorithm"]], "topic": "signet/thermostat-1/receipt"}
    if KEYS[key]["algorithm"] == "HS256":
        claims["evidence"] = "shared-key"
    claims.update(changes)
    return {n: v for n, v in claims.items() if v is not ...}


def telemetry(key="device", **changes):
    claims = {"epoch": EPOCH, "iat": NOW, "iss": "thermostat-1", "jti": "01JQX4S8M2RSTVWXYZ23456789", "name": "temperature", "seq": 4,
              "suite": SUITES[KEYS[key]["algorithm"]], "topic": "signet/thermostat-1/telemetry/temperature", "unit": "Cel", "value": 21.5}
    claims.update(changes)
    return {n: v for n, v in claims.items() if v is not ...}


def data(key="device", **changes):
    claims = {"data": b64(b"21.5"), "epoch": EPOCH, "iat": NOW, "iss": "thermostat-1", "jti": "01JQX4S8M4RSTVWXYZ23456789", "seq": 5,
              "suite": SUITES[KEYS[key]["algorithm"]], "topic": "plant/hall 2/temperature"}
    claims.update(changes)
    return {n: v for n, v in claims.items() if v is not ...}


def status(key="device", **changes):
    claims = {"details": {"kind": "thermostat"}, "epoch": EPOCH, "iat": NOW, "iss": "thermostat-1", "jti": "01JQX4S8M3RSTVWXYZ23456789", "seq": 1,
              "state": "online", "suite": SUITES[KEYS[key]["algorithm"]], "topic": "signet/thermostat-1/status"}
    claims.update(changes)
    return {n: v for n, v in claims.items() if v is not ...}


def data_vectors():
    c = Collection("data", "plant/hall 2/temperature", None, ["device", "device-hs256"])
    typ = "signet-data+jwt"
    good = jws(data(), "device", typ)
    c.add("ES256", "accepted", good)
    c.add("HS256", "accepted", jws(data("device-hs256"), "device-hs256", typ))
    c.add("no bytes of data", "accepted", jws(data(data=""), "device", typ))
    c.add("data with padding", "malformed", jws(data(data="MjEuNQ=="), "device", typ))
    c.add("data with unused bits set", "malformed", jws(data(data="MjEuNR"), "device", typ))
    c.add("data that is no text", "malformed", jws(data(data=21.5), "device", typ))
    c.add("an audience", "malformed", jws(data(aud="thermostat-1"), "device", typ))
    c.add("a filter as topic", "malformed", jws(data(topic="plant/+/temperature"), "device", typ))
    c.add("a reading's typ", "malformed", jws(data(), "device", "signet-telemetry+jwt"))
    c.add("another topic than it arrived on", "wrong-topic", jws(data(topic="plant/hall 3/temperature"), "device", typ))
    c.add("another sender's name", "unknown-key", jws(data(iss="thermostat-2"), "device", typ))
    c.add("the shared key under ES256's name", "algorithm-not-allowed", jws(data("device-hs256"), "device-hs256", typ, header={"alg": "ES256"}))
    c.add("a bit of the data changed", "bad-signature", ".".join([good.split(".")[0], b64(canonical(data(data=b64(b"99.9")))), good.split(".")[2]]))
    c.add("from the future", "issued-in-future", jws(data(iat=NOW + 6), "device", typ))
    c.add("too old", "expired", jws(data(iat=NOW - 31), "device", typ))
    c.write()


class Collection:
    """One file of vectors: a receiver, and messages with what it must say to each."""

    def __init__(self, kind, topic, audience, ring):
        self.document = {"about": f"What a receiver of {kind} messages must say to each. `ring`: the keys of keys.json it has pinned, with their owners and algorithms. "
                                  "`padding`: that many letters A follow the message. An accepted vector's payload is canonical (RFC 8785).",
                         "kind": kind, "topic": topic, "audience": audience, "ring": ring, "now": NOW, "vectors": []}

    def add(self, name, expect, message, **settings):
        assert all(v["name"] != name for v in self.document["vectors"]), name
        self.document["vectors"].append({"name": name, "expect": expect, **settings, "message": message})

    def write(self):
        path = HERE / f"{self.document['kind']}.json"
        path.write_text(json.dumps(self.document, indent=1) + "\n")
        print(path.name, len(self.document["vectors"]))


# ---- command --------------------------------------------------------------------------------------------------------

def command_vectors():
    c = Collection("command", "signet/thermostat-1/command", "thermostat-1", ["center", "center-es256", "center-hs256", "device"])
    good = jws(command())
    head, body, tail = good.split(".")

    c.add("PS256, as the center sends it", "accepted", good)
    c.add("ES256", "accepted", jws(command("center-es256"), "center-es256"))
    c.add("HS256", "accepted", jws(command("center-hs256"), "center-hs256"))
    c.add("arguments of every type", "accepted", jws(command(args={"a": [1, -1, 0.5, True, None, "x"], "b": {"c": {}}, "d": "\u20ac\U0001F600\n\"\\"})))
    c.add("greatest epoch and sequence", "accepted", jws(command(epoch=2**53 - 1, seq=2**53 - 1)))
    c.add("as old as allowed", "accepted", jws(command(iat=NOW - 30)))
    c.add("as far ahead as allowed", "accepted", jws(command(iat=NOW + 5)))
    c.add("in its last second", "accepted", jws(command(iat=NOW - 5, exp=NOW)))

    c.add("no bytes", "malformed", "")
    c.add("one part", "malformed", head)
    c.add("two parts", "malformed", f"{head}.{body}")
    c.add("four parts", "malformed", good + ".AAAA")
    c.add("two dots only", "malformed", "..")
    c.add("an empty header", "malformed", f".{body}.{tail}")
    c.add("padding", "malformed", good + "=")
    c.add("a newline at the end", "malformed", good + "\n")
    c.add("a space inside", "malformed", f"{head}. {body}.{tail}")
    c.add("the other base64 alphabet", "malformed", f"{head}.{body}.{tail[:-1]}+")
    spare = tail[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(tail[-1]) | 1]
    c.add("unused bits of base64 set", "malformed", f"{head}.{body}.{spare}")
    c.add("JSON serialization of the JWS", "malformed", json.dumps({"payload": body, "protected": head, "signature": tail}))
    c.add("larger than the limit", "too-large", good, padding=65_536)

    kid = KEYS["center"]["kid"]
    c.add("header with white space", "malformed", jws(command(), header=f'{{"alg":"PS256", "kid":"{kid}","typ":"signet-command+jwt"}}'.encode()))
    c.add("header not sorted", "malformed", jws(command(), header=f'{{"kid":"{kid}","alg":"PS256","typ":"signet-command+jwt"}}'.encode()))
    c.add("header with alg twice", "malformed", jws(command(), header=f'{{"alg":"PS256","alg":"none","kid":"{kid}","typ":"signet-command+jwt"}}'.encode()))
    c.add("header with an escaped letter", "malformed", jws(command(), header=f'{{"alg":"PS\\u0032\\u00356","kid":"{kid}","typ":"signet-command+jwt"}}'.encode()))
    c.add("header that is no object", "malformed", jws(command(), header=b'["PS256"]'))
    c.add("unknown critical header", "malformed", jws(command(), header={"crit": ["exp"]}))
    c.add("embedded key (jwk)", "malformed", jws(command(), header={"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}))
    c.add("embedded certificate (x5c)", "malformed", jws(command(), header={"x5c": [KEYS["stranger"]["certificate"]]}, signer="stranger"))
    c.add("key address (jku)", "malformed", jws(command(), header={"jku": "https://127.0.0.1/keys"}))
    c.add("unencoded payload (b64)", "malformed", jws(command(), header={"b64": False}))
    c.add("compression (zip)", "malformed", jws(command(), header={"zip": "DEF"}))
    c.add("no typ", "malformed", jws(command(), header=f'{{"alg":"PS256","kid":"{kid}"}}'.encode()))
    c.add("typ of a plain JWT", "malformed", jws(command(), typ="JWT"))
    c.add("typ of a receipt", "malformed", jws(command(), typ="signet-receipt+jwt"))
    c.add("typ in other letters", "malformed", jws(command(), typ="Signet-Command+JWT"))
    c.add("alg that is no text", "malformed", jws(command(), header={"alg": 256}))
    c.add("a header of a thousand bytes", "malformed", jws(command(), header={"kid": "A" * 1000}))
    c.add("key id that is a path", "malformed", jws(command(), header={"kid": "../../etc/passwd"}))
    c.add("key id that is a query", "malformed", jws(command(), header={"kid": "x' OR '1'='1"}))
    c.add("key id empty", "malformed", jws(command(), header={"kid": ""}))

    c.add("a stranger's key", "unknown-key", jws(command("stranger"), "stranger"))
    c.add("key id in other letters", "unknown-key", jws(command(), header={"kid": kid.swapcase()}))
    c.add("a device speaks as the center", "unknown-key", jws(command("device"), "device"))
    c.add("the center speaks as a device", "unknown-key", jws(command(iss="thermostat-1")))

    c.add("alg none, no signature", "algorithm-not-allowed", jws(command(), header={"alg": "none"}, signature=lambda _: b""))
    c.add("alg none in other letters", "algorithm-not-allowed", jws(command(), header={"alg": "nOnE"}, signature=lambda _: b""))
    pem = private("center").public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    c.add("HMAC with the public key", "algorithm-not-allowed", jws(command(), header={"alg": "HS256"}, signature=lambda d: hmac.new(pem, d, hashlib.sha256).digest()))
    c.add("RS256 with the right key", "algorithm-not-allowed",
          jws(command(), header={"alg": "RS256"}, signature=lambda d: private("center").sign(d, padding.PKCS1v15(), hashes.SHA256())))
    c.add("PS512 with the right key", "algorithm-not-allowed",
          jws(command(), header={"alg": "PS512"}, signature=lambda d: private("center").sign(d, padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())))
    c.add("ES256 named for an RSA key", "algorithm-not-allowed", jws(command(), header={"alg": "ES256"}))
    c.add("suite of another algorithm inside", "algorithm-not-allowed", jws(command(suite="signet-hs256-1")))
    c.add("suite of another version inside", "algorithm-not-allowed", jws(command(suite="signet-ps256-0")))

    c.add("empty signature", "bad-signature", f"{head}.{body}.")
    c.add("signature cut short", "bad-signature", f"{head}.{body}.{b64(unb64(tail)[:-1])}")
    c.add("signature with a byte more", "bad-signature", f"{head}.{body}.{b64(unb64(tail) + bytes(1))}")
    c.add("signature of another command", "bad-signature", f"{head}.{body}.{jws(command(cmd='restart')).split('.')[2]}")
    c.add("payload of another command", "bad-signature", f"{head}.{b64(canonical(command(cmd='restart')))}.{tail}")
    c.add("signature by a stranger under the center's key id", "bad-signature", jws(command(), signer="stranger"))
    c.add("PSS with an empty salt", "bad-signature", jws(command(), signature=lambda d: private("center").sign(d, padding.PSS(padding.MGF1(hashes.SHA256()), 0), hashes.SHA256())))
    c.add("PKCS#1 v1.5 under the name PS256", "bad-signature", jws(command(), signature=lambda d: private("center").sign(d, padding.PKCS1v15(), hashes.SHA256())))

    def high(data):
        r, s = ecdsa_numbers("center-es256", data)
        return r.to_bytes(32, "big") + max(s, P256_ORDER - s).to_bytes(32, "big")

    def der(data):
        return private("center-es256").sign(data, ec.ECDSA(hashes.SHA256()))
    es = command("center-es256")
    c.add("ES256 with S in the upper half", "bad-signature", jws(es, "center-es256", signature=high))
    c.add("ES256 in DER", "bad-signature", jws(es, "center-es256", signature=der))
    c.add("ES256 of zeros", "bad-signature", jws(es, "center-es256", signature=lambda _: bytes(64)))
    c.add("HS256 cut to half", "bad-signature", jws(command("center-hs256"), "center-hs256", signature=lambda d: sign("center-hs256", d)[:16]))
    c.add("HS256 with the other direction's key", "bad-signature", jws(command("center-hs256"), "center-hs256", signer="device-hs256"))

    def raw(text):
        return jws(None, payload=text.encode() if isinstance(text, str) else text)
    plain = canonical(command()).decode()
    c.add("signed: white space", "malformed", raw(plain.replace(",", ", ", 1)))
    c.add("signed: not sorted", "malformed", raw('{"cmd":"read-temperature",' + plain[1:].replace('"cmd":"read-temperature",', "")))
    c.add("signed: a name twice", "malformed", raw(plain.replace('"seq":7', '"seq":7,"seq":8')))
    c.add("signed: a byte order mark", "malformed", raw("\ufeff" + plain))
    c.add("signed: not UTF-8", "malformed", raw(plain.encode().replace(b"alice", b"al\xffce")))
    c.add("signed: an overlong encoding", "malformed", raw(plain.encode().replace(b"alice", b"al\xc1\xa9ce")))
    c.add("signed: a lone surrogate", "malformed", raw(plain.replace("alice", "al\\ud800ce")))
    c.add("signed: an escape that is not needed", "malformed", raw(plain.replace("alice", "al\\u0069ce")))
    c.add("signed: a slash escaped", "malformed", raw(plain.replace("signet/", "signet\\/")))
    c.add("signed: text after the object", "malformed", raw(plain + "{}"))
    c.add("signed: an array", "malformed", raw(f"[{plain}]"))
    c.add("signed: nothing", "malformed", raw(""))
    c.add("signed: number spelled 7.0", "malformed", raw(plain.replace('"seq":7', '"seq":7.0')))
    c.add("signed: number spelled 7e0", "malformed", raw(plain.replace('"seq":7', '"seq":7e0')))
    c.add("signed: number spelled 07", "malformed", raw(plain.replace('"seq":7', '"seq":07')))
    c.add("signed: minus zero", "malformed", raw(plain.replace('"args":{}', '"args":{"x":-0}')))
    c.add("signed: NaN", "malformed", raw(plain.replace('"args":{}', '"args":{"x":NaN}')))
    c.add("signed: a number beyond doubles", "malformed", raw(plain.replace('"args":{}', '"args":{"x":1e400}')))
    c.add("signed: a number of a thousand digits", "malformed", raw(plain.replace('"args":{}', '"args":{"x":' + "9" * 1000 + "}")))
    c.add("signed: an integer no double holds", "malformed", raw(plain.replace('"args":{}', '"args":{"x":9007199254740993}')))
    c.add("signed: seventeen levels", "malformed", raw(plain.replace('"args":{}', '"args":' + '{"a":' * 16 + "1" + "}" * 16)))
    c.add("signed: ten thousand levels", "malformed", raw(plain.replace('"args":{}', '"args":{"a":' + "[" * 10_000 + "]" * 10_000 + "}")))
    c.add("signed: three thousand elements", "malformed", raw(plain.replace('"args":{}', '"args":{"a":[' + ",".join("1" * 3000) + "]}")))
    c.add("an unknown claim", "malformed", jws(command(extra=1)))
    for name in sorted(command()):
        c.add(f"no {name}", "malformed", jws(command(**{name: ...})))
    for name, value, label in [
            ("aud", ["thermostat-1"], "a list"), ("aud", None, "null"), ("aud", "", "empty"), ("aud", "Thermostat-1", "with a capital"), ("aud", "command_center", "a name of the house"), ("args", [], "a list"), ("args", "{}", "a text"),
            ("by", "alice", "a text"), ("by", {"name": "alice"}, "without role"), ("by", {"name": "alice", "role": "operator", "x": 1}, "with more"), ("by", {"name": "al\u202eice", "role": "operator"}, "with a direction override"),
            ("cmd", "", "empty"), ("cmd", "Read", "with a capital"), ("cmd", "a/b", "with a slash"), ("cmd", "a" * 65, "too long"), ("epoch", 0, "zero"), ("epoch", -1, "negative"), ("epoch", 2**53, "too large"), ("epoch", "1", "a text"),
            ("seq", 0, "zero"), ("seq", 1.5, "a fraction"), ("seq", True, "true"), ("seq", 2**53, "too large"), ("iat", NOW + 0.5, "a fraction"), ("iat", -1, "before 1970"), ("iat", 253402300800, "after the year 9999"),
            ("exp", NOW, "not after iat"), ("exp", NOW + 86_401, "more than a day after iat"), ("jti", "01jqx4s8m0rstvwxyz23456789", "in lower case"), ("jti", "81JQX4S8M0RSTVWXYZ23456789", "above 128 bits"), ("jti", "", "empty"),
            ("iss", "command center", "with a space"), ("topic", 1, "a number"), ("topic", "a" * 146, "too long"), ("suite", None, "null")]:
        c.add(f"{name} {label}", "malformed", jws(command(**{name: value})))

    c.add("after the certificate's end", "certificate-expired", jws(command(iat=2_400_000_000, exp=2_400_000_020)), now=2_400_000_000)
    c.add("before the certificate's beginning", "certificate-expired", jws(command(iat=1_700_000_000, exp=1_700_000_020)), now=1_700_000_000)
    c.add("meant for another device", "wrong-audience", jws(command(aud="door-1", topic="signet/door-1/command")))
    c.add("meant for another device, this one's topic", "wrong-audience", jws(command(aud="door-1")))
    c.add("signed for another topic", "wrong-topic", jws(command(topic="signet/door-1/command")))
    c.add("arrived on another device's topic, signed for it", "wrong-topic", jws(command(topic="signet/door-1/command")), topic="signet/door-1/command")
    c.add("arrived on another topic", "wrong-topic", good, topic="signet/thermostat-1/checkpoint")
    c.add("5000 s ahead", "issued-in-future", jws(command(iat=NOW + 5000, exp=NOW + 5020)))
    c.add("6 s ahead", "issued-in-future", jws(command(iat=NOW + 6)))
    c.add("600 s old", "expired", jws(command(iat=NOW - 600, exp=NOW + 600)))
    c.add("31 s old", "expired", jws(command(iat=NOW - 31)))
    c.add("past its end by a second", "expired", jws(command(iat=NOW - 5, exp=NOW - 1)))
    c.add("from 1970", "expired", jws(command(iat=0, exp=20)))
    c.write()


# ---- receipt, telemetry, status -------------------------------------------------------------------------------------

def receipt_vectors():
    c = Collection("receipt", "signet/thermostat-1/receipt", "command_center", ["device", "device-ps256", "device-hs256", "center"])

    def make(key="device", **changes):
        return jws(receipt(key, **changes), key, "signet-receipt+jwt")
    c.add("executed, ES256", "accepted", make())
    c.add("executed, PS256", "accepted", make("device-ps256"))
    c.add("executed, HS256", "accepted", make("device-hs256"))
    c.add("accepted", "accepted", make(state="accepted", result={}))
    c.add("failed", "accepted", make(state="failed", result={"error": "the valve is stuck"}))
    c.add("interrupted", "accepted", make(state="interrupted", result={}))
    c.add("rejected as replayed", "accepted", make(state="rejected", reason="replayed", result={"detail": "sequence 7 was seen before"}))
    c.add("rejected, command not readable", "accepted", make(state="rejected", reason="malformed", re="", result={}))
    c.add("no checkpoint seen", "accepted", make(seen=0))
    for name in sorted(receipt()):
        c.add(f"no {name}", "malformed", make(**{name: ...}))
    c.add("rejected without a reason", "malformed", make(state="rejected"))
    c.add("executed with a reason", "malformed", make(reason="replayed"))
    c.add("a reason nobody knows", "malformed", make(state="rejected", reason="bad-luck"))
    c.add("the reason none", "malformed", make(state="rejected", reason="none"))
    c.add("a state nobody knows", "malformed", make(state="done"))
    c.add("executed, but no command named", "malformed", make(re=""))
    c.add("digest too short", "malformed", make(digest="AAAA"))
    c.add("digest with unused bits", "malformed", make(digest="A" * 42 + "B"))
    c.add("seen negative", "malformed", make(seen=-1))
    c.add("evidence on a signature", "malformed", make(evidence="shared-key"))
    c.add("HS256 that hides its evidence", "malformed", make("device-hs256", evidence=...))
    c.add("HS256 that calls it a signature", "malformed", make("device-hs256", evidence="signature"))
    c.add("the center signs a receipt", "unknown-key", jws(receipt("center"), "center", "signet-receipt+jwt"))
    c.add("a command instead", "malformed", jws(command()))
    c.add("meant for another center", "wrong-audience", make(aud="other_center"))
    c.add("on another device's topic", "wrong-topic", make(topic="signet/door-1/receipt"), topic="signet/door-1/receipt")
    c.add("signed for another topic", "wrong-topic", make(topic="signet/thermostat-1/status"))
    c.add("600 s old", "expired", make(iat=NOW - 600))
    c.add("600 s old, for a receiver that takes any age", "accepted", make(iat=NOW - 600), anyAge=True)
    c.add("6 s ahead", "issued-in-future", make(iat=NOW + 6))
    c.write()


def telemetry_vectors():
    c = Collection("telemetry", "signet/thermostat-1/telemetry/temperature", None, ["device", "device-hs256", "center"])

    def make(key="device", **changes):
        return jws(telemetry(key, **changes), key, "signet-telemetry+jwt")
    c.add("a number with a unit", "accepted", make())
    c.add("HS256", "accepted", make("device-hs256"))
    c.add("a text", "accepted", make(value="warm", unit=...))
    c.add("a truth value", "accepted", make(value=True, unit=...))
    c.add("an integer", "accepted", make(value=-40))
    for name in sorted(set(telemetry()) - {"unit"}):
        c.add(f"no {name}", "malformed", make(**{name: ...}))
    c.add("null as value", "malformed", make(value=None))
    c.add("an object as value", "malformed", make(value={}))
    c.add("a text of 4097 characters", "malformed", make(value="a" * 4097))
    c.add("an empty unit", "malformed", make(unit=""))
    c.add("a unit of 17 characters", "malformed", make(unit="a" * 17))
    c.add("an audience", "malformed", make(aud="command_center"))
    c.add("signed for another reading", "wrong-topic", make(name="humidity"))
    c.add("arrived as another reading", "wrong-topic", make(), topic="signet/thermostat-1/telemetry/humidity")
    c.add("in another device's name", "unknown-key", make(iss="door-1"))
    c.add("600 s old", "expired", make(iat=NOW - 600))
    c.write()


def status_vectors():
    c = Collection("status", "signet/thermostat-1/status", None, ["device", "center"])

    def make(**changes):
        return jws(status(**changes), "device", "signet-status+jwt")
    c.add("online", "accepted", make())
    c.add("a last will, signed an hour ago", "accepted", make(state="offline", iat=NOW - 3600, seq=2), anyAge=True)
    c.add("an hour old, for a receiver that wants it fresh", "expired", make(iat=NOW - 3600))
    for name in sorted(status()):
        c.add(f"no {name}", "malformed", make(**{name: ...}))
    c.add("a state nobody knows", "malformed", make(state="sleeping"))
    c.add("details that are no object", "malformed", make(details="thermostat"))
    c.add("on another device's topic", "wrong-topic", make(topic="signet/door-1/status"), topic="signet/door-1/status")
    c.add("6 s ahead, whatever the age", "issued-in-future", make(iat=NOW + 6), anyAge=True)
    c.write()


def heartbeat(key="device", **changes):
    claims = {"aud": "command_center", "epoch": EPOCH, "heard": 3, "iat": NOW, "iss": "thermostat-1", "jti": "01JQX4S8M0RSTVWXYZ23456789", "next": 30, "readings": 120, "sent": 3, "seq": 7, "since": 1,
              "suite": SUITES[KEYS[key]["algorithm"]], "topic": "signet/thermostat-1/telemetry/heartbeat"}
    claims.update(changes)
    return {name: value for name, value in claims.items() if value is not ...}


def heartbeat_vectors():
    c = Collection("heartbeat", "signet/thermostat-1/telemetry/heartbeat", "command_center", ["device", "center"])

    def make(key="device", **changes):
        return jws(heartbeat(key, **changes), key, "signet-heartbeat+jwt")
    c.add("a device's", "accepted", make())
    c.add("nothing sent or heard", "accepted", make(sent=0, heard=0, readings=0))
    c.add("the longest promise", "accepted", make(next=3600))
    for name in sorted(heartbeat()):
        c.add(f"no {name}", "malformed", make(**{name: ...}))
    c.add("a promise of no time", "malformed", make(next=0))
    c.add("a promise of more than an hour", "malformed", make(next=3601))
    c.add("fewer than none", "malformed", make(sent=-1))
    c.add("since nothing", "malformed", make(since=0))
    c.add("an unknown claim", "malformed", make(more=1))
    c.add("the center's own, come back", "wrong-audience", jws(heartbeat("center", iss="command_center", aud="thermostat-1", topic="signet/thermostat-1/checkpoint"), "center", "signet-heartbeat+jwt"))
    c.add("for another center", "wrong-audience", make(aud="other_center"))
    c.add("in another device's name", "unknown-key", make(iss="door-1"))
    c.add("a reading's typ", "malformed", jws(heartbeat(), "device", "signet-telemetry+jwt"))
    c.add("on the topic of another reading", "wrong-topic", make(), topic="signet/thermostat-1/telemetry/temperature")
    c.add("600 s old", "expired", make(iat=NOW - 600))
    c.write()


# ---- sealed ---------------------------------------------------------------------------------------------------------

SEALING = {"sealing-ecdh": ("ECDH-ES", "signet-ecdh-es-1"), "sealing-rsa": ("RSA-OAEP-256", "signet-rsa-oaep-256-1")}


def concat_kdf(secret, algorithm=b"A256GCM"):
    def field(data):
        return len(data).to_bytes(4, "big") + data
    return hashlib.sha256((1).to_bytes(4, "big") + secret + field(algorithm) + field(b"") + field(b"") + (256).to_bytes(4, "big")).digest()


def seal(signed, to="sealing-ecdh", header=None, edit=None, nonce=None, aad=None, content_key=None, encrypted_key=None):
    """A compact JWE around a compact JWS. `header` adds or replaces members (... removes one); `edit` changes the list of parts at the end."""
    algorithm, suite = SEALING[to]
    public = private(to).public_key()
    head = {"alg": algorithm, "aud": "thermostat-1", "cty": "JWT", "enc": "A256GCM", "kid": KEYS[to]["kid"], "suite": suite,
            "topic": "signet/thermostat-1/command", "typ": "signet-sealed+jwe"}
    if algorithm == "ECDH-ES":
        own = ec.generate_private_key(ec.SECP256R1())
        numbers = own.public_key().public_numbers()
        head["epk"] = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
        cek, wrapped = concat_kdf(own.exchange(ec.ECDH(), public)), b""
    else:
        cek = content_key or os.urandom(32)
        wrapped = public.encrypt(cek, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    head.update(header or {})
    first = b64(canonical({n: v for n, v in head.items() if v is not ...}))
    iv = nonce or os.urandom(12)
    sealed = AESGCM(cek).encrypt(iv, signed.encode(), (aad or first).encode()) if len(cek) in (16, 32) else b"x" * 32
    parts = [first, b64(encrypted_key if encrypted_key is not None else wrapped), b64(iv), b64(sealed[:-16]), b64(sealed[-16:])]
    if edit:
        edit(parts)
    return ".".join(parts)


def sealed_vectors():
    c = Collection("sealed", "signet/thermostat-1/command", "thermostat-1", ["center"])
    c.document["about"] += " A sealed message is opened with the key named by `opensWith` (default sealing-ecdh), then verified as a command."
    inner = jws(command())

    def change(index, value):
        return lambda parts: parts.__setitem__(index, value(parts[index]))

    def flipped(text):
        data = bytearray(unb64(text))
        data[0] ^= 1
        return b64(bytes(data))
    c.add("ECDH-ES", "accepted", seal(inner))
    c.add("RSA-OAEP-256", "accepted", seal(inner, "sealing-rsa"), opensWith="sealing-rsa")
    c.add("no bytes", "malformed", "")
    c.add("not sealed", "malformed", inner)
    c.add("six parts", "malformed", seal(inner) + ".AAAA")
    c.add("padding", "malformed", seal(inner) + "=")
    c.add("larger than the limit", "too-large", seal(inner), padding=65_536)
    for name, value in [("alg", ...), ("aud", ...), ("cty", ...), ("enc", ...), ("epk", ...), ("kid", ...), ("suite", ...), ("topic", ...), ("typ", ...), ("zip", "DEF"), ("crit", ["exp"]), ("apu", "AAAA"), ("apv", "AAAA"), ("p2c", 1),
                        ("enc", "A128GCM"), ("enc", "A256CBC-HS512"), ("cty", "jwt"), ("typ", "JOSE"), ("epk", {}), ("epk", {"crv": "P-384", "kty": "EC", "x": b64(bytes(32)), "y": b64(bytes(32))}), ("kid", "a/b")]:
        label = "without" if value is ... else f"with {json.dumps(value)} as"
        c.add(f"header {label} {name}", "malformed", seal(inner, header={name: value}))
    c.add("a nonce of eleven bytes", "malformed", seal(inner, edit=change(2, lambda _: b64(bytes(11)))))
    c.add("a tag of twelve bytes", "malformed", seal(inner, edit=change(4, lambda t: b64(unb64(t)[:12]))))
    c.add("sealed to another key", "unknown-key", seal(inner, "sealing-rsa"))
    c.add("the other algorithm named for this key", "algorithm-not-allowed", seal(inner, "sealing-rsa", header={"kid": KEYS["sealing-ecdh"]["kid"]}))
    c.add("alg dir", "malformed", seal(inner, header={"alg": "dir"}))
    c.add("alg RSA1_5 for an RSA key", "algorithm-not-allowed", seal(inner, "sealing-rsa", header={"alg": "RSA1_5"}), opensWith="sealing-rsa")
    c.add("a suite of another version", "algorithm-not-allowed", seal(inner, header={"suite": "signet-ecdh-es-0"}))
    c.add("for another receiver", "wrong-audience", seal(inner, header={"aud": "door-1"}))
    c.add("for another topic", "wrong-topic", seal(inner, header={"topic": "signet/thermostat-1/checkpoint"}))
    c.add("arrived on another topic", "wrong-topic", seal(inner), topic="signet/thermostat-1/checkpoint")
    c.add("a bit of the content changed", "cannot-decrypt", seal(inner, edit=change(3, flipped)))
    c.add("a bit of the tag changed", "cannot-decrypt", seal(inner, edit=change(4, flipped)))
    c.add("a bit of the nonce changed", "cannot-decrypt", seal(inner, edit=change(2, flipped)))
    c.add("the header of another envelope", "cannot-decrypt", seal(inner, "sealing-rsa", edit=change(0, lambda _: seal(inner, "sealing-rsa", header={"topic": "signet/thermostat-1/checkpoint"}).split(".")[0])),
          opensWith="sealing-rsa", topic="signet/thermostat-1/checkpoint")
    c.add("the key blob of another envelope to the same key", "cannot-decrypt", seal(inner, "sealing-rsa", edit=change(1, lambda _: seal(inner, "sealing-rsa").split(".")[1])), opensWith="sealing-rsa")
    c.add("header not authenticated", "cannot-decrypt", seal(inner, aad="x"))
    c.add("an ephemeral key that is not on the curve", "cannot-decrypt", seal(inner, header={"epk": {"crv": "P-256", "kty": "EC", "x": b64(bytes(31) + b"\x01"), "y": b64(bytes(31) + b"\x01")}}))
    c.add("an ephemeral key of zeros", "cannot-decrypt", seal(inner, header={"epk": {"crv": "P-256", "kty": "EC", "x": b64(bytes(32)), "y": b64(bytes(32))}}))
    c.add("an encrypted key where there is none", "cannot-decrypt", seal(inner, encrypted_key=bytes(32)))
    c.add("the content key wrapped in PKCS#1 v1.5", "cannot-decrypt", seal(inner, "sealing-rsa", encrypted_key=private("sealing-rsa").public_key().encrypt(bytes(32), padding.PKCS1v15())), opensWith="sealing-rsa")
    c.add("the content key wrapped with OAEP and SHA-1", "cannot-decrypt",
          seal(inner, "sealing-rsa", encrypted_key=private("sealing-rsa").public_key().encrypt(bytes(32), padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))), opensWith="sealing-rsa")
    c.add("a content key of sixteen bytes", "cannot-decrypt", seal(inner, "sealing-rsa", content_key=bytes(16)), opensWith="sealing-rsa")
    c.add("an encrypted key of no bytes", "cannot-decrypt", seal(inner, "sealing-rsa", encrypted_key=b""), opensWith="sealing-rsa")
    c.add("sealed text that is no message", "malformed", seal("hello"))
    c.add("sealed twice", "malformed", seal(seal(inner)))
    c.add("sealed, signed by a stranger", "unknown-key", seal(jws(command("stranger"), "stranger")))
    c.add("sealed again for this device, signed for another", "wrong-audience", seal(jws(command(aud="door-1", topic="signet/door-1/command"))))
    c.add("sealed here, signed for another topic", "wrong-topic", seal(jws(command(topic="signet/door-1/command"))))
    c.add("sealed and 600 s old", "expired", seal(jws(command(iat=NOW - 600, exp=NOW + 600))))
    c.write()


# ---- manifest and approvals -----------------------------------------------------------------------------------------

PROPOSAL = "01JQX4S8M4RSTVWXYZ23456789"


def manifest(**changes):
    claims = {"approvers": [{"certificate": b64(base64.b64decode(KEYS[p]["certificate"])), "person": p} for p in ("alice", "bob", "carol")], "aud": "thermostat-1",
              "classes": [{"approvers": ["alice", "bob", "carol"], "commands": ["unlock"], "name": "critical", "needed": 2, "requesterCounts": False}],
              "commands": ["read-temperature", "unlock"], "iat": NOW, "iss": "policy", "jti": "01JQX4S8M5RSTVWXYZ23456789", "sealed": False,
              "suite": "signet-es256-1", "suites": [{"name": "signet-es256-1", "until": NOW + 1000}, {"name": "signet-ps256-1"}], "version": 3}
    claims.update(changes)
    return {n: v for n, v in claims.items() if v is not ...}


def approval(person, **changes):
    claims = {"args": {"minutes": 5}, "class": "critical", "cmd": "unlock", "devices": ["door-1", "thermostat-1"], "exp": NOW + 3600, "iat": NOW - 3600, "iss": person,
              "jti": "01JQX4S8M6RSTVWXYZ23456789", "proposal": PROPOSAL, "requester": "dave", "suite": "signet-es256-1"}
    claims.update(changes)
    return {n: v for n, v in claims.items() if v is not ...}


def manifest_vectors():
    c = Collection("manifest", "", "thermostat-1", ["policy", "center-es256"])

    def make(key="policy", **changes):
        return jws(manifest(**changes), key, "signet-manifest+jwt")

    def with_class(**changes):
        return [{**manifest()["classes"][0], **changes}]
    c.add("a class, two suites, three people", "accepted", make())
    c.add("nothing allowed", "accepted", make(commands=[], classes=[], approvers=[]))
    c.add("any age", "accepted", make(iat=NOW - 100_000_000))
    for name in sorted(manifest()):
        c.add(f"no {name}", "malformed", make(**{name: ...}))
    c.add("version zero", "malformed", make(version=0))
    c.add("commands not sorted", "malformed", make(commands=["unlock", "read-temperature"]))
    c.add("a command twice", "malformed", make(commands=["unlock", "unlock"]))
    c.add("suites not sorted", "malformed", make(suites=[{"name": "signet-ps256-1"}, {"name": "signet-es256-1"}]))
    c.add("an empty list of suites", "malformed", make(suites=[]))
    c.add("a suite nobody knows", "malformed", make(suites=[{"name": "signet-rot13-1"}]))
    c.add("a class that needs nobody", "malformed", make(classes=with_class(needed=0)))
    c.add("a class that needs more people than it names", "malformed", make(classes=with_class(needed=4)))
    c.add("a command in two classes", "malformed", make(classes=with_class() + with_class(name="other")))
    c.add("a class with an unknown member", "malformed", make(classes=with_class(extra=1)))
    c.add("an approver without a certificate", "malformed", make(approvers=[{"person": "alice"}]))
    c.add("an approver's certificate that is none", "malformed", make(approvers=[{"certificate": b64(b"hello"), "person": "alice"}]))
    rules = [{"arguments": [{"choices": ["fast", "slow"], "name": "mode", "optional": True, "type": "choice"}, {"least": 0, "most": 3000, "name": "rpm", "type": "integer"}], "command": "set-speed"}]
    c.add("rules for the arguments of a command", "accepted", make(arguments=rules))
    c.add("a command that takes no arguments", "accepted", make(arguments=[{"arguments": [], "command": "unlock"}]))
    c.add("an empty list of rules", "malformed", make(arguments=[]))
    c.add("a command with two rules", "malformed", make(arguments=rules + rules))
    c.add("an argument of no type", "malformed", make(arguments=[{"arguments": [{"name": "rpm", "type": "date"}], "command": "set-speed"}]))
    c.add("an integer without bounds", "malformed", make(arguments=[{"arguments": [{"name": "rpm", "type": "integer"}], "command": "set-speed"}]))
    c.add("bounds the wrong way round", "malformed", make(arguments=[{"arguments": [{"least": 2, "most": 1, "name": "rpm", "type": "number"}], "command": "set-speed"}]))
    c.add("arguments not sorted", "malformed", make(arguments=[{"arguments": rules[0]["arguments"][::-1], "command": "set-speed"}]))
    c.add("an argument that says it is not optional", "malformed", make(arguments=[{"arguments": [{"name": "on", "optional": False, "type": "flag"}], "command": "set-speed"}]))
    c.add("bounds on a flag", "malformed", make(arguments=[{"arguments": [{"least": 0, "most": 1, "name": "on", "type": "flag"}], "command": "set-speed"}]))
    c.add("signed by the center", "unknown-key", make("center-es256", suite="signet-es256-1"))
    c.add("for another device", "wrong-audience", make(aud="door-1"))
    c.add("from the future", "issued-in-future", make(iat=NOW + 6))
    c.write()


def quorum_vectors():
    c = Collection("quorum", "signet/thermostat-1/command", "thermostat-1", ["center"])
    c.document["about"] += " The message is a command, verified as such; then its approvals are held against `manifest`, which the key `policy` signed."
    c.document["manifest"] = jws(manifest(), "policy", "signet-manifest+jwt")

    def approved(person, signer=None, **changes):
        return jws(approval(person, **changes), person, "signet-approval+jwt", signer=signer)

    def make(*approvals, **changes):
        return jws(command(cmd="unlock", args={"minutes": 5}, **({"approvals": list(approvals), "proposal": PROPOSAL} if approvals else {}), **changes))
    alice, bob = approved("alice"), approved("bob")
    c.add("two of three people", "accepted", make(alice, bob))
    c.add("three of three people", "accepted", make(alice, bob, approved("carol")))
    c.add("a command in no class", "accepted", jws(command()))
    c.add("no approval", "approval-missing", make())
    c.add("one person", "approval-missing", make(alice))
    c.add("one person twice", "approval-missing", make(alice, approved("alice", jti="01JQX4S8M7RSTVWXYZ23456789")))
    c.add("approvals without a proposal", "malformed", jws(command(cmd="unlock", approvals=[alice, bob])))
    c.add("a proposal without approvals", "malformed", jws(command(cmd="unlock", proposal=PROPOSAL)))
    c.add("an empty list of approvals", "malformed", jws(command(cmd="unlock", proposal=PROPOSAL, approvals=[])))
    c.add("seventeen approvals", "malformed", make(*[alice] * 17))
    for label, changes in [("another proposal", {"proposal": "01JQX4S8M8RSTVWXYZ23456789"}), ("another class", {"class": "harmless"}), ("another command", {"cmd": "restart"}), ("other arguments", {"args": {"minutes": 500}}),
                           ("no arguments", {"args": {}}), ("other devices", {"devices": ["door-1"]}), ("devices not sorted", {"devices": ["thermostat-1", "door-1"]}), ("no devices", {"devices": []}),
                           ("the requester", {"requester": "bob"}), ("past its end", {"exp": NOW - 1}), ("for more than a week", {"exp": NOW + 700_000}), ("from the future", {"iat": NOW + 6, "exp": NOW + 3600}), ("an unknown claim", {"x": 1})]:
        c.add(f"one approval of {label}", "approval-invalid", make(alice, approved("carol"), approved("bob", **changes)))
    c.add("one approval by a stranger", "approval-invalid", make(alice, bob, jws(approval("mallory"), "mallory", "signet-approval+jwt")))
    c.add("one approval signed by somebody else", "approval-invalid", make(alice, approved("bob", signer="mallory")))
    c.add("one approval in another's name", "approval-invalid", make(alice, jws(approval("bob"), "carol", "signet-approval+jwt")))
    c.add("one approval that is a command", "approval-invalid", make(alice, bob, jws(command())))
    c.add("one approval that is nothing", "approval-invalid", make(alice, bob, "hello"))
    c.add("command changed after the approvals", "approval-invalid", jws(command(cmd="unlock", args={"minutes": 6}, proposal=PROPOSAL, approvals=[alice, bob])))
    c.write()


# ---- replay: no messages, only numbers ------------------------------------------------------------------------------

def replay_vectors():
    e = EPOCH
    steps = [
        ([e, 1], "accepted"), ([e, 1], "replayed"), ([e, 3], "accepted"), ([e, 2], "accepted"), ([e, 2], "replayed"), ([e, 3], "replayed"),
        ([e - 1, 99], "stale-epoch"), ([e, 0], "replayed"),
        ([e, 1027], "accepted"), ([e, 3], "replayed"), ([e, 4], "accepted"), ([e, 4], "replayed"), ([e, 1026], "accepted"),
        ([e, 5000], "accepted"), ([e, 3976], "replayed"), ([e, 3977], "accepted"), ([e, 4999], "accepted"), ([e, 4999], "replayed"),
        ([e + 1, 1], "accepted"), ([e, 5001], "stale-epoch"), ([e + 1, 1], "replayed"),
        ([NOW + 5, 1], "accepted"), ([NOW + 6, 1], "issued-in-future"), ([NOW + 5, 2], "accepted"),
        ([NOW + 5, 2**53 - 1], "accepted"), ([NOW + 5, 2**53 - 1], "replayed"), ([NOW + 5, 3], "replayed"),
    ]
    document = {"about": "One window, asked in this order; what is accepted is committed. `message`: [epoch, seq]. Window of 1024, epochs up to now + 5 s.", "now": NOW,
                "steps": [{"message": m, "expect": x} for m, x in steps]}
    (HERE / "replay.json").write_text("{\n" + ",\n".join(f' "{k}": {json.dumps(v)}' for k, v in document.items()).replace('}, {"message"', '},\n  {"message"') + "\n}\n")
    print("replay.json", len(steps))


MAKERS = {"command": command_vectors, "receipt": receipt_vectors, "telemetry": telemetry_vectors, "status": status_vectors, "heartbeat": heartbeat_vectors, "data": data_vectors, "sealed": sealed_vectors, "manifest": manifest_vectors, "quorum": quorum_vectors, "replay": replay_vectors}

if __name__ == "__main__":
    for kind in sys.argv[1:] or MAKERS:
        MAKERS[kind]()
