"""An independent peer: reads {"keys": [JWK...], "messages": [...]} on stdin; verifies each message with jwcrypto, and signs its payload again with its own keys.

Answer on stdout: {"verified": [payload text or null ...], "made": [compact JWS ...]}.
"""
import base64
import json
import sys

from jwcrypto import jwk, jws

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def lower_s(compact):
    """The one thing another signer must do for signet-es256-1: write S in the lower half of the order."""
    head, body, tail = compact.split(".")
    raw = base64.urlsafe_b64decode(tail + "==")
    s = int.from_bytes(raw[32:], "big")
    raw = raw[:32] + min(s, P256_ORDER - s).to_bytes(32, "big")
    return ".".join((head, body, base64.urlsafe_b64encode(raw).rstrip(b"=").decode()))


job = json.load(sys.stdin)
keys = {k["kid"]: jwk.JWK(**k) for k in job["keys"]}
answer = {"verified": [], "made": []}
for message in job["messages"]:
    token = jws.JWS()
    token.allowed_algs = ["PS256", "ES256", "HS256"]
    token.deserialize(message)
    header = json.loads(token.objects["protected"])
    token.verify(keys[header["kid"]])
    answer["verified"].append(token.payload.decode())
    own = jws.JWS(token.payload)
    own.allowed_algs = token.allowed_algs
    own.add_signature(keys[header["kid"]], protected=json.dumps(header, sort_keys=True, separators=(",", ":")))
    compact = own.serialize(compact=True)
    answer["made"].append(lower_s(compact) if header["alg"] == "ES256" else compact)
json.dump(answer, sys.stdout)
