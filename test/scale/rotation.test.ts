// Keys change while two server processes run, by the operator's own commands: both read what was sealed before and after, both believe what either has
// signed, and what was destroyed is gone at both. Each server remembers keys for a minute, which passes here when a test says so (clock.ts).

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, USERS } from '../../src/demo/cast.ts';
import { part } from '../auth/forge.ts';
import { transcript } from '../cli/transcript.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { migrate } from '../kit/as.ts';
import { CLOCK, install, PUBLIC_URL, type Spawned } from './product.ts';
import { from, signIn } from './tokens.ts';

const installation = await install();
const erasureDir = await mkdtemp(join(tmpdir(), 'bailiwick-erasure-'));
afterAll(async () => {
  await installation.end();
  await rm(erasureDir, { recursive: true });
});

const SLOW = { timeout: 60_000 };
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const SETTINGS = { ...CLOCK, PUBLIC_URL, ERASURE_DIR: erasureDir, TRUST_PROXY: '1' };
const servers = await Promise.all([installation.spawn(SETTINGS), installation.spawn(SETTINGS)]);
const [a, b] = servers;
/** Signed before anything was rotated, so that both servers have read what signs a while ago when it is. */
const [first, firstOfB] = await Promise.all([issue(a), issue(b)]);

/** A command of the operator's, beside the servers; what it prints. */
async function bailiwick(line: string): Promise<string> {
  const { code, out, err } = await transcript(line, { ...installation.env, ...SETTINGS });
  expect([line, code, code === 0 ? '' : err]).toEqual([line, 0, '']);
  return out;
}

const create = (server: Spawned, actor: ActorName, content: string) =>
  server.query(actor, documents.CreateMemoryDocument, { input: { content, sensitive: true } });

/** Has a server seal a memory. Returns the version of the key that it has used. */
async function seal(server: Spawned, actor: ActorName, content: string): Promise<number> {
  const { createMemory: made } = dataOf(await create(server, actor, content));
  const { id = '' } = made as { id?: string };
  return Number(
    await migrate(installation.database, ({ value }) =>
      value(
        `select k.version from memories m
           join data_keys k on k.tenant_id = m.tenant_id and starts_with(m.content, 'bwe1.' || replace(k.id::text, '-', ''))
          where m.id = $1`,
        [fromGlobalId(id).id],
      ),
    ),
  );
}

/** What of somebody's encrypted memories a server opens, in order; null for what is gone. */
async function opened(server: Spawned, actor: ActorName): Promise<(string | null | undefined)[]> {
  const variables = { first: 50, filter: { sensitive: true } };
  const { memories } = dataOf(await server.query(actor, documents.MemoriesDocument, variables));
  return memories.edges.map(({ node }) => node.content).sort();
}

const keysOf = (actor: ActorName) =>
  migrate(installation.database, ({ list }) =>
    list(
      `select format('%s%s%s', version, case when retired_at is not null then ' retired' end, case when destroyed_at is not null then ' destroyed' end)
         from data_keys where holder_id = $1 order by version`,
      [USERS[actor as keyof typeof USERS].id],
    ),
  );

test('the first values of somebody, sealed at both servers at the same moment, are under one key and opened by both', async () => {
  expect(await keysOf('ada')).toEqual([]);
  const written = Array.from({ length: 6 }, (_, n) => `${n} of ada's`);
  const versions = await Promise.all(written.map((content, n) => seal(n % 2 === 0 ? a : b, 'ada', content)));
  expect(new Set(versions)).toEqual(new Set([1]));
  expect(await keysOf('ada')).toEqual(['1']);
  for (const server of servers) {
    expect(await opened(server, 'ada')).toEqual(written);
  }
});

test('a data key is rotated: both servers open what either has sealed, before and after, and seal with the new key within a minute', async () => {
  const whose = ['alice', 'bob'] as const;
  const before: Record<string, (string | null | undefined)[]> = {};
  for (const actor of whose) {
    expect([await seal(a, actor, 'before, a'), await seal(b, actor, 'before, b')]).toEqual([1, 1]);
    before[actor] = await opened(a, actor);
    expect(await opened(b, actor)).toEqual(before[actor]);
  }
  expect(await bailiwick('keys rotate data --no-wait')).toMatch(/ new data keys, /);

  // a server that has not heard of it still seals with the old key, and everybody opens that
  expect(await seal(b, 'bob', 'still')).toBe(1);
  expect(await opened(a, 'bob')).toEqual([...(before.bob ?? []), 'still'].sort());
  // one whose minute has passed seals with the new key, and a server that has never heard of that opens it
  await a.minuteLater();
  expect(await seal(a, 'alice', 'after, a')).toBe(2);
  expect(await opened(b, 'alice')).toEqual([...(before.alice ?? []), 'after, a'].sort());
  await b.minuteLater();
  expect(await seal(b, 'bob', 'after, b')).toBe(2);
  expect(await opened(a, 'bob')).toEqual([...(before.bob ?? []), 'still', 'after, b'].sort());

  // when no server seals with the old keys any more the same command finishes, and leaves nothing under them
  await migrate(installation.database, ({ touched }) =>
    touched("update data_keys set retired_at = retired_at - interval '5 minutes'"),
  );
  expect(await bailiwick('keys rotate data')).toBe('went on: 0 new data keys, 2 values sealed anew\n');
  expect(await bailiwick('keys verify')).toContain(' 0 do not open\n');
  for (const server of servers) {
    expect(await opened(server, 'alice')).toEqual([...(before.alice ?? []), 'after, a'].sort());
    expect(await opened(server, 'bob')).toEqual([...(before.bob ?? []), 'still', 'after, b'].sort());
  }
});

test('the keys of tenants and the key above them are rotated, and neither server notices', async () => {
  const [before, bobs] = [await opened(a, 'alice'), await opened(b, 'bob')];
  expect(await bailiwick('keys rotate kek')).toContain('made local:');
  expect(await bailiwick('keys rotate tenant')).toContain(' data keys wrapped anew');
  await Promise.all(servers.map((server) => server.minuteLater()));
  for (const server of servers) {
    expect([await opened(server, 'alice'), await opened(server, 'bob')]).toEqual([before, bobs]);
  }
});

test('what an owner has is destroyed: at once neither server takes anything new, and within a minute neither opens anything', async () => {
  const [bobs, alices] = [await opened(a, 'bob'), await opened(a, 'alice')];
  expect(await opened(b, 'bob')).toEqual(bobs);
  expect(bobs).not.toContain(null);
  await bailiwick(`keys destroy --tenant acme --owner ${USERS.bob.id} --confirm ${USERS.bob.id}`);
  for (const server of servers) {
    expect(codesOf(await create(server, 'bob', 'too late'))).toEqual(['FORBIDDEN']);
  }
  await Promise.all(servers.map((server) => server.minuteLater()));
  for (const server of servers) {
    expect(await opened(server, 'bob')).toEqual(bobs.map(() => null));
    expect(codesOf(await create(server, 'bob', 'too late'))).toEqual(['CONFLICT']);
    expect(await opened(server, 'alice')).toEqual(alices);
  }
  expect(await keysOf('bob')).toEqual(['1 retired destroyed', '2 retired destroyed']);
});

type Published = { keys: { kid: string }[] };
const published = async ({ origin }: Spawned) => {
  const answer = await fetch(`${origin}/.well-known/jwks.json`);
  return ((await answer.json()) as Published).keys.map(({ kid }) => kid).sort();
};

function headerOf(token: string) {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
}

/** Signs alice in at a server; the token, and the key that has signed it. */
async function issue(server: Spawned) {
  const { access_token: token } = await signIn(server, 'alice');
  return { token, kid: headerOf(token).kid };
}

async function believed(server: Spawned, token: string, source = {}): Promise<boolean> {
  const query = '{ viewer { live } }';
  const { status } = await server.post(
    { authorization: `Bearer ${token}`, ...source },
    JSON.stringify({ query }),
  );
  expect([200, 401]).toContain(status);
  return status === 200;
}

let tries = 0;
/** Has a server read the keys again, as it does once in two seconds for a token of a key that it does not know. */
async function reread(server: Spawned, { token }: { token: string }, until: () => Promise<boolean>) {
  const [, payload, signature] = token.split('.');
  const again = async () => {
    tries += 1;
    const header = part({ ...headerOf(token), kid: crypto.randomUUID() });
    expect(await believed(server, `${header}.${payload}.${signature}`, from(tries))).toBe(false);
    return await until();
  };
  await expect.poll(again, { ...SLOW, interval: 300 }).toBe(true);
}

test('a key that signs tokens is rotated: published by both servers before it signs, and what either signs with either key the other believes', async () => {
  expect(firstOfB.kid).toBe(first.kid);
  expect(await published(a)).toEqual(await published(b));
  const [, ...added] = /^added (\S+), (\S+)\n$/.exec(await bailiwick('signing-keys rotate')) ?? [];
  expect(added).toHaveLength(2);
  const all = [...(await published(a)), ...added].sort();
  const publish = async (server: Spawned) => (await published(server)).join() === all.join();
  await Promise.all(servers.map((server) => reread(server, first, () => publish(server))));
  // published by both, and signed with by none
  expect([(await issue(a)).kid, (await issue(b)).kid]).toEqual([first.kid, first.kid]);

  // an hour passes, and one of them signs with it while the other has not looked again
  await migrate(installation.database, ({ touched }) =>
    touched("update bailiwick.signing_keys set active_at = active_at - interval '61 minutes'"),
  );
  await reread(a, first, async () => (await issue(a)).kid !== first.kid);
  const next = await issue(a);
  expect(added).toContain(next.kid);
  const late = await issue(b);
  for (const server of servers) {
    for (const { token } of [first, next, late]) {
      expect(await believed(server, token)).toBe(true);
    }
  }
  await reread(b, first, async () => (await issue(b)).kid === next.kid);
  expect(await believed(a, (await issue(b)).token)).toBe(true);
  // what the old one has signed is good until it expires
  expect([await published(a), await published(b)]).toEqual([all, all]);

  // one that is removed counts at none, and what signs in its place counts at both
  await bailiwick(`signing-keys remove --kid=${next.kid}`);
  const forgot = async (server: Spawned) => !(await published(server)).includes(next.kid);
  await Promise.all(servers.map((server) => reread(server, first, () => forgot(server))));
  expect(await published(a)).toEqual(await published(b));
  const [of, by] = [await issue(a), await issue(b)];
  expect([of.kid, of.kid === next.kid]).toEqual([by.kid, false]);
  for (const server of servers) {
    expect(await believed(server, next.token)).toBe(false);
    for (const { token } of [first, of, by]) {
      expect(await believed(server, token)).toBe(true);
    }
  }
});
