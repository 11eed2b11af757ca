// Why a credential was refused: a closed list for the log, behind one public answer.
//
// The caller hears the same sentence for every cause, because the difference between "wrong key" and "wrong audience"
// helps only whoever is guessing. The reason travels as the
// error's `cause`, which never leaves the server. Decides nothing itself.

import { BailiwickError } from '../errors.ts';

/** Every reason, with what it means for whoever reads the log. */
// biome-ignore format: one reason per line
export const REFUSALS = {
  // the request
  scheme:        'Authorization is not exactly one Bearer token',
  'api-key':     'API keys are not accepted here',
  delegation:    'the delegation is missing, named without a credential, or named twice and differently',
  // the token's form
  size:          'longer than 8 KiB',
  form:          'not three parts in canonical base64url',
  json:          'header or payload is not a JSON object with distinct members',
  alg:           'an algorithm that this server does not use',
  typ:           'not an access token (at+jwt)',
  crit:          'asks for extensions that this server does not know',
  'own-key':     'brings or points to the key that is to verify it',
  kid:           'the key id is not a usable string',
  // issuer, key and signature
  iss:           'not from a configured issuer',
  keys:          "the issuer's keys cannot be had",
  key:           'no usable key of the issuer has this id and algorithm',
  'denied-key':  'the key is on the deny-list of this installation',
  signature:     'the signature does not match',
  // claims with a wrong shape
  sub:           'no subject, or not plain text',
  aud:           'the audience is not this server',
  exp:           'no expiry, or not a time',
  iat:           'no time of issue, or not a time, or in the future',
  nbf:           'not a time',
  jti:           'the token id is not plain text',
  azp:           'several audiences and nobody named who asked for the token',
  client_id:     'the client id is not plain text',
  scope:         'not a string',
  act:           'the actor is not an object of the expected shape, depth and issuer',
  delegation_id: 'not a delegation id',
  cnf:           'bound to a key of its sender, so not usable as a bearer token',
  tenant:        'no tenant, or one that this issuer may not speak for',
  // time
  expired:       'expired',
  early:         'not valid yet',
  lifetime:      'valid for longer than this server allows, or for no time at all',
} as const;

export type RefusalReason = keyof typeof REFUSALS;

/** The private half of a refusal. For the log: `reason` is for machines, `message` for people. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, cause?: unknown) {
    super(`${reason}: ${REFUSALS[reason]}`, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
    this.reason = reason;
  }
}

/** The error to throw: the uniform UNAUTHENTICATED outside, the reason and what led to it inside. */
export function refused(reason: RefusalReason, cause?: unknown): BailiwickError {
  return new BailiwickError('UNAUTHENTICATED', undefined, { cause: new Refusal(reason, cause) });
}
