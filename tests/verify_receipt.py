#!/usr/bin/env python3
"""An independent verifier of receipt files, written from docs/spec/receipt-file.md and messages.md, sharing no code with the program.

    verify_receipt.py FILE --trust PEM [--trust PEM ...]

Prints one JSON object; exit code 0 proven, 4 not proven.
"""
import argparse, base64, datetime, hashlib, json, re, sys

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Bad(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Bad(why)


def sha(data):
    return hashlib.sha256(data).digest()


def unb64(text):
    need(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text), "not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(b64(data) == text, "not the one spelling of base64url")
    return data


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def canonical(value):
    """RFC 8785 for what these files hold: integers, and decimals that both sides write alike."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read(data):
    def pairs(items):
        keys = [k for k, _ in items]
        need(len(set(keys)) == len(keys), "a member stands twice")
        return dict(items)
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as e:
        raise Bad(f"not JSON: {e}")
    need(isinstance(value, dict), "not an object")
    need(canonical(value) == data, "not canonical")
    return value


def certificate(der, kind, above, at):
    cert = x509.load_der_x509_certificate(der)
    need(cert.public_bytes(serialization.Encoding.DER) == der, "not DER")
    need(cert.not_valid_before <= at <= cert.not_valid_after, f"the {kind} certificate was not valid then")
    signed_by(cert, above)
    # The one URI of the subject alternative name, from the signed bytes: this library's older versions refuse some of the other extensions.
    tbs = cert.tbs_certificate_bytes
    starts = [m.start() for m in re.finditer(b"\x86.urn:signet:", tbs, re.S)]
    need(len(starts) == 1, "not one name of this house")
    uri = tbs[starts[0] + 2:starts[0] + 2 + tbs[starts[0] + 1]].decode()
    need(uri.startswith(f"urn:signet:{kind}:"), f"not a {kind} certificate")
    return cert, uri.rsplit(":", 1)[1]


def signed_by(cert, above):
    key = above.public_key()
    need(cert.issuer == above.subject, "issued by another authority")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(), cert.signature_hash_algorithm)
    else:
        key.verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(cert.signature_hash_algorithm))


def jws(message, cert, typ):
    parts = message.split(".")
    need(len(parts) == 3, f"{typ}: not three parts")
    header, claims, signature = read(unb64(parts[0])), read(unb64(parts[1])), unb64(parts[2])
    key = cert.public_key()
    algorithm = "PS256" if isinstance(key, rsa.RSAPublicKey) else "ES256"
    thumbprint = b64(sha(cert.public_bytes(serialization.Encoding.DER)))
    need(header == {"alg": algorithm, "kid": thumbprint, "typ": typ}, f"{typ}: header")
    signed = f"{parts[0]}.{parts[1]}".encode()
    if algorithm == "PS256":
        key.verify(signature, signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    else:
        need(len(signature) == 64, "signature length")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        need(s <= ORDER // 2, "S in the upper half")
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    need(claims["suite"] == {"PS256": "signet-ps256-1", "ES256": "signet-es256-1"}[algorithm], "suite")
    return claims


def checkpoint(note, cert):
    match = re.match(r"([^\n]+)\n(0|[1-9]\d*)\n([A-Za-z0-9+/]{43}=)\nnumber (0|[1-9]\d*)\ntime (0|[1-9]\d*)\n(?:(?:prev|link|before) [A-Za-z0-9+/]{43}=\n){3}\n", note)
    need(match, "not a checkpoint")
    text = note[:match.end() - 1].encode()
    key = cert.public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for line in note[match.end():].rstrip("\n").split("\n"):
        dash, name, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        need(dash == "\u2014" and base64.b64encode(raw).decode() == blob, "signature line")
        if name == match[1] and raw[:4] == sha(spki)[:4]:
            key.verify(raw[4:], text, ec.ECDSA(hashes.SHA256()))
            return int(match[2]), base64.b64decode(match[3]), datetime.datetime.utcfromtimestamp(int(match[5]) / 1000)
    raise Bad("not signed by the witness")


def included(leaf, index, size, path, root):
    """RFC 9162, section 2.1.3.2."""
    need(index < size, "index")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        need(sn != 0, "path too long")
        if fn & 1 or fn == sn:
            r = sha(b"\x01" + p + r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha(b"\x01" + r + p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0 and r == root, "the entry is not under the checkpoint")


def sealed(envelope, command):
    parts = envelope["message"].split(".")
    need(len(parts) == 5, "envelope")
    header = read(unb64(parts[0]))
    need(header["enc"] == "A256GCM" and header["cty"] == "JWT" and header["typ"] == "signet-sealed+jwe", "envelope header")
    opened = AESGCM(unb64(envelope["key"])).decrypt(unb64(parts[2]), unb64(parts[3]) + unb64(parts[4]), parts[0].encode())
    need(opened == command.encode(), "the envelope holds another command")
    return envelope["message"]


def passkey(message, approver, kid):
    """WebAuthn Level 3, section 7.2, over the SHA-256 of the approval's first two parts."""
    parts = message.split(".")
    need(len(parts) == 3, "approval: not three parts")
    need(read(unb64(parts[0])) == {"alg": "WebAuthn-ES256", "kid": kid, "typ": "signet-approval+jwt"}, "approval: header")
    proof = read(unb64(parts[2]))
    need(set(proof) == {"authenticator", "client", "signature"}, "approval: proof")
    data, client, signature = unb64(proof["authenticator"]), unb64(proof["client"]), unb64(proof["signature"])
    said = json.loads(client)
    need((said["type"], said["challenge"], said["origin"]) == ("webauthn.get", b64(sha(f"{parts[0]}.{parts[1]}".encode())), approver["origin"]), "the browser said something else")
    need(said.get("crossOrigin", False) is False and "topOrigin" not in said, "in another's page")
    need(len(data) >= 37 and data[:32] == sha(approver["rp"].encode()) and data[32] & 5 == 5, "another place, or nobody verified")
    need(len(signature) == 64 and int.from_bytes(signature[32:], "big") <= ORDER // 2, "signature's form")
    key = serialization.load_der_public_key(unb64(approver["key"]))
    key.verify(utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")), data + sha(client), ec.ECDSA(hashes.SHA256()))
    claims = read(unb64(parts[1]))
    need(claims["suite"] == "signet-webauthn-1", "suite")
    return claims


def approved(manifest_file, claims, trusted):
    der = unb64(manifest_file["policy"])
    need(any(t.public_bytes(serialization.Encoding.DER) == der for t in trusted), "the policy key is not trusted")
    manifest = jws(manifest_file["message"], x509.load_der_x509_certificate(der), "signet-manifest+jwt")
    need(manifest["iss"] == "policy" and manifest["aud"] == claims["aud"], "manifest of another device")
    quorum = next(c for c in manifest["classes"] if claims["cmd"] in c["commands"])
    people = set()
    for text in claims["approvals"]:
        kid = read(unb64(text.split(".")[0]))["kid"]
        approver = next(a for a in manifest["approvers"] if b64(sha(unb64(a["passkey"]["key"] if "passkey" in a else a["certificate"]))) == kid)
        person = approver["person"]
        if "passkey" in approver:
            approval = passkey(text, approver["passkey"], kid)
        else:
            approval = jws(text, x509.load_der_x509_certificate(unb64(approver["certificate"])), "signet-approval+jwt")
        need(approval["iss"] == person and person in quorum["approvers"], "no approver of the class")
        need((approval["proposal"], approval["class"], approval["cmd"], approval["args"]) == (claims["proposal"], quorum["name"], claims["cmd"], claims["args"]), "approved something else")
        need(claims["aud"] in approval["devices"] and claims["iat"] <= approval["exp"], "other devices, or too late")
        need(quorum["requesterCounts"] or approval["requester"] != person, "the requester does not count")
        people.add(person)
    need(len(people) >= quorum["needed"], "too few people")


def verify(data, trusted):
    need(len(data) <= 262_144, "too large")
    file = read(data)
    need(set(file) - {"envelope", "manifest"} == {"audit", "certificates", "command", "format", "id", "receipt"} and file["format"] == "signet-receipt-file-1", "members")
    certs, audit = file["certificates"], file["audit"]
    need(set(certs) == {"authority", "device", "signer", "witness"} and set(audit) == {"checkpoint", "entry", "path", "sequence"}, "members")
    need("envelope" not in file or set(file["envelope"]) == {"key", "message"}, "members")
    need("manifest" not in file or set(file["manifest"]) == {"message", "policy"}, "members")

    witness = x509.load_der_x509_certificate(unb64(certs["witness"]))
    size, root, at = checkpoint(audit["checkpoint"], witness)
    authority = x509.load_der_x509_certificate(unb64(certs["authority"]))
    need(authority.public_bytes(serialization.Encoding.DER) == unb64(certs["authority"]), "not DER")
    need(authority.not_valid_before <= at <= authority.not_valid_after, "the authority was not valid then")
    above = [t for t in trusted if t.subject == authority.issuer and t.subject == t.issuer]
    need(above, "no trusted root above it")
    signed_by(authority, above[0])
    certificate(unb64(certs["witness"]), "checkpoint-signer", authority, at)
    signer, _ = certificate(unb64(certs["signer"]), "center-sign", authority, at)
    device, name = certificate(unb64(certs["device"]), "device", authority, at)

    command = jws(file["command"], signer, "signet-command+jwt")
    need((command["iss"], command["aud"], command["jti"], command["topic"]) == ("command_center", name, file["id"], f"signet/{name}/command"), "the command is another one")
    published = sealed(file["envelope"], file["command"]) if "envelope" in file else file["command"]
    need(("manifest" in file) == ("proposal" in command), "approvals and manifest belong together")
    if "manifest" in file:
        approved(file["manifest"], command, trusted)
    receipt = jws(file["receipt"], device, "signet-receipt+jwt")
    need((receipt["iss"], receipt["aud"], receipt["re"], receipt["topic"]) == (name, "command_center", file["id"], f"signet/{name}/receipt"), "the receipt is another one")
    need(receipt["digest"] == b64(sha(published.encode())), "the receipt answers other bytes")

    body = unb64(audit["entry"])
    entry = read(body)
    need(entry["seq"] == audit["sequence"] and entry["details"]["receipt"] == b64(sha(file["receipt"].encode())), "the entry is about another receipt")
    included(sha(b"\x00" + body), audit["sequence"] - 1, size, [unb64(p) for p in audit["path"]], root)
    return {"id": file["id"], "device": name, "command": command["cmd"], "state": receipt["state"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="+")
    parser.add_argument("--trust", action="append", required=True)
    arguments = parser.parse_args()
    trusted = [x509.load_pem_x509_certificate(open(path, "rb").read()) for path in arguments.trust]
    worst = 0
    for path in arguments.file:
        try:
            answer = {"valid": True, **verify(open(path, "rb").read(), trusted)}
        except Exception as e:  # whatever the libraries say to damaged bytes, it is not proven
            answer, worst = {"valid": False, "problem": f"{type(e).__name__}: {e}"[:200]}, 4
        print(json.dumps(answer))
    return worst


if __name__ == "__main__":
    sys.exit(main())
