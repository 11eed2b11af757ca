// Key rotation of a real OpenID provider under load: not one valid token is refused, and a retired key ends.

import { expect, onTestFinished, test } from 'vitest';
import { createVerifier } from '../../src/auth/token.ts';
import { issuerConfig, refusal, uniform } from './forge.ts';
import { privateKey, startOidcProvider } from './provider.ts';

const MINUTES = 60_000;
const WORKERS = 8;

test('keys are rotated twice under load without refusing a valid token, and tokens by retired keys are refused', async () => {
  const [first, second, third] = [privateKey('first'), privateKey('second'), privateKey('third')];
  const provider = await startOidcProvider(first);
  onTestFinished(() => provider[Symbol.asyncDispose]());
  const { issuer } = provider;
  const clock = { ahead: 0 };
  const config = {
    ...issuerConfig({ issuer, discovery: `${issuer}/.well-known/openid-configuration` }),
    jwksUri: undefined,
  };
  const verifier = createVerifier([config], { reach: 'loopback', now: () => Date.now() + clock.ahead });
  onTestFinished(() => verifier.close());

  const load = { on: true, accepted: new Map<string, number>(), refused: [] as unknown[] };
  const rounds = Array<number>(WORKERS).fill(0);
  const work = async (worker: number) => {
    while (load.on) {
      const { token, kid } = await provider.issue();
      await verifier.verify(token).then(
        () => load.accepted.set(kid, (load.accepted.get(kid) ?? 0) + 1),
        (error: unknown) => load.refused.push(error),
      );
      rounds[worker] = (rounds[worker] ?? 0) + 1;
    }
  };
  /** Until every worker has since verified a token that was also issued since. */
  const settled = async () => {
    const before = [...rounds];
    const behind = () => rounds.filter((round, worker) => round < (before[worker] ?? 0) + 2).length;
    await expect.poll(behind, { timeout: 20_000, interval: 5 }).toBe(0);
  };
  const workers = rounds.map((_, worker) => work(worker));
  onTestFinished(async () => {
    load.on = false;
    await Promise.allSettled(workers);
  });
  await settled();

  const stale: string[] = [];
  for (const [old, young] of [[first, second] as const, [second, third] as const]) {
    stale.push((await provider.issue()).token);
    provider.use(old, young); // published
    clock.ahead += 10 * MINUTES; // for as long as a key set is cached
    await settled();
    provider.use(young, old); // signs
    await settled();
    provider.use(young); // the old one is retired, with its tokens still running
    await settled();
    expect(await verifier.verify(stale.at(-1) ?? '')).toMatchObject({ tenant: 'acme', clientId: 'app' });
    clock.ahead += 10 * MINUTES;
    expect(await refusal(verifier.verify(stale.at(-1) ?? ''))).toEqual(uniform('key'));
    await settled();
  }

  load.on = false;
  await Promise.all(workers);
  expect(load.refused).toEqual([]);
  expect([...load.accepted.keys()]).toEqual(['first', 'second', 'third']);
  for (const token of stale) {
    expect(await refusal(verifier.verify(token))).toEqual(uniform('key'));
  }
});

test('a key that signs before anybody could know of it is found within the cooldown', async () => {
  const [first, second] = [privateKey('first'), privateKey('second')];
  const provider = await startOidcProvider(first);
  onTestFinished(() => provider[Symbol.asyncDispose]());
  const { issuer } = provider;
  const clock = { ahead: 0 };
  const config = { ...issuerConfig({ issuer, jwksUri: `${issuer}/jwks` }) };
  const verifier = createVerifier([config], { reach: 'loopback', now: () => Date.now() + clock.ahead });
  onTestFinished(() => verifier.close());
  await verifier.verify((await provider.issue()).token);
  provider.use(second);
  clock.ahead += 30_000;

  expect(await verifier.verify((await provider.issue()).token)).toMatchObject({ subject: 'app', issuer });
});
