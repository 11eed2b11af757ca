// A hot standby beside the primary: who asks for rows a little late gets them there, and nobody gets more there than on the primary.
//
// Both are real, and so is the server in front of them. That an answer comes from the standby is seen by what it does not know yet, while
// its replay is paused. Skipped where Debian's PostgreSQL, which has pg_basebackup, is not installed.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { createClient } from '../../src/db/client.ts';
import { SealedPool } from '../../src/db/pool.ts';
import { inspectReplica } from '../../src/db/posture/replica.ts';
import { openReplica } from '../../src/db/replica.ts';
import { issueTicket, type TokenClaims, ticketKey } from '../../src/db/ticket.ts';
import { ACTORS, AGENTS, USERS } from '../../src/demo/cast.ts';
import { DEVELOPMENT_ISSUER } from '../../src/development.ts';
import type { Demo } from '../../src/graphiql/story.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { main, type Running } from '../../src/main.ts';
import { openWire } from '../db/wire.ts';
import { asAdmin } from '../kit/database.ts';
import { testEncryption } from '../kit/keys.ts';
import { findPrograms, type Pair, startPair } from './replica-server.ts';

const programs = await findPrograms();
const MAX_LAG_MS = 4000;
const secret = randomBytes(32);
const dataDir = mkdtempSync(join(tmpdir(), 'bailiwick-replica-'));
const EVENTUAL = { extensions: { consistency: 'eventual' } };
const MEMORIES = '{ memories(first: 100) { edges { node { content ownerId } } } }';

let pair: Pair;
let server: Running;
let identities: Demo['identities'];

beforeAll(async () => {
  if (programs === undefined) {
    return;
  }
  pair = await startPair(programs);
  server = await main(
    readConfig({
      DATABASE_URL: pair.runtimeUrl,
      MIGRATION_DATABASE_URL: pair.migratorUrl,
      REPLICA_DATABASE_URL: pair.replicaUrl,
      REPLICA_MAX_LAG_MS: String(MAX_LAG_MS),
      TICKET_KEY: secret.toString('base64url'),
      DATA_DIR: dataDir,
      PORT: '0',
      MODE: 'development',
      LOG_LEVEL: 'silent',
    }),
  );
  ({ identities } = (await (await fetch(new URL('/development/identities', server.url))).json()) as Demo);
}, 120_000);

afterAll(async () => {
  await server?.stop();
  await pair?.stop();
  rmSync(dataDir, { recursive: true });
});

beforeEach(async ({ skip }) => {
  skip(programs === undefined, 'no PostgreSQL with pg_basebackup under /usr/lib/postgresql');
  await pair.replay('resume');
  // so that what the standby has replayed last is young, however long the test before took
  await sql('update bailiwick.context_key set active = active');
  await pair.caughtUp();
});

type Answered = {
  readonly data?: Record<string, { edges: { node: { content: string; ownerId: string } }[] }> | null;
  readonly errors?: { extensions: { code: string } }[];
  readonly extensions?: { servedBy?: string };
};

/** Asks as somebody of the demo; late unless it is said that it must not be. */
async function ask(
  who: string,
  query: string,
  { headers = {}, strong = false }: { headers?: Record<string, string>; strong?: boolean } = {},
): Promise<Answered & { status: number; owners: string[]; contents: string[] }> {
  const identity = identities.find(({ id }) => id === who);
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${identity?.token}`,
      ...(identity?.delegationId ? { 'delegation-id': identity.delegationId } : {}),
      ...headers,
    },
    body: JSON.stringify({ query, ...(strong ? {} : EVENTUAL) }),
  });
  const answered = (await response.json()) as Answered;
  const rows = answered.data?.memories?.edges.map(({ node }) => node) ?? [];
  return {
    ...answered,
    status: response.status,
    owners: [...new Set(rows.map(({ ownerId }) => ownerId))],
    contents: rows.map(({ content }) => content),
  };
}

const alice = (requestId: RequestId): TokenClaims => ({
  kind: 'token',
  tenant: 'acme',
  issuer: DEVELOPMENT_ISSUER,
  subject: 'alice',
  scopes: SCOPES,
  tokenExpiresAt: new Date(Date.now() + 60_000),
  tokenIssuedAt: new Date(),
  requestId,
});

const servedBy = ({ extensions, errors }: Answered) => errors?.[0]?.extensions.code ?? extensions?.servedBy;
const sql = (text: string, values: unknown[] = []) =>
  asAdmin(pair.adminUrl, (client) => client.query(text, values));

/** Writes a memory of alice's on the primary. */
async function remember(content: string): Promise<void> {
  const { data } = (await ask(
    'alice',
    `mutation { createMemory(input: { content: ${JSON.stringify(content)} }) { __typename } }`,
  )) as { data: unknown };
  expect(data).toMatchObject({ createMemory: { __typename: 'Memory' } });
}

test('nobody sees on the standby what is not their own, and another tenant sees nothing of this one', async () => {
  for (const [who, id] of [
    ['alice', USERS.alice.id],
    ['bob', USERS.bob.id],
    ['mallory', ACTORS.mallory.id],
  ] as const) {
    const late = await ask(who, MEMORIES);
    expect([who, servedBy(late), late.owners]).toEqual([who, 'replica', [toGlobalId('User', id)]]);
    expect(late.contents).toEqual((await ask(who, MEMORIES, { strong: true })).contents);
  }
});

test('what the standby has not replayed yet is not in a late answer, and is in any other', async () => {
  await pair.replay('pause');
  await remember('not replayed yet');
  const [late, now] = [await ask('alice', MEMORIES), await ask('alice', MEMORIES, { strong: true })];
  expect([servedBy(late), servedBy(now)]).toEqual(['replica', undefined]);
  expect(late.contents).not.toContain('not replayed yet');
  expect(now.contents).toContain('not replayed yet');
});

test('whoever acts through a delegation is never answered by the standby: not before, and not after it is revoked', async () => {
  expect(servedBy(await ask('scout', MEMORIES))).toBe('primary');
  await pair.replay('pause');
  const { data } = (await ask(
    'alice',
    `mutation { revokeAgent(input: { agentId: "${toGlobalId('Agent', AGENTS.scout.id)}" }) { __typename } }`,
  )) as { data: unknown };
  expect(data).toMatchObject({ revokeAgent: { __typename: expect.not.stringContaining('NotFound') } });
  const after = await ask('scout', MEMORIES);
  expect([servedBy(after), after.contents]).toEqual(['primary', []]);
});

test('who is suspended sees nothing, though the standby has not heard of it', async () => {
  await pair.replay('pause');
  const set = (status: string) =>
    sql('update entities set status = $1 where id = $2', [status, USERS.alice.id]);
  await set('suspended');
  const suspended = await ask('alice', MEMORIES);
  await set('active');
  expect([servedBy(suspended), suspended.contents]).toEqual(['primary', []]);
});

test('a capability that is taken away is gone at once, though the standby has not heard of it', async () => {
  await pair.replay('pause');
  const ceiling = (value: string | null) =>
    sql('update entities set ceiling = $1::jsonb where id = $2', [value, USERS.alice.id]);
  await ceiling('["agent:read"]');
  const limited = await ask('alice', MEMORIES);
  await ceiling(null);
  expect([servedBy(limited), limited.contents]).toEqual(['primary', []]);
});

test('a token that is ended is refused, though the standby has not heard of it', async () => {
  await pair.replay('pause');
  await sql('update entities set credential_epoch = now() + interval $$1 hour$$ where id = $1', [
    USERS.bob.id,
  ]);
  expect(servedBy(await ask('bob', MEMORIES))).toBe('UNAUTHENTICATED');
  await sql('update entities set credential_epoch = null where id = $1', [USERS.bob.id]);
});

test('what shows standing, what others share, and what writes is answered by the primary', async () => {
  const garden = '019a0000-0000-7003-8000-000000000001';
  for (const query of [
    '{ viewer { live capabilities } }',
    '{ memories(first: 1) { edges { node { world { id } } } } viewer { live } }',
    '{ memories(first: 1) { edges { node { world { name } } } } }',
    `{ sharedMemories(worldId: "${toGlobalId('World', garden)}", first: 1) { edges { node { id } } } }`,
    '{ searchMemories(query: "tea", first: 1) { edges { node { id } } } }',
    `{ node(id: "${toGlobalId('User', USERS.alice.id)}") { id } }`,
    `{ ... on Query { node(id: "${toGlobalId('Agent', AGENTS.scout.id)}") { ... on Agent { name } } } }`,
    '{ delegationsGranted(first: 1) { edges { node { id } } } }',
    '{ credentials(first: 1) { edges { node { id } } } }',
    '{ permissions(first: 1) { edges { node { id } } } }',
    '{ approvals(first: 1) { edges { node { id } } } }',
    '{ accessReceipts(first: 1) { edges { node { id } } } }',
    '{ worlds(first: 1) { edges { node { id } } } }',
  ]) {
    expect([query, (await ask('alice', query)).extensions?.servedBy]).toEqual([query, 'primary']);
  }
  expect(servedBy(await ask('ada', MEMORIES))).toBe('primary');
  const looking = await ask('alice', MEMORIES, {
    headers: { 'view-as': identities.find(({ id }) => id === 'scribe')?.delegationId ?? '' },
  });
  expect(servedBy(looking)).toBe('primary');
});

test('an API key is answered by the primary', async () => {
  const made = (await ask(
    'alice',
    'mutation { createApiKey(input: { label: "late", capabilities: ["memory:read"] }) { ... on IssuedApiKey { key } } }',
  )) as unknown as { data: { createApiKey: { key: string } } };
  await pair.caughtUp();
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': made.data.createApiKey.key,
    },
    body: JSON.stringify({ query: MEMORIES, ...EVENTUAL }),
  });
  expect(servedBy((await response.json()) as Answered)).toBe('primary');
});

test('a standby that is too far behind does not answer', async () => {
  await pair.replay('pause');
  await remember('too far behind');
  expect(servedBy(await ask('alice', MEMORIES))).toBe('replica');
  await sleep(MAX_LAG_MS + 100);
  const late = await ask('alice', MEMORIES);
  expect([servedBy(late), late.contents.includes('too far behind')]).toEqual(['primary', true]);
});

test('while nothing is written, a standby that has everything answers, however long ago that was', async () => {
  await sql('checkpoint');
  await pair.caughtUp();
  await sleep(MAX_LAG_MS + 500);
  await pair.caughtUp();
  // the primary writes a little by itself at times, and that is replayed in an instant
  await expect.poll(async () => servedBy(await ask('alice', MEMORIES)), { timeout: 3000 }).toBe('replica');
});

test('the standby opens the same contexts, and takes no write of anybody', async () => {
  const requestId = newId<RequestId>();
  const claims = alice(requestId);
  await asAdmin(pair.replicaUrl, async (client) => {
    const open = async () => {
      await client.query('begin');
      await client.query('select bailiwick.open($1, $2)', issueTicket(claims, ticketKey(secret)));
    };
    const seen = 'select distinct owner_id::text as owner from memories';
    expect((await client.query(seen)).rows).toEqual([]);
    await open();
    expect((await client.query(seen)).rows).toEqual([{ owner: USERS.alice.id }]);
    const written = "update memories set content = 'changed'";
    await expect(client.query(written)).rejects.toMatchObject({ code: '25006' });
    await client.query('rollback');
    await open();
    expect((await client.query('select bailiwick.close($1) as closed', [requestId])).rows).toEqual([
      { closed: requestId },
    ]);
    await client.query('commit');
  });
});

test('of a known caller the standby is asked in two round trips, and how late it is before anything else', async () => {
  const wire = await openWire(pair.replicaUrl);
  const limits = { size: 2, waitMs: 2000, statementMs: 3000, transactionMs: 6000 };
  const options = {
    limits,
    serverVersion: 150_000,
    ticketKey: ticketKey(secret),
    encryption: testEncryption(),
  };
  const lost = () => undefined;
  const replica = openReplica({ url: wire.url, maxLagMs: MAX_LAG_MS }, { ...options, lost });
  const pool = new SealedPool(pair.runtimeUrl, limits, options.serverVersion);
  const client = createClient(pool, options.encryption);
  const primary = { client, ticketKey: options.ticketKey, transactionMs: 6000, waitMs: 2000 };
  const read = () =>
    replica.read(primary, alice(newId()), { readOnly: true, repeatable: true }, ({ db, ownerId }) =>
      db.memory.findMany({ where: { ownerId }, take: 20, select: { ownerId: true } }),
    );
  await read();
  const at = (text: string) => wire.heard().texts.findIndex((sent) => sent.includes(text));
  const order = [at('bailiwick.open'), at('pg_last_wal_replay_lsn'), at('"memories"')];
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(order).not.toContain(-1);
  wire.listen();
  const answered = await read();
  const { roundTrips, types } = wire.heard();
  await Promise.all([client.$disconnect().then(() => pool.end()), replica.close()]);
  expect(answered?.result[0]).toEqual({ ownerId: USERS.alice.id });
  // the opening, how late it is, the rows; and the end
  expect([roundTrips, types.replaceAll(/[^S]/g, '')]).toEqual([2, 'SSSS']);
});

test('a new seal key reaches the standby with everything else', async () => {
  await sql(`with old as (update bailiwick.context_key set active = false where purpose = 'seal' returning 1)
             select count(*) from old`);
  await sql('select bailiwick.ensure_seal_key()');
  await pair.caughtUp();
  const late = await ask('alice', MEMORIES);
  expect([servedBy(late), late.owners]).toEqual(['replica', [toGlobalId('User', USERS.alice.id)]]);
});

test('what is no standby of this cluster is refused at the start, and one that is away is only told of', async () => {
  const checks = async (url: string) =>
    (await inspectReplica(url, pair.migratorUrl)).map(({ check, level }) => [check, level]);
  expect(await checks(pair.replicaUrl)).toEqual([]);
  expect(await checks(pair.runtimeUrl)).toEqual([['replica-standby', 'refuse']]);
  expect(await checks(pair.standbyAdminUrl)).toEqual([['replica-identity', 'refuse']]);
  const elsewhere = new URL(pair.replicaUrl);
  elsewhere.pathname = 'postgres';
  expect(await checks(elsewhere.href)).toEqual([['replica-cluster', 'refuse']]);
  expect(await checks('postgresql://bailiwick_runtime@127.0.0.1:1/bailiwick')).toEqual([
    ['replica-reached', 'warn'],
  ]);
});

test('a standby that stops is not missed, and is asked again when it is back', async () => {
  await pair.standby('stop');
  for (let turn = 0; turn < 3; turn += 1) {
    const late = await ask('alice', MEMORIES);
    expect([servedBy(late), late.owners]).toEqual(['primary', [toGlobalId('User', USERS.alice.id)]]);
  }
  await pair.standby('start');
  await expect
    .poll(async () => servedBy(await ask('alice', MEMORIES)), { timeout: 15_000, interval: 500 })
    .toBe('replica');
});
