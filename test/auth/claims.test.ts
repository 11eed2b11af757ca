// A token's claims. Every token is signed by the right key, and all its other claims are good.

import { expect, test } from 'vitest';
import type { RefusalReason } from '../../src/auth/refusal.ts';
import { createVerifier, type VerifierOptions } from '../../src/auth/token.ts';
import type { IssuerConfig } from '../../src/trust.ts';
import {
  AUDIENCE,
  claims,
  DELEGATION,
  ecKey,
  forge,
  ISSUER,
  issuerConfig,
  NOW,
  refusal,
  uniform,
} from './forge.ts';

const key = ecKey('ec');
const THUMBPRINT = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
const ROW = '01890a5d-ac96-774b-bcce-b302099a8059';

function verifierFor(issuer: Partial<IssuerConfig> = {}, options: VerifierOptions = {}) {
  const inProcess = [{ config: issuerConfig(issuer), jwks: () => ({ keys: [key.jwk] }) }];
  return createVerifier([], { now: () => NOW * 1000, inProcess, ...options });
}

const verifier = verifierFor();
const verify = (changed: Record<string, unknown>, by = verifier) =>
  by.verify(forge(key, { claims: changed }));
const nested = (levels: number): object =>
  levels === 1 ? { sub: 'a' } : { sub: 'a', act: nested(levels - 1) };

test.each<[guarantee: string, reason: RefusalReason, changed: Record<string, unknown>]>([
  ['an unknown issuer', 'iss', { iss: 'https://mallory.example' }],
  ['an issuer with a slash more', 'iss', { iss: `${ISSUER}/` }],
  ['no issuer', 'iss', { iss: undefined }],
  ['an issuer in a list', 'iss', { iss: [ISSUER] }],
  ['another audience', 'aud', { aud: 'https://other.example' }],
  ['an audience that only begins like ours', 'aud', { aud: `${AUDIENCE}/x` }],
  ['an audience in other letters', 'aud', { aud: AUDIENCE.toUpperCase() }],
  ['no audience', 'aud', { aud: undefined }],
  ['an empty list of audiences', 'aud', { aud: [] }],
  ['a list of audiences that holds a list', 'aud', { aud: [[AUDIENCE]] }],
  ['several audiences and no authorized party', 'azp', { aud: [AUDIENCE, 'b'] }],
  ['an authorized party that is a number', 'azp', { aud: [AUDIENCE, 'b'], azp: 7 }],
  ['a client id that is an object', 'client_id', { client_id: {} }],
  ['no tenant', 'tenant', { tenant: undefined }],
  ['an empty tenant', 'tenant', { tenant: '' }],
  ['several tenants', 'tenant', { tenant: ['acme', 'globex'] }],

  ['no expiry', 'exp', { exp: undefined }],
  ['an expiry in text', 'exp', { exp: String(NOW + 60) }],
  ['an expiry of null', 'exp', { exp: null }],
  ['an expiry after the year 9999', 'exp', { exp: 1e12 }],
  ['an expiry of 1e308', 'exp', { exp: 1e308 }],
  ['an expiry five minutes ago', 'expired', { iat: NOW - 600, exp: NOW - 300 }],
  ['an expiry 30 seconds ago', 'expired', { exp: NOW - 30 }],
  ['an expiry centuries away', 'lifetime', { exp: NOW + 1e10 }],
  ['a life of a day and a second', 'lifetime', { iat: NOW, exp: NOW + 86_401 }],
  ['an expiry before its issue', 'lifetime', { iat: NOW + 10, exp: NOW }],
  ['no time of issue', 'iat', { iat: undefined }],
  ['a time of issue in text', 'iat', { iat: String(NOW) }],
  ['a time of issue before 1970', 'iat', { iat: -1 }],
  ['a time of issue a day ahead', 'iat', { iat: NOW + 86_400, exp: NOW + 90_000 }],
  ['a time of issue 31 seconds ahead', 'iat', { iat: NOW + 31 }],
  ['a beginning 31 seconds ahead', 'early', { nbf: NOW + 31 }],
  ['a beginning in text', 'nbf', { nbf: '0' }],

  ['no subject', 'sub', { sub: undefined }],
  ['an empty subject', 'sub', { sub: '' }],
  ['a subject that is a number', 'sub', { sub: 7 }],
  ['a subject of 256 characters', 'sub', { sub: 's'.repeat(256) }],
  ['a subject with U+0000, which the database cannot hold', 'sub', { sub: 'alice\0' }],
  ['a subject with a line break', 'sub', { sub: 'alice\nbob' }],
  ['an actor that is text', 'act', { act: 'scout' }],
  ['an actor that is null', 'act', { act: null }],
  ['an actor in a list', 'act', { act: [{ sub: 'scout' }] }],
  ['an actor without subject', 'act', { act: {} }],
  ['an actor with an empty subject', 'act', { act: { sub: '' } }],
  ['an actor of another issuer', 'act', { act: { sub: 'scout', iss: 'https://mallory.example' } }],
  ['actors nested five deep', 'act', { act: nested(5) }],
  ['actors nested a hundred deep', 'act', { act: nested(100) }],
  ['a prior actor that is text', 'act', { act: { sub: 'scribe', act: 'scout' } }],
  ['a prior actor without subject', 'act', { act: { sub: 'scribe', act: {} } }],
  ['a prior actor with a line break', 'act', { act: { sub: 'scribe', act: { sub: 'scout\nrogue' } } }],
  ['a prior actor of 256 characters', 'act', { act: { sub: 'scribe', act: { sub: 's'.repeat(256) } } }],
  [
    'a prior actor of another issuer',
    'act',
    { act: { sub: 'scribe', act: { sub: 'scout', iss: 'https://mallory.example' } } },
  ],
  ['a delegation id that is no UUID', 'delegation_id', { delegation_id: '7' }],
  ['a delegation id of null', 'delegation_id', { delegation_id: null }],
  ['scopes in a list', 'scope', { scope: ['memory:read'] }],
  ['a token id that is a number', 'jti', { jti: 7 }],
  ['a session id that is a number', 'sid', { sid: 7 }],
  ['a session id with a line break', 'sid', { sid: 'a\nb' }],
  ['who may act as text', 'may_act', { may_act: 'scout' }],
  ['who may act without subject', 'may_act', { may_act: { iss: ISSUER } }],
  ['who may act with an issuer that is a number', 'may_act', { may_act: { sub: 'scout', iss: 7 } }],
  ['who may act under a condition that we do not know', 'may_act', { may_act: { sub: 'scout', aud: 'x' } }],
  ["its sender's key by thumbprint (DPoP)", 'cnf', { cnf: { jkt: 'x' } }],
  ["its sender's key by a thumbprint of 44 characters", 'cnf', { cnf: { jkt: `${THUMBPRINT}A` } }],
  ["its sender's key by a thumbprint in padded base64", 'cnf', { cnf: { jkt: `${THUMBPRINT}=` } }],
  ["its sender's key by thumbprint and by something else", 'cnf', { cnf: { jkt: THUMBPRINT, kid: 'k' } }],
  ["its sender's key by a list of thumbprints", 'cnf', { cnf: { jkt: [THUMBPRINT] } }],
  ["its sender's key itself", 'cnf', { cnf: { jwk: key.jwk } }],
  ['an empty cnf', 'cnf', { cnf: {} }],
  ["its sender's key by certificate (mTLS)", 'cnf', { cnf: { 'x5t#S256': 'x' } }],
  ['a cnf of null', 'cnf', { cnf: null }],
])('a token with %s is refused', async (_, reason, changed) => {
  expect(await refusal(verify(changed))).toEqual(uniform(reason));
});

// JSON can spell what a JSON library does not write.
test.each<[claim: RefusalReason, value: string]>([
  ['exp', '1e999'],
  ['iat', '-1e999'],
  ['nbf', '1e999'],
  ['sub', '"\\ud800"'],
])('a token whose %s is %s is refused', async (claim, value) => {
  const others = JSON.stringify(claims({ [claim]: undefined }));
  const token = forge(key, { payload: `${others.slice(0, -1)},"${claim}":${value}}` });
  expect(await refusal(verifier.verify(token))).toEqual(uniform(claim));
});

test('an issuer speaks only for the tenants it is configured for', async () => {
  const globexOnly = verifierFor({ tenants: ['globex'] });

  expect(await refusal(verify({ tenant: 'acme' }, globexOnly))).toEqual(uniform('tenant'));
  expect(await verify({ tenant: 'globex' }, globexOnly)).toMatchObject({ tenant: 'globex' });
});

test('a shorter longest life can be asked for', async () => {
  const tenMinutes = verifierFor({}, { maxLifetime: 600 });

  expect(await refusal(verify({ iat: NOW, exp: NOW + 601 }, tenMinutes))).toEqual(uniform('lifetime'));
  expect(await verify({ iat: NOW, exp: NOW + 600 }, tenMinutes)).toMatchObject({ subject: 'alice' });
});

test('a good token says who, where, for how long and what at most', async () => {
  expect(await verify({ jti: 'j1', act: { sub: 'scout' }, delegation_id: DELEGATION })).toEqual({
    issuer: ISSUER,
    issuerId: undefined,
    tenant: 'acme',
    subject: 'alice',
    actor: 'scout',
    priorActors: [],
    mayAct: undefined,
    clientId: undefined,
    delegationId: DELEGATION,
    scopes: ['memory:create', 'memory:read'],
    issuedAt: new Date((NOW - 60) * 1000),
    exp: new Date((NOW + 600) * 1000),
    expiresAt: new Date((NOW + 600 + 30) * 1000),
    tokenId: 'j1',
    sessionId: undefined,
    confirmation: undefined,
  });
});

test('a good token also says in which session, by which client, bound to which key, and who may act', async () => {
  const said = {
    sid: 's1',
    client_id: 'app',
    azp: 'other',
    cnf: { jkt: THUMBPRINT },
    may_act: { sub: 'scout' },
  };
  expect(await verify(said, verifierFor({ id: ROW }))).toMatchObject({
    issuerId: ROW,
    sessionId: 's1',
    clientId: 'app',
    confirmation: { jkt: THUMBPRINT },
    mayAct: { sub: 'scout' },
  });
  const { mayAct, clientId } = await verify({ azp: 'app', may_act: { sub: 'scout', iss: ISSUER } });
  expect([mayAct, clientId]).toEqual([{ sub: 'scout', iss: ISSUER }, 'app']);
});

test.each<[what: string, changed: Record<string, unknown>]>([
  ['our audience among several and an authorized party', { aud: ['b', AUDIENCE], azp: 'frontend' }],
  ['our audience among several and a client id', { aud: ['b', AUDIENCE], client_id: 'frontend' }],
  ['times with decimals', { iat: NOW - 0.5, exp: NOW + 0.5, nbf: NOW - 0.25 }],
  ['an expiry within the allowance for skewed clocks', { exp: NOW - 29 }],
  ['a time of issue and a beginning within the allowance', { iat: NOW + 30, nbf: NOW + 30 }],
  ['a life of exactly a day', { iat: NOW, exp: NOW + 86_400 }],
  ['a subject of 255 characters, not all of them Latin', { sub: `auth0|é😀${'s'.repeat(246)}` }],
  ['an actor of the same issuer', { act: { sub: 'scout', iss: ISSUER } }],
  ['actors nested four deep', { act: nested(4) }],
])('a token with %s is accepted', async (_, changed) => {
  expect(await verify(changed)).toMatchObject({ issuer: ISSUER, tenant: 'acme' });
});

test('of nested actors the outermost acts, and the others are told from the last to the first', async () => {
  const act = { sub: 'scribe', act: { sub: 'scout', act: { sub: 'mimic' } } };
  expect(await verify({ act })).toMatchObject({
    subject: 'alice',
    actor: 'scribe',
    priorActors: ['scout', 'mimic'],
  });
});

test.each([
  ['no scope', undefined, []],
  ['an empty scope', '', []],
  ['words in any order, some of them twice', 'b:read a:read  b:read', ['a:read', 'b:read']],
  ['wildcards and foreign words', '* memory:* *:read openid Memory:read a:b:c memory:read', ['memory:read']],
  ['other white space than the space', 'a:read\tb:read', []],
])('from a token with %s, exactly the known words are read', async (_, scope, expected) => {
  expect((await verify({ scope })).scopes).toEqual(expected);
});
