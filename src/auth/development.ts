// The development issuer: mints access tokens for anybody who asks, so that a first run needs no identity provider.
//
// Its tokens pass exactly the checks of everybody else's; only its key is at hand. The key pair lives in the data
// folder, so that tokens survive a restart. Refuses to exist in production. Not an authorization server: no users,
// no consent, no refresh, no revocation.

import { generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importJWK, type JSONWebKeySet, SignJWT } from 'jose';
import { z } from 'zod';
import { PostureError } from '../errors.ts';
import type { DelegationId } from '../ids.ts';
import type { IssuerConfig } from '../trust.ts';

export type DevelopmentIssuerSettings = {
  /** Folder for `development-issuer.json`; created when missing. */
  readonly dataDir: string;
  /** URL of this server: the `iss` of the tokens. */
  readonly issuer: string;
  readonly audience: string;
  /** `config.development`. */
  readonly development: boolean;
  /** `NODE_ENV` as the process was started with it. */
  readonly nodeEnv: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
};

/** What a token is to say. */
export type MintRequest = {
  /** `sub`: who the token is about; with `actor`, on whose behalf. */
  readonly subject: string;
  /** Slug of the tenant. */
  readonly tenant: string;
  /** Capabilities as `kind:verb`. */
  readonly scopes: readonly string[];
  /** Seconds; an hour unless given. The verifier has a limit of its own. */
  readonly expiresIn?: number | undefined;
  /** `act.sub`: who acts. */
  readonly actor?: string | undefined;
  readonly delegationId?: DelegationId | undefined;
  /** `may_act.sub`: who alone may act for the subject. */
  readonly mayAct?: string | undefined;
};

/** Fits `VerifierOptions.inProcess`. */
export type DevelopmentIssuer = {
  readonly config: IssuerConfig;
  mint(request: MintRequest): Promise<string>;
  /** The public key, for `/.well-known/jwks.json`. */
  jwks(): JSONWebKeySet;
};

/**
 * Opens the development issuer, making its key pair on first use.
 *
 * @throws {PostureError} outside development, and when the key file cannot be used.
 */
export function createDevelopmentIssuer(settings: DevelopmentIssuerSettings): DevelopmentIssuer {
  if (!settings.development || settings.nodeEnv === 'production') {
    throw new PostureError('The development issuer is refused:', ['it mints tokens for anybody who asks']);
  }
  const { issuer, audience, now = Date.now } = settings;
  const { d, ...publicKey } = openKey(settings.dataDir);

  return {
    config: {
      issuer,
      audience,
      jwksUri: new URL('/.well-known/jwks.json', issuer).href,
      types: ['at+jwt'],
      algorithms: ['ES256'],
      tenant: { strategy: 'provider_claim', claim: 'tenant' },
    },
    async mint({ subject, tenant, scopes, expiresIn = 3600, actor, delegationId, mayAct }) {
      const iat = Math.floor(now() / 1000);
      const claims = {
        iss: issuer,
        aud: audience,
        sub: subject,
        client_id: 'bailiwick-development', // RFC 9068 section 2.2 requires one
        jti: randomUUID(),
        iat,
        exp: iat + expiresIn,
        tenant,
        scope: scopes.join(' '),
        ...(actor === undefined ? {} : { act: { sub: actor } }),
        ...(delegationId === undefined ? {} : { delegation_id: delegationId }),
        ...(mayAct === undefined ? {} : { may_act: { sub: mayAct } }),
      };
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: publicKey.kid })
        .sign(await importJWK({ ...publicKey, d }, 'ES256'));
    },
    jwks: () => ({ keys: [{ ...publicKey, alg: 'ES256', use: 'sig' }] }),
  };
}

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

const keyFile = z.strictObject({
  kid: z.string().min(1),
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
  d: coordinate,
});

function openKey(dataDir: string): z.infer<typeof keyFile> {
  const path = join(dataDir, 'development-issuer.json');
  const stored = readIfPresent(path) ?? createKey(dataDir, path);
  try {
    return keyFile.parse(JSON.parse(stored));
  } catch {
    // The cause is left out: a parser's message quotes what it stumbled over, here a private key.
    throw new PostureError('The key of the development issuer is not usable:', [
      `delete ${path} to make a new one`,
    ]);
  }
}

/** Several processes may start at once: the first to link its complete file wins, and all of them read that one. */
function createKey(dataDir: string, path: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key: JsonWebKey = { kid: randomUUID(), ...privateKey.export({ format: 'jwk' }) };
  const draft = `${path}.${randomUUID()}`;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(draft, JSON.stringify(key), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) {
      throw cause;
    }
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, 'utf8');
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) {
      return undefined;
    }
    throw cause;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
