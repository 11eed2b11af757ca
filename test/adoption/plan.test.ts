// `bailiwick adopt plan` on tables of others: what it counts, what it finds in the way, what it proposes, and that it changes nothing.

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Plan } from '../../src/adoption/plan.ts';
import type { Proposal } from '../../src/adoption/propose.ts';
import { transcript } from '../cli/transcript.ts';
import { asAdmin, dropDatabase, testUrl } from '../kit/database.ts';
import { AGENT_STORE, BLOG, CATALOGUE } from './legacy.ts';

type Told = Plan & { readonly clear: boolean; readonly proposal: Proposal | null };

const name = `bailiwick_test_${inject('testServer').run}_${randomBytes(4).toString('hex')}`;
const { adminUrl } = inject('testServer');
const url = testUrl(adminUrl, name);
let folder: string;
beforeAll(async () => {
  await asAdmin(adminUrl, (client) => client.query(`create database ${name}`));
  for (const sql of [AGENT_STORE, CATALOGUE, BLOG]) {
    await asAdmin(url, (client) => client.query(sql));
  }
  folder = await mkdtemp(join(tmpdir(), 'bailiwick-adopt-'));
});
afterAll(async () => {
  await asAdmin(adminUrl, (client) => dropDatabase(client, name));
  await rm(folder, { recursive: true });
});

let files = 0;
/** Keeps a declaration in a file of its own, as an adopter would. */
async function file(declaration: string): Promise<string> {
  files += 1;
  const path = join(folder, `${files}.config.ts`);
  await writeFile(path, `export default ${declaration};\n`);
  return path;
}
const adopt = (line: string) => transcript(`adopt plan ${line}`, { ADOPT_DATABASE_URL: url });
async function told(declaration: string, more = ''): Promise<Told> {
  const { out, err, code } = await adopt(`--json --config ${await file(declaration)} ${more}`);
  expect([err.replaceAll(/tables counted.*\n/g, ''), code === 0]).toEqual(['', JSON.parse(out).clear]);
  return JSON.parse(out) as Told;
}
const of = ({ tables }: Plan, name: string) => tables.find(({ table }) => table === name);
const codes = (plan: Plan, name: string) =>
  of(plan, name)?.findings.map(({ risk, code }) => `${risk} ${code}`);

const STORE = (memories: string, more = '') => `{
  schema: 'store',
  tenants: { table: 'servers' },
  users: { table: 'accounts', tenant: 'server_id' },
  agents: { table: 'agents', owner: 'account_id' },
  tables: {
    rooms: { kind: 'room', owner: { through: [{ column: 'agent_id', table: 'agents' }], column: 'account_id' }, tenant: 'server_id' },
    memories: ${memories},
    participants: { kind: 'participant', owner: 'account_id' },
    logs: { exempt: 'holds nothing of anybody' },
    ${more}
  },
}`;
const BY_AGENT = `{ through: [{ column: 'agent_id', table: 'agents' }], column: 'account_id' }`;
const BY_ROOM = `{ through: [{ column: 'room_id', table: 'rooms' }, { column: 'agent_id', table: 'agents' }], column: 'account_id' }`;
const BY_PARTICIPANT = `{ through: [{ column: 'room_id', table: 'participants', key: 'room_id' }], column: 'account_id' }`;

test('each row is counted once, by the first source that places it, and nothing is guessed where a path leads to several', async () => {
  const plan = await told(STORE(`{ kind: 'memory', owner: [${BY_AGENT}, ${BY_ROOM}, ${BY_PARTICIPANT}] }`));
  expect(of(plan, 'memories')?.counts).toEqual({
    rows: 62,
    foreign: 0,
    owner: { by: [40, 12, 5], unplaced: 5, ambiguous: 3, unknown: 0 },
  });
  expect(codes(plan, 'memories')).toEqual(['high copied', 'stop unplaced']);
  expect(of(plan, 'memories')?.findings.at(-1)?.what).toBe(
    '5 rows without an owner, 3 of them because a path leads to several',
  );
  expect(of(plan, 'participants')?.counts?.owner).toEqual({ by: [3], unplaced: 0, ambiguous: 0, unknown: 0 });
  expect(of(plan, 'rooms')?.counts?.owner?.by).toEqual([4]);
  expect(of(plan, 'agents')?.counts?.owner).toEqual({ by: [4], unplaced: 0, ambiguous: 0, unknown: 0 });
  expect(of(plan, 'logs')).toMatchObject({ is: 'exempt', findings: [], steps: [] });
  expect(plan.clear).toBe(false);
});

test('rows that no source places may be somebody’s to look at, and a file may say whose they are', async () => {
  const quarantine = await told(
    STORE(`{ kind: 'memory', owner: [${BY_AGENT}], unplaced: { quarantine: 'x' } }`),
  );
  expect(codes(quarantine, 'memories')).toEqual(['high copied', 'high unplaced']);
  const account = await asAdmin(url, async (client) => {
    const { rows } = await client.query<{ id: string; room: string }>(
      `select md5('a1')::uuid as id, md5('r6')::uuid as room`,
    );
    return rows[0];
  });
  await writeFile(join(folder, 'rooms.csv'), `${account?.room}, ${account?.id}\n\n`);
  const mapped = await told(
    STORE(
      `{ kind: 'memory', owner: [${BY_AGENT}, { mapping: 'rooms.csv', by: 'room_id' }, { constant: 'nobody' }] }`,
    ),
  );
  expect(of(mapped, 'memories')?.counts?.owner).toEqual({
    by: [40, 3, 19],
    unplaced: 0,
    ambiguous: 0,
    unknown: 19,
  });
  expect(codes(mapped, 'memories')).toEqual(['high copied', 'stop unknown']);
  for (const [text, fault] of [
    ['a,b\na,c\n', /line 2 of .*rooms\.csv is not "value,value", or says otherwise/],
    ['a,b,c\n', /line 1 of/],
    ['a\n', /line 1 of/],
  ] as const) {
    await writeFile(join(folder, 'rooms.csv'), text);
    const wrong = await told(STORE(`{ kind: 'memory', owner: { mapping: 'rooms.csv', by: 'room_id' } }`));
    expect(of(wrong, 'memories')?.findings).toContainEqual(
      expect.objectContaining({ risk: 'stop', code: 'misdeclared', what: expect.stringMatching(fault) }),
    );
    expect(of(wrong, 'rooms')?.counts?.rows).toBe(6);
  }
});

const CATALOGUED = `{
  schema: 'catalogue',
  tenants: { table: 'tenants', key: 'slug' },
  users: { table: 'users', key: 'name', tenant: 'tenant_id' },
  tables: {
    teams: { kind: 'team', owner: 'lead', tenant: 'tenant_id' },
    entities: { kind: 'entity', owner: { through: [{ column: 'team', table: 'teams' }], column: 'lead' }, tenant: 'tenant_id', encrypted: ['kind'] },
    api_keys: { kind: 'key', owner: 'user_name', tenant: 'tenant_id', encrypted: ['hash', 'uses', 'hint', 'id', 'none'] },
  },
}`;

test('keys of different types are compared, and who is of another tenant than their owner is found', async () => {
  const plan = await told(CATALOGUED);
  expect(of(plan, 'entities')?.counts).toEqual({
    rows: 10,
    foreign: 1,
    owner: { by: [9], unplaced: 1, ambiguous: 0, unknown: 0 },
    tenant: { by: [10], unplaced: 0, ambiguous: 0, unknown: 0 },
  });
  expect(codes(plan, 'entities')).toEqual([
    'high seen-through',
    'high triggers',
    'low published',
    'stop unplaced',
    'stop foreign-owner',
  ]);
  expect(of(plan, 'entities')?.findings[0]?.what).toMatch(/^the view components reads it/);
  expect(codes(plan, 'api_keys')).toEqual([
    'high searched',
    'stop not-encryptable',
    'stop not-encryptable',
    'stop misdeclared',
    'stop misdeclared',
  ]);
  expect(codes(plan, 'teams')).toEqual([]);
  expect(codes(plan, 'migrations')).toEqual(['stop undeclared']);
  expect(codes(plan, 'users')).toEqual(['high open']);
  expect(plan.findings.map(({ code }) => code)).toContain('exempt-role');
});

test('where something declared is not there, or cannot be, it is said and the rest is counted', async () => {
  const plan = await told(`{
    schema: 'blog',
    tenants: { constant: 'blog' },
    users: { table: 'users', key: 'name' },
    tables: {
      posts: { kind: 'post', owner: 'writer_id' },
      tags: { kind: 'tag', owner: { through: [{ column: 'post_id', table: 'posts' }], column: 'author_id' } },
      comments: { kind: 'comment', owner: { through: [{ column: 'post_id', table: 'articles' }], column: 'author_id' } },
      likes: { exempt: 'there are none as yet' },
    },
  }`);
  expect(codes(plan, 'users')).toEqual(['stop key-not-unique', 'high open']);
  expect(of(plan, 'posts')?.findings).toMatchObject([
    { code: 'misdeclared', what: 'table posts has no column writer_id' },
  ]);
  expect(of(plan, 'comments')?.findings).toMatchObject([
    { code: 'misdeclared', what: 'there is no table articles in schema blog' },
  ]);
  expect(codes(plan, 'likes')).toEqual(['stop no-such-table']);
  expect(codes(plan, 'tags')).toEqual(['stop no-key', 'high unindexed']);
});

test('a declaration that cannot be is wrong use, with all that is wrong with it', async () => {
  const wrong: [declaration: string, fault: RegExp][] = [
    ['{}', /tenants[\s\S]*users[\s\S]*tables/],
    [
      `{ tenants: { constant: 'x' }, users: { table: 'users' }, tables: { a: { exempt: 'short' } } }`,
      /ten characters/,
    ],
    [
      `{ tenants: { constant: 'x' }, users: { table: 'users' }, tables: { a: { kind: 'Not This', owner: 'b' } } }`,
      /lower case/,
    ],
    [`{ tenants: { constant: 'x' }, users: { table: 'users' }, tables: {}, more: 1 }`, /more/],
    ['undefined', /declares what cannot be/],
    ['throwing()', /cannot be loaded: throwing is not defined/],
  ];
  for (const [declaration, fault] of wrong) {
    const { code, out, err } = await adopt(`--config ${await file(declaration)}`);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(fault);
  }
  for (const [line, fault] of [
    ['--config nowhere.ts', /--config nowhere\.ts: there is no such file/],
    ['--url mysql://x', /--url is not a postgresql:\/\/ URL/],
    [`--schema public --config ${await file(CATALOGUED)}`, /--schema public, and .* declares catalogue/],
  ] as const) {
    expect(await adopt(line)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(fault) });
  }
  expect(await transcript('adopt plan')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/say which database/),
  });
  expect(await adopt('--schema nowhere --estimate')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/there is no schema nowhere/),
  });
});

test('without a declaration one is proposed, which is a declaration', async () => {
  const proposed = async (schema: string) => {
    const { out, code } = await adopt(`--schema ${schema}`);
    expect(code).toBe(1);
    const body = out.slice(out.indexOf('{ Adoption }') > 0 ? out.indexOf('export default') : 0);
    return {
      out,
      declaration: body.replace('export default ', '').replace(/ satisfies Adoption;[\s\S]*/, ''),
    };
  };
  const store = await proposed('store');
  expect(store.out).toContain(`import type { Adoption } from 'bailiwick/adoption';`);
  expect(store.out).toContain('// logs: no owner was found.');
  const blog = await proposed('blog');
  expect(blog.out).toMatchInlineSnapshot(`
    "import type { Adoption } from 'bailiwick/adoption';

    export default {
      schema: 'blog',
      tenants: { constant: 'default' },
      users: { table: 'users' },
      tables: {
        comments: { kind: 'comment', owner: { through: [{ column: 'post_id', table: 'posts' }], column: 'author_id' } },
        posts: { kind: 'post', owner: 'author_id' },
        tags: { kind: 'tag', owner: { through: [{ column: 'post_id', table: 'posts' }], column: 'author_id' } },
      },
    } satisfies Adoption;
    "
  `);
  const plan = await told(blog.declaration);
  expect(of(plan, 'comments')?.counts?.owner).toEqual({ by: [6], unplaced: 2, ambiguous: 0, unknown: 0 });
  expect(of(await told(store.declaration), 'agents')?.counts?.owner?.by).toEqual([4]);
  const catalogue = await proposed('catalogue');
  expect(catalogue.out).toContain(`teams: { kind: 'team', owner: 'lead', tenant: 'tenant_id' }`);
  expect(await adopt('--schema pg_temp_none')).toMatchObject({ code: 1 });
  await asAdmin(url, (client) => client.query('create schema bare; create table bare.things (a int)'));
  expect(await adopt('--schema bare')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/none of 1 tables/),
  });
});

test('estimates read no table, and what is printed names every step, its lock and its risk', async () => {
  const config = await file(CATALOGUED);
  const { out } = await adopt(`--estimate --steps --config ${config}`);
  expect(out).toContain('ACCESS EXCLUSIVE: a moment');
  expect(out).toContain('rows of one batch: one batch; risk high: its triggers may fire for each');
  expect(out).toMatch(
    /policies that hide, in their place\n.*risk high: whatever opens no session has no rows/,
  );
  expect(out).toMatch(/entities +rows, risk high, about \d+ rows/);
  const counted = await adopt(`--config ${config}`);
  expect((await adopt(`--steps --config ${config}`)).out).toContain('risk stop: some rows have no owner');
  expect(counted.out).toContain('9 by team > teams.lead, 1 unplaced');
  expect(counted.out).toMatch(/\d+ tables: \d+ stop, \d+ high, \d+ low\.\n/);
  expect(counted.out).toContain('With what can be guessed of migrations');
  expect(counted.code).toBe(1);
});

test('the example in docs/adoption.md is what is printed', async () => {
  const page = await readFile(new URL('../../docs/adoption.md', import.meta.url), 'utf8');
  const [, example = ''] = /```\n(memories [\s\S]*?)```/.exec(page) ?? [];
  const { out } = await adopt(
    `--config ${await file(STORE(`{ kind: 'memory', owner: [${BY_AGENT}, ${BY_ROOM}] }`))}`,
  );
  // what a table takes differs from one PostgreSQL to the next
  const sized = (text: string) => text.replaceAll(/\d+ KiB/g, 'some KiB');
  expect(example).not.toBe('');
  expect(sized(out)).toContain(sized(example));
  expect(out).toMatch(/servers +tenants, risk high/);
});

test('plan changes nothing, and its transaction could not', async () => {
  /** Every row and where it stands, and every object there is. */
  const marks = () =>
    asAdmin(url, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select oid::regclass::text as name from pg_class
          where relkind in ('r', 'm') and relnamespace in (select oid from pg_namespace where nspname in ('store', 'catalogue', 'blog'))`,
      );
      const objects = await client.query(
        'select count(*) as count, md5(string_agg(concat(c.oid, c.relname, c.relfilenode), $1 order by oid)) as all from pg_class c where relkind <> $2',
        [',', 't'],
      );
      const contents: unknown[] = [...objects.rows];
      for (const { name: table } of rows) {
        const { rows: digests } = await client.query(
          `select $1 as table, md5(string_agg(concat(t.ctid, t.xmin, t::text), ',' order by t.ctid)) as rows from ${table} t`,
          [table],
        );
        contents.push(...digests);
      }
      return contents;
    });
  const before = await marks();
  expect(before.length).toBeGreaterThan(10);
  const queries: string[] = [];
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    queries.push(String((args[0] as { text?: string }).text ?? args[0]));
    return (query as (...args: unknown[]) => unknown).apply(this, args);
  } as typeof query;
  try {
    await told(CATALOGUED);
  } finally {
    pg.Client.prototype.query = query;
  }
  expect(queries[0]).toBe('begin isolation level repeatable read read only');
  expect(queries.slice(1).every((text) => /^\s*select/.test(text))).toBe(true);
  expect(await marks()).toEqual(before);
});
