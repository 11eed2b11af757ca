// A thousand tokens with made-up key ids in one second, against a verifier whose valid callers go on: how much longer do
// these wait, and how often is the issuer asked? Run as `node bench/auth/storm.ts`.
//
// The issuer is a real HTTP server on loopback that takes 50 ms to answer. Tokens arrive evenly, the valid ones at the
// same rate with and without the storm, in turns; latency is counted from when a token was due, so that a blocked server
// cannot hide behind not being asked. Of that, up to a millisecond is the timer's.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createVerifier } from '../../src/auth/token.ts';
import { issuerConfig, makeKey, makeToken, percentile } from './tokens.ts';

const STORM = 1_000;
const VALID = 500;
const SECONDS = 10;

let fetches = 0;
const key = makeKey('ES256', 'k');
const server = createServer((_, response) => {
  fetches += 1;
  setTimeout(() => response.end(JSON.stringify({ keys: [key.jwk] })), 50);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
// The clock of the verifier can be moved, so that the cooldown is over when the storm begins.
const clock = { ahead: 0 };
const verifier = createVerifier([issuerConfig(`http://127.0.0.1:${port}/keys`)], {
  reach: 'loopback',
  now: () => Date.now() + clock.ahead,
});

type Sent = {
  /** From when a token was due. */
  readonly latencies: number[];
  /** From when it was sent, which leaves the timer out. */
  readonly services: number[];
  accepted: number;
};

/** Sends each list evenly over the same second; how long each token took, in milliseconds. */
async function send(...lists: readonly (readonly string[])[]): Promise<Sent[]> {
  const sent = lists.map((): Sent => ({ latencies: [], services: [], accepted: 0 }));
  const dates = lists
    .flatMap((tokens, list) =>
      tokens.map((token, index) => ({ list, token, at: ((index + 0.5) * 1000) / tokens.length })),
    )
    .sort((a, b) => a.at - b.at);
  const begin = performance.now();
  const pending: Promise<void>[] = [];
  for (const { list, token, at } of dates) {
    while (performance.now() < begin + at) {
      await delay(1);
    }
    const result = sent[list];
    const start = performance.now();
    pending.push(
      verifier
        .verify(token)
        .then(
          () => true,
          () => false,
        )
        .then((good) => {
          const end = performance.now();
          result?.latencies.push(end - begin - at);
          result?.services.push(end - start);
          if (good && result !== undefined) {
            result.accepted += 1;
          }
        }),
    );
  }
  await Promise.all(pending);
  return sent;
}

const valid = Array.from({ length: VALID }, (_, index) => makeToken(key, 'k', `v${index}`));
const madeUp = () =>
  Array.from({ length: STORM }, (_, index) => makeToken(key, crypto.randomUUID(), `m${index}`));

type Times = { readonly latency: number[]; readonly service: number[] };
const idle: Times = { latency: [], service: [] };
const stormy: Times = { latency: [], service: [] };
let refused = 0;
let wrong = 0;
let stormFetches = 0;
await send(valid); // warm
for (let second = 0; second < SECONDS; second += 1) {
  const [quiet] = await send(valid);
  const storm = madeUp();
  clock.ahead += 31_000;
  const before = fetches;
  const [noisy, strangers] = await send(valid, storm);
  if (quiet === undefined || noisy === undefined || strangers === undefined) {
    throw new Error('Nothing was sent');
  }
  stormFetches += fetches - before;
  idle.latency.push(...quiet.latencies);
  idle.service.push(...quiet.services);
  stormy.latency.push(...noisy.latencies);
  stormy.service.push(...noisy.services);
  refused += STORM - strangers.accepted;
  wrong += 2 * VALID - quiet.accepted - noisy.accepted + strangers.accepted;
}
verifier.close();
server.close();

const row = (name: string, times: readonly number[]) =>
  `${name.padEnd(34)} p50 ${percentile(times, 0.5).toFixed(3)} ms  p99 ${percentile(times, 0.99).toFixed(3)} ms`;
const ratio = (of: keyof Times, share: number) =>
  (percentile(stormy[of], share) / percentile(idle[of], share)).toFixed(2);
const rows = (of: keyof Times, since: string) => [
  row(`valid, idle, since ${since}`, idle[of]),
  row(`valid, in the storm, since ${since}`, stormy[of]),
  `${'ratio'.padEnd(34)} p50 ${ratio(of, 0.5)}      p99 ${ratio(of, 0.99)}      goal: p50 <= 1.5`,
];
process.stdout.write(
  [
    `${SECONDS} times: ${VALID} valid tokens in a second, alone and beside ${STORM} with made-up key ids`,
    `fetches during storms  ${stormFetches} (${stormFetches / SECONDS} per storm)`,
    `refused of the storm   ${refused} of ${SECONDS * STORM}`,
    `wrong outcomes         ${wrong}`,
    ...rows('latency', 'due'),
    ...rows('service', 'sent'),
    '',
  ].join('\n'),
);
process.exitCode = wrong === 0 ? 0 : 1;
