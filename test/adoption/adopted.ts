// A store of agents in a scratch database, with a role for its application, and the command that adopts it.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { type Principal, type SessionOptions, withSession } from '../../src/library/bailiwick.ts';
import { type Transcript, transcript } from '../cli/transcript.ts';
import { asAdmin, testUrl } from '../kit/database.ts';
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

export type Store = {
  /** As the administrator. */
  readonly url: string;
  readonly role: string;
  /** As the application. */
  readonly pool: pg.Pool;
  readonly key: string;
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
  drop(): Promise<void>;
};

export async function openStore(sql = AGENT_STORE): Promise<Store> {
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
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-adopt-'));
  let config = join(folder, 'bailiwick.config.ts');
  const application = new URL(url);
  application.username = role;
  application.password = password;
  const pool = new pg.Pool({ connectionString: application.href, max: 4 });
  const key = randomBytes(32).toString('base64url');
  const adopt: Store['adopt'] = (line, { signal } = {}) =>
    transcript(`adopt ${line} --config ${config}`, { ADOPT_DATABASE_URL: url, TICKET_KEY: key }, signal);
  await writeFile(config, DECLARED(role));
  let files = 0;
  return {
    url,
    role,
    pool,
    key,
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
    async drop() {
      await pool.end();
      await asAdmin(adminUrl, (client) => client.query(`drop database ${name} with (force)`));
      await asAdmin(adminUrl, (client) => client.query(`drop role ${role}`));
      await rm(folder, { recursive: true });
    },
  };
}
