// Published vectors (C2SP/wycheproof) for the constructions of src/crypto/primitives.ts: right results, and attacks refused.
//
// The vectors lie beside the project and not in it; without them nothing is tested here, and the run says so. Not accepted on
// purpose, though valid: AES keys of 128 and 192 bits, since every key of this server has 256; and nonces longer than 1024 bits, which
// Node's crypto does not take. Other nonces are computed right, though nothing here uses them. HMAC is Node's own, as used.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { derive, gcmOpen, gcmSeal, unwrapKey, wrapKey } from '../../src/crypto/primitives.ts';

type Vector = Readonly<Record<string, string>> & { readonly tcId: number; readonly size: number };
type Group = {
  readonly keySize: number;
  readonly ivSize?: number;
  readonly tagSize?: number;
  readonly tests: readonly Vector[];
};
type Outcome = 'right' | 'wrong' | 'refused';
type Suite = {
  readonly outcome: (vector: Vector, group: Group) => Outcome;
  /** Why every vector of a group is refused, valid or not. */
  readonly stricter: (group: Group) => string | undefined;
  /** Every way in which a vector fares, each of which must have been met with. */
  readonly rows: readonly string[];
};

const folder = new URL('../../../shared/vectors/wycheproof/', import.meta.url);
const bytes = (hex: string | undefined) => Buffer.from(hex ?? '', 'hex');
const otherKey = ({ keySize }: Group) => (keySize === 256 ? undefined : `a key of ${keySize} bits`);

const SUITES: Readonly<Record<string, Suite>> = {
  aes_gcm_test: {
    outcome(vector) {
      const [key, nonce] = [bytes(vector.key), bytes(vector.iv)];
      const [plain, associated] = [bytes(vector.msg), bytes(vector.aad)];
      const sealed = Buffer.concat([bytes(vector.ct), bytes(vector.tag)]);
      const opened = gcmOpen(key, nonce, sealed, associated);
      return verdict(opened.equals(plain) && gcmSeal(key, nonce, plain, associated).equals(sealed));
    },
    stricter: (group) =>
      otherKey(group) ?? ((group.ivSize ?? 0) > 1024 ? 'a nonce of more than 1024 bits' : undefined),
    rows: [
      'invalid refused',
      'invalid refused: a key of 128 bits',
      'invalid refused: a key of 192 bits',
      'valid refused: a key of 128 bits',
      'valid refused: a key of 192 bits',
      'valid refused: a nonce of more than 1024 bits',
      'valid right',
    ],
  },
  aes_kwp_test: {
    outcome(vector) {
      const [key, plain, wrapped] = [bytes(vector.key), bytes(vector.msg), bytes(vector.ct)];
      return verdict(unwrapKey(key, wrapped).equals(plain) && wrapKey(key, plain).equals(wrapped));
    },
    stricter: otherKey,
    rows: [
      'invalid refused',
      'invalid refused: a key of 128 bits',
      'invalid refused: a key of 192 bits',
      'valid refused: a key of 128 bits',
      'valid refused: a key of 192 bits',
      'valid right',
    ],
  },
  hkdf_sha256_test: {
    outcome(vector) {
      const derived = derive(bytes(vector.ikm), bytes(vector.info), bytes(vector.salt), vector.size);
      return verdict(derived.equals(bytes(vector.okm)));
    },
    stricter: () => undefined,
    rows: ['invalid refused', 'valid right'],
  },
  hmac_sha256_test: {
    outcome(vector, { tagSize = 256 }) {
      const tag = createHmac('sha256', bytes(vector.key)).update(bytes(vector.msg)).digest();
      const cut = tag.subarray(0, tagSize / 8);
      const given = bytes(vector.tag);
      return given.length === cut.length && timingSafeEqual(cut, given) ? 'right' : 'refused';
    },
    stricter: () => undefined,
    rows: ['invalid refused', 'valid right'],
  },
};
const missing = Object.keys(SUITES).filter((file) => !existsSync(new URL(`${file}.json`, folder)));

function verdict(right: boolean): Outcome {
  return right ? 'right' : 'wrong';
}

function outcomeOf({ outcome }: Suite, vector: Vector, group: Group): Outcome {
  try {
    return outcome(vector, group);
  } catch {
    return 'refused';
  }
}

test.skipIf(missing.length > 0).each(Object.entries(SUITES))(
  '%s: every vector fares as it should',
  (file, suite) => {
    const { testGroups, numberOfTests } = JSON.parse(
      readFileSync(new URL(`${file}.json`, folder), 'utf8'),
    ) as {
      testGroups: Group[];
      numberOfTests: number;
    };
    const counts = new Map<string, number>();
    const wrong: string[] = [];
    for (const group of testGroups) {
      const stricter = suite.stricter(group);
      for (const vector of group.tests) {
        const valid = vector.result === 'valid';
        const was = outcomeOf(suite, vector, group);
        if (was !== (valid && stricter === undefined ? 'right' : 'refused')) {
          wrong.push(`${vector.tcId} ${vector.comment}: ${vector.result}, ${was}`);
        }
        const row = `${vector.result} ${was}${stricter === undefined ? '' : `: ${stricter}`}`;
        counts.set(row, (counts.get(row) ?? 0) + 1);
      }
    }
    const table = [...counts].sort().map(([row, count]) => `${String(count).padStart(6)}  ${row}`);
    process.stdout.write(`${[file, ...table].join('\n')}\n`);

    expect(wrong).toEqual([]);
    // The vectors were really there, and something that refuses everything would not have passed.
    expect([...counts.keys()].sort()).toEqual(suite.rows);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(numberOfTests);
  },
);

test.runIf(missing.length > 0)(`the vectors are not here: ${missing.join(', ')}`, ({ skip }) => skip());
