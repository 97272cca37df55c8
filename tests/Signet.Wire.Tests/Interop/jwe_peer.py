"""An independent peer for sealing: reads {"keys": [JWK...], "messages": [...]} on stdin; opens each message with jwcrypto, and seals its content again under the same header.

Answer on stdout: {"opened": [text ...], "made": [compact JWE ...]}.
"""
import json
import sys

from jwcrypto import jwe, jwk

job = json.load(sys.stdin)
keys = {k["kid"]: jwk.JWK(**k) for k in job["keys"]}
answer = {"opened": [], "made": []}
for message in job["messages"]:
    token = jwe.JWE(algs=["RSA-OAEP-256", "ECDH-ES", "A256GCM"])
    token.deserialize(message)
    header = json.loads(token.objects["protected"])
    token.decrypt(keys[header["kid"]])
    answer["opened"].append(token.payload.decode())
    header.pop("epk", None)  # a new one is made for the new message
    own = jwe.JWE(token.payload, protected=json.dumps(header, sort_keys=True, separators=(",", ":")), algs=["RSA-OAEP-256", "ECDH-ES", "A256GCM"])
    own.add_recipient(keys[header["kid"]])
    answer["made"].append(own.serialize(compact=True))
json.dump(answer, sys.stdout)
