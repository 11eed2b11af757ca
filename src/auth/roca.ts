// Recognises RSA keys made by the smart cards of CVE-2017-15361 (ROCA): their factors have a form by which they are found.
//
// The modulus of such a key is a power of 65537 modulo each of the first primes; of other keys, fewer than one in 2^160
// are that by chance (Nemec et al., The Return of Coppersmith's Attack, 2017). Such a key verifies, but whoever has read
// it in the published set may have calculated its private half. Looks for this one weakness and for no other.

import type { KeyObject } from 'node:crypto';

/** The last prime that went into keys of 1984 bits and more. */
const LAST = 701;

const PRIMES: readonly number[] = Array.from({ length: LAST + 1 }, (_, n) => n).filter(isOddPrime);

/** Whether an RSA key of 1984 bits or more bears the fingerprint. */
export function mayBeFactored(key: KeyObject): boolean {
  const bytes = Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url');
  const modulus = BigInt(`0x0${bytes.toString('hex')}`);
  return PRIMES.every((prime) => isPowerOf65537(Number(modulus % BigInt(prime)), prime));
}

function isPowerOf65537(residue: number, prime: number): boolean {
  const generator = 65537 % prime;
  let power = 1;
  do {
    if (power === residue) {
      return true;
    }
    power = (power * generator) % prime;
  } while (power !== 1);
  return false;
}

function isOddPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor += 1) {
    if (n % divisor === 0) {
      return false;
    }
  }
  return n > 2;
}
