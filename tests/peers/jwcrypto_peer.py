"""An independent peer: reads {"keys": [JWK...], "messages": [...]} on stdin. Verifies each JWS (or opens each JWE) with jwcrypto, and signs (seals) its content again under the same header.

Answer on stdout: {"read": [text ...], "made": [compact ...]}.
"""
import base64
import json
import sys

from jwcrypto import jwe, jwk, jws

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ALGORITHMS = ["PS256", "ES256", "HS256", "RSA-OAEP-256", "ECDH-ES", "A256GCM"]


def lower_s(compact):
    """The one thing another signer must do for signet-es256-1: write S in the lower half of the order."""
    head, body, tail = compact.split(".")
    raw = base64.urlsafe_b64decode(tail + "==")
    s = int.from_bytes(raw[32:], "big")
    raw = raw[:32] + min(s, P256_ORDER - s).to_bytes(32, "big")
    return ".".join((head, body, base64.urlsafe_b64encode(raw).rstrip(b"=").decode()))


def signed_again(message, key, header):
    token = jws.JWS()
    token.allowed_algs = ALGORITHMS
    token.deserialize(message)
    token.verify(key)
    own = jws.JWS(token.payload)
    own.allowed_algs = ALGORITHMS
    own.add_signature(key, protected=json.dumps(header, sort_keys=True, separators=(",", ":")))
    compact = own.serialize(compact=True)
    return token.payload, lower_s(compact) if header["alg"] == "ES256" else compact


def sealed_again(message, key, header):
    token = jwe.JWE(algs=ALGORITHMS)
    token.deserialize(message)
    token.decrypt(key)
    header.pop("epk", None)  # a new one is made for the new message
    own = jwe.JWE(token.payload, protected=json.dumps(header, sort_keys=True, separators=(",", ":")), algs=ALGORITHMS)
    own.add_recipient(key)
    return token.payload, own.serialize(compact=True)


job = json.load(sys.stdin)
keys = {k["kid"]: jwk.JWK(**k) for k in job["keys"]}
answer = {"read": [], "made": []}
for text in job["messages"]:
    first = text.split(".")[0]
    head = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    content, made = (sealed_again if text.count(".") == 4 else signed_again)(text, keys[head["kid"]], head)
    answer["read"].append(content.decode())
    answer["made"].append(made)
json.dump(answer, sys.stdout)
