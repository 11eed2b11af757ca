// What proving who one is costs in CPU time, with cached keys: the verifier, all of authenticate(), the check of the
// signature alone beside that of jose, and an API key, of which the rest is a look-up in the statement that opens a request. Run as `node bench/auth/verify.ts`.
//
// Counts the time of all threads (process.cpuUsage), because a check that is handed to the thread pool is not for free.

import { availableParallelism } from 'node:os';
import { compactVerify } from 'jose';
import { authenticate } from '../../src/auth/actor.ts';
import { makeApiKey } from '../../src/auth/api-key.ts';
import { readKeySet } from '../../src/auth/jwk.ts';
import { readJws } from '../../src/auth/jws.ts';
import { hasSigned } from '../../src/auth/signature.ts';
import { createVerifier } from '../../src/auth/token.ts';
import { issuerConfig, makeKey, makeToken } from './tokens.ts';

const ROUNDS = 20_000;
const GOAL = 300;
const KEY_GOAL = 100;

/** Microseconds of CPU per round, and how many rounds fit into a second of the wall clock. */
async function measure(round: (index: number) => unknown): Promise<string> {
  for (let index = 0; index < ROUNDS / 10; index += 1) {
    await round(index);
  }
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  for (let index = 0; index < ROUNDS; index += 1) {
    await round(index);
  }
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = ROUNDS / ((performance.now() - wall) / 1000);
  const each = (user + system) / ROUNDS;
  return `${each.toFixed(1).padStart(8)} us CPU ${perSecond.toFixed(0).padStart(8)} per second`;
}

const print = (line: string) => process.stdout.write(`${line}\n`);
print(
  `${ROUNDS} rounds each, Node ${process.version}, ${availableParallelism()} cores; goal: < ${GOAL} us for verify()`,
);
for (const algorithm of ['ES256', 'RS256'] as const) {
  const key = makeKey(algorithm, 'k');
  const jwks = { keys: [key.jwk] };
  const verifier = createVerifier([], {
    inProcess: [{ config: issuerConfig('https://id.acme.example/keys'), jwks: () => jwks }],
  });
  const tokens = Array.from({ length: 1_000 }, (_, index) => makeToken(key, 'k', `t${index}`));
  const tokenOf = (index: number) => tokens[index % tokens.length] ?? '';
  const [published] = readKeySet(jwks);
  if (published === undefined) {
    throw new Error('The key is not usable');
  }
  print(`${algorithm}  verify()                  ${await measure((i) => verifier.verify(tokenOf(i)))}`);
  const present = (index: number) => {
    const headers = new Map([['authorization', `Bearer ${tokenOf(index)}`]]);
    const request = {
      headers: { get: (name: string) => headers.get(name) ?? null },
      method: 'POST',
      url: '/graphql',
    };
    return authenticate(request, { verifier });
  };
  print(`${algorithm}  authenticate()            ${await measure(present)}`);
  const node = (index: number) => {
    const { signed, signature } = readJws(tokenOf(index));
    if (!hasSigned(published, signed, signature)) {
      throw new Error('A good signature was refused');
    }
  };
  print(`${algorithm}  form and signature, node  ${await measure(node)}`);
  const jose = (index: number) => compactVerify(tokenOf(index), published.key, { algorithms: [algorithm] });
  print(`${algorithm}  form and signature, jose  ${await measure(jose)}`);
  verifier.close();
}

const keys = Array.from({ length: 1_000 }, () => makeApiKey().key);
const noTokens = createVerifier([]);
const withKey = (index: number) => {
  const key = keys[index % keys.length] ?? '';
  const headers = { get: (name: string) => (name.toLowerCase() === 'x-api-key' ? key : null) };
  return authenticate({ headers, method: 'POST', url: '/graphql' }, { verifier: noTokens });
};
print(`API key authenticate()         ${await measure(withKey)}   goal: < ${KEY_GOAL} us`);
noTokens.close();
