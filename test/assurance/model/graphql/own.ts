// Tokens of our own, as they hang on the clients and sessions of a world: an issuer in this process that the server takes for
// itself. What such a token says is what counts here; how the token service comes to issue one is not tried.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { SPENT } from '../../../../src/assurance/load.ts';
import { type Asker, idOf, slugOf } from '../../../../src/assurance/world.ts';
import type { InProcessIssuer } from '../../../../src/auth/token.ts';

/** Our own name in tokens. */
export const OWN_ISSUER = 'https://own.assurance.test/';

/** Revokes the tokens that were revoked in a world. Once per database, as the migrator. */
export const SPENDING = `
  insert into bailiwick.spent (mark, until) values (encode(sha256('token ${SPENT}'), 'hex'), 'infinity')`;

type Issued = Extract<NonNullable<Asker['by']>, { issued: number }>;

/** Who comes with a token of our own. */
export function isIssued(asker: Asker): asker is Asker & { readonly by: Issued } {
  return asker.by !== undefined && 'issued' in asker.by;
}

export function ownTokens(audience: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer: InProcessIssuer = {
    config: {
      issuer: OWN_ISSUER,
      audience,
      jwksUri: new URL('/.well-known/jwks.json', OWN_ISSUER).href,
      types: ['at+jwt'],
      algorithms: ['ES256'],
      tenant: { strategy: 'provider_claim', claim: 'tenant' },
    },
    jwks: () => ({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'own', alg: 'ES256' }] }),
  };
  return {
    issuer,
    /** A token on the credential with which somebody comes; subjects are ids of ours. */
    mint({ tenant, actor, onBehalfOf, token, by }: Asker & { readonly by: Issued }): Promise<string> {
      const iat = Math.floor(Date.now() / 1000) - (token.expired ? 7200 : 0);
      const claims = {
        iss: OWN_ISSUER,
        aud: audience,
        jti: by.spent ? SPENT : randomUUID(),
        sid: idOf(`k${by.issued}`),
        iat,
        exp: iat + 3600,
        tenant: slugOf(tenant),
        scope: token.scopes.join(' '),
        ...(onBehalfOf === null
          ? { sub: idOf(actor) }
          : { sub: idOf(onBehalfOf), act: { sub: idOf(actor) } }),
      };
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'own' })
        .sign(privateKey);
    },
  };
}
