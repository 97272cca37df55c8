// An OpenID Connect provider on loopback, the npm package oidc-provider, for Signet's tests.
// With the files TLS_CERTIFICATE and TLS_KEY in its environment it speaks https.
// It prints {"issuer": "..."}, reads one line of JSON from standard input (the client: id, secret, redirect addresses, algorithm; the file with people's claims) and serves until that is closed.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const key = (type, options, use) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', kid: use, alg: use });

const tls = process.env.TLS_CERTIFICATE ? { cert: readFileSync(process.env.TLS_CERTIFICATE), key: readFileSync(process.env.TLS_KEY) } : null;
const server = tls ? createTlsServer(tls) : createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  console.log(JSON.stringify({ issuer }));
  const lines = createInterface({ input: process.stdin });
  lines.once('line', line => {
    const wanted = JSON.parse(line);
    const claimsOf = login => JSON.parse(readFileSync(wanted.people, 'utf8'))[login] ?? {};
    const provider = new Provider(issuer, {
      clients: [{
        client_id: wanted.clientId, redirect_uris: wanted.redirects, post_logout_redirect_uris: wanted.signedOut, response_types: ['code'], grant_types: ['authorization_code'],
        id_token_signed_response_alg: wanted.algorithm,
        ...(wanted.secret ? { client_secret: wanted.secret, token_endpoint_auth_method: wanted.way ?? 'client_secret_basic' } : { token_endpoint_auth_method: 'none' }),
      }],
      jwks: { keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('rsa', { modulusLength: 2048 }, 'PS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')] },
      cookies: { keys: [randomBytes(32).toString('hex')] },
      scopes: ['openid', 'profile', 'groups'],
      claims: { openid: ['sub'], profile: ['preferred_username', 'email'], groups: ['groups'] },
      conformIdTokenClaims: wanted.userInfoOnly === true,
      enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256'] },
      pkce: { required: () => true },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...claimsOf(id) }) }),
      features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
      ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
    });
    server.on('request', provider.callback());
    console.log(JSON.stringify({ ready: true }));
  });
  lines.once('close', () => process.exit(0));
});
