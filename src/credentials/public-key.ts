// Which keys a client may sign with, and what of one is kept. Whether a key is fit to verify signatures is judged as for the
// keys of issuers (src/auth/jwk.ts); a client's is held to a little more, because whoever registers one can still choose.
//
// What was given is never part of an error: it may be a private key.

import { readKeySet } from '../auth/jwk.ts';

/** The exponent that every library makes; a larger one only costs time, at each signature that is checked. */
const EXPONENT = 65537n;
const MOST_BITS = 4096;
/** Characters of a member; a modulus of 4096 bits has 683. Checked before anything is calculated with it. */
const LONGEST = 1024;

/** What is kept of a key that a client may sign with; undefined for any other, and for one that is not public alone. */
export function publicKeyOf(jwk: Readonly<Record<string, unknown>>): JsonWebKey | undefined {
  if (['n', 'e', 'x', 'y', 'kid'].some((name) => !isShort(jwk[name]))) {
    return undefined;
  }
  const [found] = readKeySet({ keys: [jwk] });
  const { modulusLength = 0, publicExponent = EXPONENT } = found?.key.asymmetricKeyDetails ?? {};
  if (found === undefined || modulusLength > MOST_BITS || publicExponent !== EXPONENT) {
    return undefined;
  }
  // as the key itself says it, so that nothing else which was given comes along
  return {
    ...found.key.export({ format: 'jwk' }),
    ...(jwk.alg === undefined ? {} : { alg: found.algorithm }),
    ...(found.id === undefined ? {} : { kid: found.id }),
  };
}

/** Whether a member is absent, or text that is not too long and that PostgreSQL can hold. */
function isShort(member: unknown): boolean {
  return (
    member === undefined || (typeof member === 'string' && member.length <= LONGEST && member.isWellFormed())
  );
}
