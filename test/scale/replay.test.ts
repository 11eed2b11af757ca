// What was used up through one server process is used up at the other, and of two uses at the same moment, one at each, one counts. Real processes on
// one database, each with the memory of its own in which a second use could be overlooked.

import { afterAll, expect, test, vi } from 'vitest';
import { ecKey } from '../auth/forge.ts';
import { migrate } from '../kit/as.ts';
import { install, PUBLIC_URL, type Spawned } from './product.ts';
import {
  askTokens,
  from,
  now,
  proofForApi,
  proofForTokens,
  refreshing,
  registerClient,
  signIn,
  signingIn,
  type TokenAnswer,
} from './tokens.ts';

const installation = await install();
afterAll(() => installation.end());
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const SETTINGS = { PUBLIC_URL, TRUST_PROXY: '1' };
// both at once, on a folder with nothing in it: the secrets that they share are made by one of them
const servers = await Promise.all([installation.spawn(SETTINGS), installation.spawn(SETTINGS)]);
const [a, b] = servers;

const READ = JSON.stringify({ query: '{ memories(first: 1) { edges { node { id } } } }' });

let sources = 0;
/** Where nobody has failed yet. */
const elsewhere = () => {
  sources += 1;
  return from(sources);
};

const outcome = ({ status, error = '' }: TokenAnswer) => `${status} ${error}`.trim();

/** Asks with a bound token and a proof. */
async function ask(server: Spawned, token: string, proof: string): Promise<string> {
  const headers = { authorization: `DPoP ${token}`, dpop: proof, ...elsewhere() };
  return String((await server.post(headers, READ)).status);
}

/** Asks with a token that is bound to nothing; `refused`, or `read`. */
async function read(server: Spawned, token: string): Promise<string> {
  const { status } = await server.post({ authorization: `Bearer ${token}`, ...elsewhere() }, READ);
  return status === 401 ? 'refused' : status === 200 ? 'read' : String(status);
}

/** Signs alice in with a token that is bound to a fresh key. */
async function bound() {
  const key = ecKey();
  const { access_token: token } = await askTokens(a, await signingIn(a, 'alice'), {
    dpop: proofForTokens(key),
  });
  return { key, token };
}

/**
 * Makes so many things that may be used once, and uses each at both servers at the same moment.
 *
 * @param make Makes one, and returns what uses it and says how it went.
 * @returns what came of each, sorted.
 */
async function atBoth(
  times: number,
  make: () => Promise<(server: Spawned) => Promise<string>>,
): Promise<string[][]> {
  const uses = await Promise.all(Array.from({ length: times }, make));
  const pairs: string[][] = [];
  while (pairs.length < times) {
    // a few pairs at a time, so that both of a pair are answered at once and do not wait behind others
    const some = uses.slice(pairs.length, pairs.length + 4);
    const order = pairs.length % 8 === 0 ? [a, b] : [b, a];
    pairs.push(
      ...(await Promise.all(some.map((use) => Promise.all(order.map(use))))).map((pair) => pair.sort()),
    );
  }
  return pairs;
}

/** Until when what `work` has used is remembered, in seconds since the epoch. */
async function rememberedFor(work: () => Promise<unknown>): Promise<number> {
  const marks = () =>
    migrate(installation.database, ({ rows }) =>
      rows<{ mark: string; until: string }>(
        'select mark, extract(epoch from until)::text as until from bailiwick.spent',
      ),
    );
  const before = new Set((await marks()).map(({ mark }) => mark));
  await work();
  const added = (await marks()).filter(({ mark }) => !before.has(mark));
  expect(added).toHaveLength(1);
  return Number(added[0]?.until);
}

test('a proof of possession that one server has taken is refused by the other', async () => {
  const { key, token } = await bound();
  for (const [one, other] of [servers, [b, a] as const]) {
    const proof = proofForApi(key, token);
    expect([await ask(one, token, proof), await ask(other, token, proof)]).toEqual(['200', '401']);
    expect(await ask(other, token, proofForApi(key, token))).toBe('200');
  }
});

test('of two uses of a proof at the same moment, one at each server, exactly one counts', async () => {
  const { key, token } = await bound();
  const pairs = await atBoth(40, async () => {
    const proof = proofForApi(key, token);
    return (server) => ask(server, token, proof);
  });
  expect(pairs).toEqual(pairs.map(() => ['200', '401']));
});

test('a proof that was used at the token endpoint of one server is refused at that of the other', async () => {
  const use = async () => {
    const [parameters, dpop] = [await signingIn(a, 'alice'), proofForTokens(ecKey())];
    return async (server: Spawned) => outcome(await askTokens(server, parameters, { dpop, ...elsewhere() }));
  };
  const once = await use();
  expect([await once(a), await once(b)]).toEqual(['200', '400 invalid_grant']);
  const pairs = await atBoth(8, use);
  expect(pairs).toEqual(pairs.map(() => ['200', '400 invalid_grant']));
});

test("a client's assertion that one server has taken is refused by the other, and of two at the same moment one", async () => {
  const sign = await registerClient(a);
  const use = async () => {
    const parameters = await sign();
    return async (server: Spawned) => outcome(await askTokens(server, parameters, elsewhere()));
  };
  for (const [one, other] of [servers, [b, a] as const]) {
    const once = await use();
    expect([await once(one), await once(other)]).toEqual(['200', '401 invalid_client']);
  }
  const pairs = await atBoth(16, use);
  expect(pairs).toEqual(pairs.map(() => ['200', '401 invalid_client']));
});

test('a refresh token that was used at one server and comes to the other ends its family at both', async () => {
  const refresh = async (server: Spawned, token: string) =>
    await askTokens(server, refreshing(token), elsewhere());
  const first = await signIn(a, 'alice');
  const second = await refresh(a, first.refresh_token);
  expect([await read(b, first.access_token), await read(b, second.access_token)]).toEqual(['read', 'read']);
  expect(outcome(await refresh(b, first.refresh_token))).toBe('400 invalid_grant');
  for (const server of servers) {
    expect(outcome(await refresh(server, second.refresh_token))).toBe('400 invalid_grant');
    for (const { access_token } of [first, second]) {
      expect(await read(server, access_token)).toBe('refused');
    }
  }
});

test('of two uses of a refresh token at the same moment, one at each server, one is the second, and nothing of the family is good', async () => {
  const issued: TokenAnswer[] = [];
  const pairs = await atBoth(8, async () => {
    const { refresh_token } = await signIn(a, 'alice');
    return async (server) => {
      const answer = await askTokens(server, refreshing(refresh_token), elsewhere());
      if (answer.status === 200) {
        issued.push(answer);
      }
      return outcome(answer);
    };
  });
  expect(pairs.filter((pair) => !pair.includes('400 invalid_grant'))).toEqual([]);
  for (const { access_token, refresh_token } of issued) {
    expect([await read(a, access_token), await read(b, access_token)]).toEqual(['refused', 'refused']);
    expect(outcome(await askTokens(b, refreshing(refresh_token), elsewhere()))).toBe('400 invalid_grant');
  }
});

test('what was used is remembered for longer than a server would take it whose clock is as far behind as it may be', async () => {
  /** Seconds by which a server's clock may be behind the database's: beyond that its tickets have expired (src/db/ticket.ts). */
  const LATE = 15;
  const { key, token } = await bound();
  // from a client whose clock is ahead, as far as that is taken
  const early = now() + 4;
  expect(await rememberedFor(() => ask(a, token, proofForApi(key, token, 4)))).toBeGreaterThanOrEqual(
    early + 60 + LATE,
  );
  const parameters = await signingIn(a, 'alice');
  const ahead = now() + 280;
  const exchange = () => askTokens(a, parameters, { dpop: proofForTokens(ecKey(), 280) });
  expect(await rememberedFor(exchange)).toBeGreaterThanOrEqual(ahead + 300 + LATE);
  const sign = await registerClient(a);
  const signed = await sign();
  const { exp } = JSON.parse(
    Buffer.from(signed.client_assertion?.split('.')[1] ?? '', 'base64url').toString(),
  ) as { exp: number };
  expect(await rememberedFor(() => askTokens(a, signed))).toBeGreaterThanOrEqual(exp + LATE);
});
