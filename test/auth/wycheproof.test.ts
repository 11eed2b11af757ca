// Published attacks on JSON Web Signatures (C2SP/wycheproof), sent through the very path that verify() takes.
//
// The vectors lie beside the project and not in it; without them nothing is tested here, and the run says so. Their
// payloads are no access tokens: types and claims are beyond them. What is expected of a vector that this server refuses
// although its library of origin accepts it is written down by name.

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ALGORITHMS } from '../../src/auth/jwk.ts';
import { localKeySource } from '../../src/auth/jwks.ts';
import { openJws } from '../../src/auth/signature.ts';
import { isJsonObject } from '../../src/auth/strict-json.ts';
import { refusal } from './forge.ts';

type Vector = {
  tcId: number;
  comment: string;
  jws?: unknown;
  jwe?: unknown;
  result: string;
  flags: string[];
};
type Group = { comment: string; public?: object; private?: object; tests: Vector[] };
type Case = Vector & { group: string; keys: object };

const FILES = ['json_web_signature_test', 'json_web_crypto_test'] as const;
const folder = new URL('../../../shared/vectors/wycheproof/', import.meta.url);
const missing = FILES.filter((file) => !existsSync(new URL(`${file}.json`, folder)));

/** Algorithms that this server deliberately does not use. `ES521` is how a key of the vectors spells ES512. */
const UNUSED = ['HS256', 'PS256', 'PS384', 'PS512', 'RS384', 'RS512', 'ES512'];

// `valid` vectors that are refused before their algorithm is looked at.
const STRICTER: Readonly<Record<string, string>> = {
  'json_web_signature_test 372': 'a character in the header that is not in the alphabet of base64url',
  'json_web_signature_test 373': 'a character in the payload that is not in the alphabet of base64url',
};

function casesOf(file: string): Case[] {
  const { testGroups } = JSON.parse(readFileSync(new URL(`${file}.json`, folder), 'utf8')) as {
    testGroups: Group[];
  };
  return testGroups.flatMap(({ comment, tests, ...group }) => {
    const key = group.public ?? group.private ?? {};
    const keys = 'keys' in key ? key : { keys: [key] };
    return tests.map((vector) => ({ ...vector, group: comment, keys }));
  });
}

/** `accepted`, or the reason why not. */
async function outcome({ jws, keys }: Case): Promise<string> {
  const token = typeof jws === 'string' ? jws : JSON.stringify(jws);
  const opened = openJws(token, () => ({ keys: localKeySource(keys), algorithms: ALGORITHMS }));
  return opened.then(
    () => 'accepted',
    async () => (await refusal(opened)).reason ?? 'no reason',
  );
}

/** What the header of a vector says; `none` and others included. */
function algorithmOf({ jws }: Case): string {
  try {
    const [header = ''] = String(jws).split('.');
    const read: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    return isJsonObject(read) ? String(read.alg) : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

function expected(file: string, vector: Case): string | RegExp {
  const name = `${file} ${vector.tcId}`;
  if (vector.result !== 'valid') {
    return /^(?!accepted|no reason)/;
  }
  if (STRICTER[name] !== undefined) {
    return 'form';
  }
  return UNUSED.includes(algorithmOf(vector)) ? 'alg' : 'accepted';
}

test.skipIf(missing.length > 0).each(FILES)('%s: every vector fares as it should', async (file) => {
  const cases = casesOf(file);
  const signed = cases.filter(({ jws }) => jws !== undefined);
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  for (const vector of signed) {
    const was = await outcome(vector);
    const should = expected(file, vector);
    if (typeof should === 'string' ? was !== should : !should.test(was)) {
      wrong.push(`${vector.tcId} ${vector.group} ${vector.comment}: ${vector.result}, ${was}`);
    }
    const by = vector.result === 'valid' && was !== 'accepted' ? ` (${algorithmOf(vector)})` : '';
    const row = `${vector.result.padEnd(10)} ${was}${by}`;
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  const table = [...counts].sort().map(([row, count]) => `${String(count).padStart(6)}  ${row}`);
  const encrypted = `${String(cases.length - signed.length).padStart(6)}  skipped: JWE, which this server refuses`;
  process.stdout.write(`${[file, ...table, encrypted].join('\n')}\n`);

  expect(wrong).toEqual([]);
  // The vectors were really there, and a verifier that refuses everything would not have passed.
  expect(counts.get('valid      accepted')).toBeGreaterThan(1);
  expect(signed.length).toBeGreaterThan(45);
});

test.runIf(missing.length > 0)(`the vectors are not here: ${missing.join(', ')}`, ({ skip }) => skip());
