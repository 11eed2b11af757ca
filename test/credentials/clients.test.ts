// Clients and sessions through the API: which keys may not be registered, for whom and for what; that no private key comes back
// from anywhere; what is shown of each kind, and how each ends. What a client gets with its signature is the token service's.

import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, AGENTS, type AgentName, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { ecKey, rsaKey } from '../auth/forge.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

type Query = RunningServer['query'];
type Terms = {
  readonly holder?: string;
  readonly capabilities?: readonly string[];
  readonly delegation?: string;
  readonly seconds?: number;
  readonly publicKey?: object;
};

const PUBLIC = ecKey().jwk;
const agent = (name: AgentName) => toGlobalId('Agent', AGENTS[name].id);
const uuidOf = (id: string) => Buffer.from(id, 'base64url').toString().split(':')[1] ?? '';

function asked(query: Query, who: ActorName | 'nobody', terms: Terms = {}, asking: Asking = {}) {
  const input = {
    label: 'for a test',
    capabilities: [...(terms.capabilities ?? ['memory:read'])],
    holderId: terms.holder ?? null,
    delegationId: terms.delegation ?? null,
    publicKey: { ...(terms.publicKey ?? PUBLIC) },
    lifetimeSeconds: terms.seconds ?? 3600,
  };
  return query(who, documents.RegisterClientDocument, { input }, asking);
}

const register = async (...args: Parameters<typeof asked>) => dataOf(await asked(...args)).registerClient;

/** A client that was registered. */
async function made(...args: Parameters<typeof asked>) {
  const answer = await register(...args);
  if (answer.__typename !== 'RegisteredClient') {
    throw new Error(`no client: ${JSON.stringify(answer)}`);
  }
  return { called: answer.clientId, ...answer.credential };
}

const refusedFor = (answer: Awaited<ReturnType<typeof register>>) =>
  answer.__typename === 'CredentialRefused' ? answer.reason : answer.__typename;

/** A session of somebody, as the token service would start one. */
async function session({ migrate }: RunningServer, who: 'alice' | 'bob'): Promise<string> {
  const id = newId();
  await migrate((sql) =>
    sql.rows(
      `insert into credentials (tenant_id, id, owner_id, entity_id, kind, label, capabilities, expires_at, created_by, request_id)
       values ($1, $2, $3, $3, 'session', 'Signed in', '{memory:read}', now() + interval '1 hour', $3, $2)`,
      [TENANTS.acme.id, id, USERS[who].id],
    ),
  );
  return toGlobalId('Credential', id);
}

async function createKey(query: Query, capabilities: readonly string[], seconds = 3600) {
  const input = { label: 'for a test', capabilities: [...capabilities], lifetimeSeconds: seconds };
  const answer = dataOf(await query('alice', documents.CreateApiKeyDocument, { input })).createApiKey;
  if (answer.__typename !== 'IssuedApiKey') {
    throw new Error(`no key: ${JSON.stringify(answer)}`);
  }
  return { id: answer.credential.id, asking: { headers: { 'x-api-key': answer.key } } satisfies Asking };
}

type Filter = documents.CredentialFilter;
const listed = async (query: Query, who: ActorName, filter: Filter | null = null, asking: Asking = {}) =>
  dataOf(
    await query(who, documents.CredentialsDocument, { first: 100, filter }, asking),
  ).credentials.edges.map(({ node }) => node);
const revoke = async (query: Query, who: ActorName, id: string) =>
  dataOf(await query(who, documents.RevokeCredentialDocument, { input: { id } })).revokeCredential;

test('a key with anything private in it is refused, and it stands in no answer, no log and no row', async ({
  query,
  server,
}) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const before = (await listed(query, 'alice')).length;
  const secrets = [ec.d, rsa.d, rsa.p, rsa.q, rsa.dp, rsa.dq, rsa.qi, 'c2VjcmV0LXNlY3JldA'].map(String);
  for (const publicKey of [
    ec,
    rsa,
    { ...PUBLIC, p: rsa.p },
    { ...PUBLIC, k: 'c2VjcmV0LXNlY3JldA' },
    { kty: 'oct', k: 'c2VjcmV0LXNlY3JldA' },
  ]) {
    const answer = await asked(query, 'alice', { publicKey });
    expect(refusedFor(dataOf(answer).registerClient)).toBe('PUBLIC_KEY');
    expect(secrets.filter((secret) => answer.text.includes(secret))).toEqual([]);
  }
  const entries = await server.migrate((sql) => sql.list('select a::text from audit_entries a'));
  const rows = await server.migrate((sql) => sql.list('select k::text from credentials k'));
  const kept = [JSON.stringify(server.log), ...entries, ...rows];
  expect(entries.filter((entry) => entry.includes('public_key')).length).toBe(5);
  expect(secrets.filter((secret) => kept.some((text) => text.includes(secret)))).toEqual([]);
  expect((await listed(query, 'alice')).length).toBe(before);
});

test('a key that is too weak or for something else is refused', async ({ query }) => {
  for (const publicKey of [
    rsaKey(undefined, 1024).jwk,
    rsaKey(undefined, 2048, 3).jwk,
    ecKey(undefined, 'P-384').jwk,
    { ...PUBLIC, use: 'enc' },
    {},
  ]) {
    expect(refusedFor(await register(query, 'alice', { publicKey }))).toBe('PUBLIC_KEY');
  }
});

test('nobody registers a client under a delegation, as an agent, or with a token that is not for it', async ({
  query,
}) => {
  const cases: [ActorName, Asking][] = [
    ['scout', { delegation: 'scout' }],
    ['scout', {}],
    ['alice', { scopes: ['memory:read', 'user:read', 'key:read', 'key:update'] }],
  ];
  for (const [who, asking] of cases) {
    expect([who, refusedFor(await register(query, who, {}, asking))]).toEqual([who, 'AUTHORITY']);
  }
  const anonymous = await asked(query, 'nobody');
  expect([anonymous.status, codesOf(anonymous)]).toEqual([401, ['UNAUTHENTICATED']]);
});

test('nobody registers a client for somebody else or their agent, be they near, far or absent', async ({
  query,
}) => {
  for (const holder of [
    toGlobalId('User', USERS.bob.id),
    agent('bobot'),
    agent('mimic'),
    toGlobalId('User', USERS.mallory.id),
    toGlobalId('User', newId()),
  ]) {
    expect(refusedFor(await register(query, 'alice', { holder }))).toBe('ENTITY');
  }
});

test('a client never allows more than what it was made with, and an agent’s nothing that is personal', async ({
  query,
}) => {
  const scopes = ['key:create', 'key:read', 'memory:read'];
  for (const capabilities of [['memory:read', 'memory:create'], ['tenant:administer'], ['key:update']]) {
    expect(refusedFor(await register(query, 'alice', { capabilities }, { scopes }))).toBe('CAPABILITIES');
  }
  const personal = { holder: agent('scout'), capabilities: ['key:create'] };
  expect(refusedFor(await register(query, 'alice', personal))).toBe('CAPABILITIES');
});

test('a client works for a year at most, begins in no past, and does not outlive the key it was made with', async ({
  query,
}) => {
  const { asking } = await createKey(query, ['key:create', 'key:read', 'memory:read'], 600);
  expect(refusedFor(await register(query, 'alice', { seconds: 366 * 86_400 }))).toBe('LIFETIME');
  expect((await asked(query, 'alice', { seconds: -5 })).body.errors?.[0]?.extensions?.code).toBe(
    'BAD_USER_INPUT',
  );
  expect(refusedFor(await register(query, 'nobody', {}, asking))).toBe('LIFETIME');
  expect((await register(query, 'nobody', { seconds: 300 }, asking)).__typename).toBe('RegisteredClient');
});

test('a client is bound to no delegation but one that its agent holds', async ({ query }) => {
  const bound = (name: keyof typeof DELEGATIONS) => ({
    holder: agent('scout'),
    delegation: toGlobalId('Delegation', DELEGATIONS[name].id),
  });
  expect(refusedFor(await register(query, 'alice', bound('bobot')))).toBe('DELEGATION');
  const own = bound('scoutInGarden');
  expect((await made(query, 'alice', own)).delegationId).toBe(own.delegation);
});

test('a client or a session is not replaced: the answer is the one for a key that is not there', async ({
  query,
  server,
}) => {
  const rotate = async (id: string) =>
    (await query('alice', documents.RotateApiKeyDocument, { input: { id } })).text.replaceAll(id, '<id>');
  const absent = await rotate(toGlobalId('Credential', newId()));
  expect(absent).toContain('NotFound');
  for (const id of [(await made(query, 'alice')).id, await session(server, 'alice')]) {
    expect(await rotate(id)).toBe(absent);
  }
});

test('nobody sees or ends a client or a session of somebody else; an administrator does', async ({
  query,
  server,
}) => {
  for (const id of [(await made(query, 'alice')).id, await session(server, 'alice')]) {
    for (const [who, asking] of [
      ['bob', {}],
      ['mallory', {}],
      ['scout', {}],
      ['scout', { delegation: 'scout' }],
    ] as [ActorName, Asking][]) {
      const seen = (await listed(query, who, null, asking)).map((node) => node.id);
      expect([who, seen]).toEqual([who, expect.not.arrayContaining([id])]);
    }
    expect((await revoke(query, 'bob', id)).__typename).toBe('NotFound');
    expect((await listed(query, 'alice')).find((node) => node.id === id)?.state).toBe('ACTIVE');
    expect((await revoke(query, 'ada', id)).__typename).toBe('RevokedCredential');
    expect((await listed(query, 'alice')).find((node) => node.id === id)?.state).toBe('REVOKED');
  }
});

test('what ends somebody’s credentials, or an agent, ends clients and sessions too', async ({
  query,
  server,
}) => {
  const ofAgent = await made(query, 'bob', { holder: agent('bobot') });
  const own = [(await made(query, 'bob')).id, await session(server, 'bob')];
  const states = async (ids: readonly string[]) =>
    (await listed(query, 'ada')).filter(({ id }) => ids.includes(id)).map(({ state }) => state);
  await query('bob', documents.RevokeAgentDocument, { input: { agentId: agent('bobot') } });
  expect(await states([ofAgent.id])).toEqual(['REVOKED']);
  expect(await states(own)).toEqual(['ACTIVE', 'ACTIVE']);
  await query('bob', documents.EndCredentialsDocument, {
    input: { holderId: toGlobalId('User', USERS.bob.id) },
  });
  expect(await states(own)).toEqual(['REVOKED', 'REVOKED']);
});

test('of a client nothing is shown or kept of its key but the public half', async ({ query, server }) => {
  const publicKey = { ...PUBLIC, kid: 'first', alg: 'ES256' };
  const more = { use: 'sig', key_ops: ['verify'], note: 'private remark' };
  const { id, called, ...client } = await made(query, 'alice', { publicKey: { ...publicKey, ...more } });
  expect(client).toMatchObject({ kind: 'CLIENT', hint: null, publicKey, replacesId: null, state: 'ACTIVE' });
  expect([called, client.clientId]).toEqual([`${uuidOf(id)}@acme`, `${uuidOf(id)}@acme`]);
  const kept = await server.migrate((sql) =>
    sql.rows('select public_key, digest, hint from credentials where id = $1', [uuidOf(id)]),
  );
  expect(kept).toEqual([{ public_key: publicKey, digest: null, hint: null }]);
});

test('each kind is shown as what it is, and found by it', async ({ query, server }) => {
  const { id: key } = await createKey(query, ['memory:read']);
  const { id: client } = await made(query, 'alice');
  const sessionId = await session(server, 'alice');
  const ofKinds = async (...kinds: documents.CredentialKind[]) => {
    const nodes = await listed(query, 'alice', { kinds });
    return { kinds: [...new Set(nodes.map(({ kind }) => kind))].sort(), ids: nodes.map(({ id }) => id) };
  };
  expect(await ofKinds()).toEqual({ kinds: [], ids: [] });
  expect(await ofKinds('API_KEY')).toMatchObject({ kinds: ['API_KEY'], ids: expect.arrayContaining([key]) });
  expect(await ofKinds('CLIENT')).toMatchObject({ kinds: ['CLIENT'], ids: expect.arrayContaining([client]) });
  expect(await ofKinds('SESSION', 'CLIENT', 'SESSION')).toMatchObject({
    kinds: ['CLIENT', 'SESSION'],
    ids: expect.arrayContaining([client, sessionId]),
  });
  const [one] = (await listed(query, 'alice', { kinds: ['SESSION'] })).filter(({ id }) => id === sessionId);
  expect(one).toMatchObject({ label: 'Signed in', hint: null, publicKey: null, clientId: null });
  const [other] = (await listed(query, 'alice', { kinds: ['API_KEY'] })).filter(({ id }) => id === key);
  expect(other).toMatchObject({ hint: expect.stringMatching(/^bwk_/), publicKey: null, clientId: null });
});

test('the ids of clients cost a token no statement, and an API key one for the whole page', async ({
  query,
  server,
}) => {
  await made(query, 'alice');
  await made(query, 'alice');
  const { asking } = await createKey(query, ['key:read']);
  const asks = async (fields: string, who: ActorName | 'nobody', how: Asking) => {
    const text = `{ credentials(filter: { kinds: [CLIENT] }) { edges { node { ${fields} } } } }`;
    const answer = await query(who, text, undefined, how);
    const { edges } = (answer.body.data as { credentials: { edges: { node: { clientId?: string } }[] } })
      .credentials;
    return {
      statements: server.cost(answer).statements.length,
      ids: edges.map(({ node }) => node.clientId ?? ''),
    };
  };
  const plain = await asks('id', 'alice', {});
  const byToken = await asks('clientId', 'alice', {});
  const byKey = await asks('clientId', 'nobody', asking);
  expect([plain.statements, byToken.statements, byKey.statements]).toEqual([1, 1, 2]);
  expect(byToken.ids.length).toBeGreaterThan(1);
  expect(byToken.ids.filter((id) => !/^[0-9a-f-]{36}@acme$/.test(id))).toEqual([]);
  expect(byKey.ids).toEqual(byToken.ids);
});

test('registering and being refused each leave an entry in the log of changes', async ({ query, server }) => {
  const entries = () =>
    server.migrate((sql) =>
      sql.rows<{ event: string; target_kind: string; detail: Record<string, unknown> }>(
        "select event, target_kind, detail from audit_entries where event ~ '^client' order by id",
      ),
    );
  const before = (await entries()).length;
  await made(query, 'alice');
  await register(query, 'alice', { publicKey: { kty: 'oct', k: 'AA' } });
  await register(query, 'alice', { holder: agent('bobot') });
  expect((await entries()).slice(before)).toEqual([
    {
      event: 'client.registered',
      target_kind: 'client',
      detail: expect.objectContaining({ entityId: USERS.alice.id, capabilities: ['memory:read'] }),
    },
    { event: 'client.register_refused', target_kind: 'entity', detail: { reason: 'public_key' } },
    { event: 'client.register_refused', target_kind: 'entity', detail: { reason: 'entity' } },
  ]);
});
