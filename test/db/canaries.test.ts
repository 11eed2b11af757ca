// What was written as sensitive is nowhere in the database in clear, whoever looks: not in any column of any table, so in no dump and
// no backup; not for the runtime role in SQL of its own; not in what the server says it is doing, nor in its log with every
// parameter in it.
//
// Canaries are written through the API and searched for in every form in which bytes show in text. Each search finds the canary of
// a memory that is not sensitive, so a search that finds nothing has looked. Memory of the server's process is not looked into.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import pg from 'pg';
import { test as base, expect, vi } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { dataOf } from '../kit/answer.ts';
import { as, ISSUER } from '../kit/as.ts';
import { asAdmin, type TestDatabase } from '../kit/database.ts';
import { testKeys } from '../kit/keys.ts';
import { type RunningServer, startServer } from '../kit/server.ts';

/** A word that nobody else says; lower case, so that a text search would keep it as it is. */
const canary = () => `c${randomBytes(16).toString('hex')}`;

/** What is searched for. */
type Canaries = {
  /** What was sensitive from the beginning, by how it was written. */
  readonly sealed: Readonly<Record<string, string>>;
  /** What was not sensitive at first. */
  readonly later: string;
  /** What is not sensitive. */
  readonly plain: string;
};

/** As a canary can look: itself, in hexadecimal, and in base64 wherever in three bytes it begins. */
function forms(word: string): string[] {
  const shifted = [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${'-'.repeat(shift)}${word}`).toString('base64url');
    return text.slice(shift === 0 ? 0 : 4, -4).toLowerCase();
  });
  return [word, Buffer.from(word).toString('hex'), ...shifted];
}

/** The canaries that are in a text, whatever they look like. */
function seen(texts: readonly string[], words: Readonly<Record<string, string>>): string[] {
  const all = texts.map((text) => text.toLowerCase());
  return Object.entries(words)
    .filter(([, word]) => forms(word).some((form) => all.some((text) => text.includes(form))))
    .map(([name]) => name);
}

const memory = (server: RunningServer, input: documents.CreateMemoryInput) =>
  server
    .query('alice', documents.CreateMemoryDocument, { input })
    .then((answer) => dataOf(answer).createMemory)
    .then((made) => (made.__typename === 'Memory' ? made : expect.unreachable()));

async function write(server: RunningServer): Promise<Canaries> {
  const sealed: Record<string, string> = {};
  const word = (name: string) => {
    sealed[name] = canary();
    return sealed[name];
  };
  const { query } = server;
  const plain = canary();
  const later = canary();

  const first = await memory(server, {
    content: word('content of createMemory'),
    metadata: { [word('name in metadata of createMemory')]: word('value in metadata of createMemory') },
    sensitive: true,
  });
  await memory(server, { content: plain, metadata: { plain }, sensitive: false });
  const many = [1, 2, 3].map((n) => ({
    content: word(`content ${n} of createMemories`),
    metadata: { deep: [{ er: word(`metadata ${n} of createMemories`) }] },
    sensitive: true,
  }));
  dataOf(await query('alice', documents.CreateMemoriesDocument, { input: { memories: many } }));

  const change = async (input: documents.UpdateMemoryInput) => {
    const changed = dataOf(await query('alice', documents.UpdateMemoryDocument, { input })).updateMemory;
    expect(changed).toMatchObject({ __typename: 'Memory', sensitive: true, content: input.content ?? later });
  };
  await change({ id: first.id, content: word('content of updateMemory') });
  await change({
    id: first.id,
    content: word('content again'),
    metadata: { x: word('metadata of updateMemory') },
  });
  const turned = await memory(server, { content: later, metadata: { later } });
  await change({ id: turned.id, sensitive: true });

  const instructions = (how: string) => ({
    systemPrompt: word(`systemPrompt of ${how}`),
    privateInstructions: word(`privateInstructions of ${how}`),
  });
  const input = { name: 'Keeper', ...instructions('createAgent') };
  const agent = dataOf(await query('alice', documents.CreateAgentDocument, { input })).createAgent;
  if (agent.__typename !== 'Agent') {
    return expect.unreachable();
  }
  await query('alice', documents.UpdateAgentDocument, {
    input: { id: agent.id, ...instructions('updateAgent') },
  });
  await secrets(server, word);
  await requests(server, word);
  return { sealed, later, plain };
}

/** What an agent asks its owner: by itself, and for a call of a service. */
async function requests({ query }: RunningServer, word: (name: string) => string): Promise<void> {
  const asking = { delegation: 'scout' } as const;
  const input = {
    service: 'mail',
    action: 'messages.send',
    arguments: {
      [word('name in arguments of authorizeAction')]: [word('value in arguments of authorizeAction')],
    },
  };
  const asked = dataOf(await query('scout', documents.AuthorizeActionDocument, { input }, asking));
  expect(asked.authorizeAction.approval?.arguments).toEqual(input.arguments);
  const call = {
    credentialId: toGlobalId('ServiceCredential', SERVICES.tracker.id),
    call: 'issues.create',
    parameters: { bed: 'lower' },
    body: { title: word('body of callService') },
  };
  const { callService } = dataOf(
    await query('scout', documents.CallServiceDocument, { input: call }, asking),
  );
  expect(callService).toMatchObject({ approval: { arguments: { body: call.body } } });
}

/** A secret for a service: kept, replaced, looked for, and used. */
async function secrets({ query }: RunningServer, word: (name: string) => string): Promise<void> {
  const secret = word('secret of rotateServiceCredential');
  const made = dataOf(
    await query('alice', documents.CreateServiceCredentialDocument, {
      input: {
        service: 'kept',
        label: 'Kept',
        kind: 'API_KEY',
        secret: word('secret of createServiceCredential'),
        origin: 'https://kept.invalid',
        calls: [{ name: 'ask', method: 'GET', path: '/' }],
      },
    }),
  ).createServiceCredential;
  if (made.__typename !== 'ServiceCredential') {
    return expect.unreachable();
  }
  const { id } = made;
  dataOf(await query('alice', documents.RotateServiceCredentialDocument, { input: { id, secret } }));
  const { serviceCredentials } = dataOf(
    await query('alice', documents.ServiceCredentialsDocument, { filter: { holding: secret } }),
  );
  expect(serviceCredentials.edges.map(({ node }) => node.id)).toEqual([id]);
  const { callService } = dataOf(
    await query('alice', documents.CallServiceDocument, { input: { credentialId: id, call: 'ask' } }),
  );
  expect(callService).toMatchObject({ fault: 'ADDRESS' });
}

/** Every row of every table as text; of all schemas, with what the planner has noted of their values. */
function everything({ adminUrl }: Pick<TestDatabase, 'adminUrl'>): Promise<string[]> {
  return asAdmin(adminUrl, async (client) => {
    await client.query('analyze');
    const { rows: tables } = await client.query<{ name: string; ours: boolean }>(
      `select c.oid::regclass::text as name, n.nspname not in ('pg_catalog', 'information_schema') as ours
         from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'm') order by 2, 1`,
    );
    const texts: string[] = [];
    for (const { name, ours } of tables) {
      // values of no particular type, as pg_statistic has them, are not for to_jsonb
      const { rows } = await client.query<{ text: string }>(
        `select ${ours ? 'to_jsonb(t)::text' : 't::text'} as text from ${name} t`,
      );
      texts.push(...rows.map(({ text }) => `${name} ${text}`));
    }
    return texts;
  });
}

/** Makes the server log all statements with all their parameters, and send what it logs to the client too. */
async function logEverything({ adminUrl, name }: TestDatabase): Promise<void> {
  const settings = {
    log_statement: 'all',
    log_min_duration_statement: '0',
    client_min_messages: 'log',
    log_parameter_max_length: '-1',
    log_parameter_max_length_on_error: '-1',
  };
  await asAdmin(adminUrl, async (client) => {
    for (const [setting, value] of Object.entries(settings)) {
      await client.query(`alter database ${name} set ${setting} = '${value}'`);
    }
  });
}

const test = base.extend(
  'stage',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  async ({}, { onCleanup }) => {
    const server = await startServer();
    onCleanup(() => server.stop());
    await seedCast(server.database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
    await logEverything(server.database);
    const emit = vi.spyOn(pg.Client.prototype, 'emit');
    const canaries = await write(server);
    const events = emit.mock.calls as unknown as [
      event: string,
      notice: { message: string; detail?: string },
    ][];
    const logged = events.flatMap(([event, notice]) =>
      event === 'notice' ? [`${notice.message} ${notice.detail}`] : [],
    );
    emit.mockRestore();
    return { server, canaries, logged };
  },
);

test('a canary is found in whatever form it is kept, and one that is not there is not', () => {
  const word = canary();
  for (const text of [word, `x${word}x`, `..${word}`]) {
    for (const form of ['latin1', 'hex', 'base64', 'base64url'] as const) {
      expect(seen([Buffer.from(text).toString(form)], { word })).toEqual(['word']);
    }
  }
  expect(seen([canary()], { word })).toEqual([]);
});

test('no column of any table holds any of it, and so no dump and no backup of the database', async ({
  stage,
}) => {
  const { server, canaries } = stage;
  const texts = await everything(server.database);
  expect(seen(texts, { ...canaries.sealed, later: canaries.later })).toEqual([]);
  const found = texts.filter((text) => seen([text], { plain: canaries.plain }).length > 0);
  expect(found.some((text) => text.startsWith('memories '))).toBe(true);
});

test('the runtime role sees none of it in SQL of its own, in the name of whoever wrote it', async ({
  stage,
}) => {
  const { server, canaries } = stage;
  const texts = await as(server.database, 'alice', {}, async (sql) => {
    const tables = await sql.list(
      "select c.oid::regclass::text from pg_class c where c.relkind in ('r', 'v', 'm') and has_table_privilege(c.oid, 'select')",
    );
    expect(tables).toContain('memories');
    const rows: string[] = [];
    for (const table of tables) {
      rows.push(...(await sql.list(`select t::text from ${table} t`)));
    }
    const columns = 'id, kind, content, metadata, tags, search, agent_id, world_id';
    rows.push(...(await sql.list(`select row(${columns})::text from memories`)));
    rows.push(
      ...(await sql.list(
        'select row(id, system_prompt, private_instructions)::text from agent_instructions',
      )),
    );
    return rows;
  });
  expect(seen(texts, { ...canaries.sealed, later: canaries.later })).toEqual([]);
  expect(seen(texts, { plain: canaries.plain })).toEqual(['plain']);
});

test("neither the database's log, with every parameter in it, nor its view of activity, nor our own log says any of it", async ({
  stage,
}) => {
  const { server, canaries, logged } = stage;
  expect(logged.join()).toMatch(/Parameters: |parameters: /);
  expect(seen(logged, canaries.sealed)).toEqual([]);
  expect(seen(logged, { plain: canaries.plain, later: canaries.later })).toEqual(['plain', 'later']);
  const activity = await asAdmin(server.database.adminUrl, async (client) => {
    const { rows } = await client.query<{ query: string }>(
      "select query from pg_stat_activity where datname = current_database() and application_name = 'bailiwick'",
    );
    return rows.map(({ query }) => query);
  });
  expect(activity.length).toBeGreaterThan(0);
  const { sealed, later, plain } = canaries;
  const ours = server.log.map((line) => JSON.stringify(line));
  expect(ours.length).toBeGreaterThan(0);
  expect(seen([...activity, ...ours], { ...sealed, later, plain })).toEqual([]);
});

test('whoever wrote it reads all of it through the API', async ({ stage }) => {
  const { server, canaries } = stage;
  const { memories } = dataOf(await server.query('alice', documents.MemoriesDocument, { first: 100 }));
  const { approvals } = dataOf(await server.query('alice', documents.ApprovalsDocument, { first: 100 }));
  const kept = Object.keys(canaries.sealed).filter(
    (name) => !/ of createMemory$|updateMemory$|Agent$|ServiceCredential$/.test(name),
  );
  const read = seen([JSON.stringify({ memories, approvals })], { ...canaries.sealed, later: canaries.later });
  expect(read).toEqual(expect.arrayContaining([...kept, 'later', 'metadata of updateMemory']));
});

/** The program that dumps this server, if it is here: one of another version refuses to. */
async function dumper(major: number): Promise<string | undefined> {
  const version = await promisify(execFile)('pg_dump', ['--version']).then(
    ({ stdout }) => /\b(\d+)\.\d/.exec(stdout)?.[1],
    () => undefined,
  );
  return Number(version) === major ? 'pg_dump' : undefined;
}

test('a dump by pg_dump holds none of it', async ({ stage, skip }) => {
  const { server, canaries } = stage;
  const major = Math.floor(
    Number(await server.migrate((sql) => sql.value("select current_setting('server_version_num')"))) / 10_000,
  );
  const program = await dumper(major);
  if (program === undefined) {
    skip(`NOT RUN: there is no pg_dump of version ${major} on PATH`);
    return;
  }
  const url = new URL(server.database.adminUrl);
  const { stdout } = await promisify(execFile)(program, ['--inserts'], {
    env: {
      ...process.env,
      PGHOST: url.searchParams.get('host') ?? url.hostname,
      PGPORT: url.port || '5432',
      PGUSER: decodeURIComponent(url.username),
      PGPASSWORD: decodeURIComponent(url.password),
      PGDATABASE: url.pathname.slice(1),
    },
    maxBuffer: 256 * 1024 * 1024,
  });
  expect(seen([stdout], { ...canaries.sealed, later: canaries.later })).toEqual([]);
  expect(seen([stdout], { plain: canaries.plain })).toEqual(['plain']);
});
