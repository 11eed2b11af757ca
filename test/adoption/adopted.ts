// A store of agents in a scratch database, with a role for its application, and the command that adopts it.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { type Principal, type SessionOptions, withSession } from '../../src/library/bailiwick.ts';
import { type Transcript, transcript } from '../cli/transcript.ts';
import { asAdmin, dropDatabase, testUrl } from '../kit/database.ts';
import { holdOperators } from '../kit/operators.ts';
import { AGENT_STORE } from './legacy.ts';

/** The UUID that the store has for a short name, such as a1 for its first account. */
export const uuid = (name: string): string =>
  createHash('md5')
    .update(name)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const OWNER = `{ through: [{ column: 'agent_id', table: 'agents' }], column: 'account_id' }`;
const ASIDE = `{ quarantine: '${uuid('a1')}' }`;

/** What is declared of the store; `more` replaces or adds tables. */
export const DECLARED = (role: string, more = '') => `export default {
  schema: 'store',
  roles: ['${role}'],
  tenants: { table: 'servers' },
  users: { table: 'accounts', tenant: 'server_id' },
  agents: { table: 'agents', owner: 'account_id' },
  worlds: { table: 'rooms', owner: ${OWNER} },
  tables: {
    accounts: { kind: 'account', owner: 'id' },
    rooms: { kind: 'room', owner: ${OWNER}, tenant: 'server_id', unplaced: ${ASIDE} },
    memories: {
      kind: 'memory',
      owner: [${OWNER},
              { through: [{ column: 'room_id', table: 'rooms' }, { column: 'agent_id', table: 'agents' }], column: 'account_id' },
              { through: [{ column: 'room_id', table: 'participants', key: 'room_id' }], column: 'account_id' }],
      world: 'room_id',
      unplaced: ${ASIDE},
    },
    participants: { kind: 'participant', owner: 'account_id' },
    logs: { exempt: 'holds nothing of anybody' },
    ${more}
  },
};\n`;

/** Everything of the adopter's that adoption could have touched. */
const CATALOG = (role: string) => `
    select 'column' as what, c.relname, a.attname as name, format_type(a.atttypid, a.atttypmod) as is from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'store'::regnamespace and a.attnum > 0 and not a.attisdropped
    union all select 'relation', c.relname, c.relkind::text, concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity, c.relacl::text)
      from pg_class c where c.relnamespace = 'store'::regnamespace
    union all select 'constraint', c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid)
      from pg_constraint c where c.connamespace = 'store'::regnamespace
    union all select 'trigger', t.tgrelid::regclass::text, t.tgname, pg_get_triggerdef(t.oid) from pg_trigger t
     where not t.tgisinternal and t.tgrelid in (select oid from pg_class where relnamespace = 'store'::regnamespace)
    union all select 'policy', p.polrelid::regclass::text, p.polname, '' from pg_policy p
    union all select 'schema', n.nspname, n.nspacl::text, '' from pg_namespace n where n.nspname !~ '^pg_'
    union all select 'member', m.roleid::regrole::text, m.member::regrole::text, '' from pg_auth_members m where m.member = '${role}'::regrole
     order by 1, 2, 3, 4`;

export type Store = {
  /** As the administrator. */
  readonly url: string;
  readonly role: string;
  /** As the application. */
  readonly pool: pg.Pool;
  readonly key: string;
  /** The key under which keys are wrapped, as a setting. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the command on it. */
  adopt(line: string, more?: { signal?: AbortSignal }): Promise<Transcript>;
  /** The same, which must end with 0. */
  adopted(line: string): Promise<string>;
  declare(text: string): Promise<void>;
  /** Rows of a statement, as the administrator. */
  rows<Row>(sql: string): Promise<Row[]>;
  /** Rows of a statement, as old code: no session, the application's role. */
  old<Row>(sql: string): Promise<Row[]>;
  /** Rows of a statement in a session. */
  as<Row>(principal: Principal, sql: string, options?: SessionOptions): Promise<Row[]>;
  /** What there is of tables, constraints, triggers, policies, grants and schemas. */
  catalog(): Promise<unknown[]>;
  drop(): Promise<void>;
};

export const MEMORIES = 'select count(*)::int as n from store.memories';
export const count = (rows: readonly { n: number }[]) => rows[0]?.n;
/** How far each table is, as `status` says. */
export const phases = async (store: Store): Promise<string[]> =>
  JSON.parse(await store.adopted('status --json')).tables.map(
    ({ table, phase }: { table: string; phase: string }) => `${table} ${phase}`,
  );
/** All of them in one phase. */
export const all = (phase: string) =>
  ['accounts', 'memories', 'participants', 'rooms'].map((table) => `${table} ${phase}`);

/** @param operator Who adopts: a superuser, or the owner of the tables, who may make schemas and roles. */
export async function openStore(
  sql = AGENT_STORE,
  operator: 'superuser' | 'owner' = 'superuser',
): Promise<Store> {
  const { adminUrl, run } = inject('testServer');
  const name = `bailiwick_test_${run}_${randomBytes(4).toString('hex')}`;
  const role = `${name}_app`;
  const url = testUrl(adminUrl, name);
  const password = randomBytes(8).toString('hex');
  await asAdmin(adminUrl, (client) => client.query(`create database ${name}`));
  await asAdmin(url, (client) =>
    client.query(`${sql}; create role ${role} login password '${password}'; grant usage on schema store to ${role};
      grant all on all tables in schema store to ${role}`),
  );
  const adopting = new URL(url);
  const release = operator === 'owner' ? await holdOperators(adminUrl, 'with') : undefined;
  if (operator === 'owner') {
    const owner = `${name}_owner`;
    adopting.username = owner;
    adopting.password = password;
    // in a server where other databases have these roles already, somebody has to let it have them
    await asAdmin(url, (client) =>
      client.query(`create role ${owner} login createrole password '${password}'; alter database ${name} owner to ${owner};
        grant bailiwick_kernel, bailiwick_adopter to ${owner} with admin option;
        grant bailiwick_runtime to ${owner} with admin option, inherit false;
        alter schema store owner to ${owner};
        do $$ declare t regclass; begin
          for t in select oid from pg_class where relnamespace = 'store'::regnamespace and relkind in ('r', 'm') loop
            execute format('alter table %s owner to ${owner}', t); end loop; end $$`),
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-adopt-'));
  let config = join(folder, 'bailiwick.config.ts');
  const application = new URL(url);
  application.username = role;
  application.password = password;
  const pool = new pg.Pool({ connectionString: application.href, max: 4 });
  const key = randomBytes(32).toString('base64url');
  const env = { KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64url') };
  const adopt: Store['adopt'] = (line, { signal } = {}) =>
    transcript(
      `adopt ${line} --config ${config}`,
      { ADOPT_DATABASE_URL: adopting.href, TICKET_KEY: key, ...env },
      signal,
    );
  await writeFile(config, DECLARED(role));
  let files = 0;
  return {
    url,
    role,
    pool,
    key,
    env,
    adopt,
    async adopted(line) {
      const { code, out, err } = await adopt(line);
      if (code !== 0) {
        throw new Error(`adopt ${line} ended with ${code}: ${out}${err}`);
      }
      return out;
    },
    async declare(text) {
      // a module is read once, so it takes another file
      files += 1;
      config = join(folder, `${files}.config.ts`);
      await writeFile(config, text);
    },
    rows: (text) => asAdmin(url, async (client) => (await client.query(text)).rows),
    old: async (text) => (await pool.query(text)).rows,
    as: (principal, text, options) =>
      withSession(pool, principal, async (client) => (await client.query(text)).rows, { key, ...options }),
    catalog: () => asAdmin(url, async (client) => (await client.query(CATALOG(role))).rows),
    async drop() {
      await pool.end();
      await asAdmin(adminUrl, (client) => dropDatabase(client, name));
      await asAdmin(adminUrl, (client) => client.query(`drop role ${role}`));
      if (operator === 'owner') {
        await asAdmin(adminUrl, (client) =>
          client.query(`drop owned by ${name}_owner; drop role ${name}_owner`),
        );
      }
      await release?.();
      await rm(folder, { recursive: true });
    },
  };
}
