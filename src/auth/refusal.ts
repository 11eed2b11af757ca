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
  anonymous:     'no credential, and what was asked for needs one',
  scheme:        'Authorization is not exactly one token of a scheme that this server takes',
  'api-key':     'not spelt like an API key of this server, or its checksum is wrong',
  delegation:    'the delegation is missing, named without a credential, or named twice and differently',
  view:          'the view of a delegation is asked for without a credential, or through a delegation',
  binding:       'the token is bound to a key and came as Bearer, or is not and came as DPoP',
  database:      'the database knows no such subject, key or chain',
  // the proof of possession (RFC 9449)
  dpop:          'not exactly one proof with a token of the scheme DPoP, or one without such a token',
  'dpop-form':   'not three parts in canonical base64url of at most 4 KiB, or not JSON objects',
  'dpop-header': 'the header is not that of a proof: typ, alg, key, or extensions that this server does not know',
  'dpop-key':    'not made with the key that the token is bound to',
  'dpop-sig':    'the signature of the proof does not match',
  'dpop-htm':    'made for another method',
  'dpop-htu':    'made for another address',
  'dpop-iat':    'no time of issue, or too old, or from the future',
  'dpop-ath':    'made for another token',
  'dpop-jti':    'no id, or not plain text of at most 255 characters',
  replay:        'the proof has been used before',
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
  directory:     'the issuer cannot be looked up right now',
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
  may_act:       'who may act is not an object of the expected shape',
  sid:           'the session id is not plain text',
  delegation_id: 'not a delegation id',
  cnf:           'bound to something else than one key of its sender',
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
