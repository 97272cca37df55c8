// An independent peer: reads {"keys": [JWK...], "messages": [...]} on stdin. Verifies each JWS (or opens each JWE) with jose, and signs (seals) its content again
// under the same header. Answer on stdout: {"read": [text ...], "made": [compact ... or null]}.
import { readFileSync } from "node:fs";
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, importJWK } from "jose";

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The one thing another signer must do for signet-es256-1: write S in the lower half of the order. */
function lowerS(compact) {
  const [head, body, tail] = compact.split(".");
  const raw = Buffer.from(tail, "base64url");
  const s = BigInt("0x" + raw.subarray(32).toString("hex"));
  const low = s > P256_ORDER - s ? P256_ORDER - s : s;
  Buffer.from(low.toString(16).padStart(64, "0"), "hex").copy(raw, 32);
  return `${head}.${body}.${raw.toString("base64url")}`;
}

const job = JSON.parse(readFileSync(0, "utf8"));
const jwks = new Map(job.keys.map((k) => [k.kid, k]));
const publicOf = ({ d, p, q, dp, dq, qi, ...rest }) => rest;
const answer = { read: [], made: [] };
for (const message of job.messages) {
  const header = JSON.parse(Buffer.from(message.split(".")[0], "base64url"));
  const jwk = jwks.get(header.kid);
  const isSealed = message.split(".").length === 5;
  const key = await importJWK(jwk, header.alg);
  const publicKey = jwk.kty === "oct" ? key : await importJWK(publicOf(jwk), header.alg);
  const read = isSealed
    ? await compactDecrypt(message, key, { keyManagementAlgorithms: [header.alg], contentEncryptionAlgorithms: ["A256GCM"] })
    : await compactVerify(message, publicKey, { algorithms: [header.alg] });
  const content = read.plaintext ?? read.payload;
  answer.read.push(new TextDecoder().decode(content));
  if (!isSealed) {
    const made = await new CompactSign(content).setProtectedHeader(header).sign(key);
    answer.made.push(header.alg === "ES256" ? lowerS(made) : made);
  } else if (header.alg === "RSA-OAEP-256") {
    answer.made.push(await new CompactEncrypt(content).setProtectedHeader(header).encrypt(publicKey));
  } else {
    answer.made.push(null); // jose writes the members of epk in an order of its own, which is not canonical: it opens such envelopes, it cannot make them
  }
}
process.stdout.write(JSON.stringify(answer));
