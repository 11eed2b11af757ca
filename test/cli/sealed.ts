// An installation for the tests of `bailiwick keys`: a database of its own with the cast in it, the environment of the command, and
// what the encrypted columns hold, read and opened without anything of the command's own (src/db/custody).
//
// With erasure secrets where a test asks for them. Made for one test and gone with it, because what is destroyed stays so.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { keyIdOf, open } from '../../src/crypto/envelope.ts';
import { erasureStore } from '../../src/crypto/erasure.ts';
import type { Roots } from '../../src/crypto/hierarchy.ts';
import { openDataKeyRing, type SessionKeys } from '../../src/crypto/keys.ts';
import { openEnvironmentProvider } from '../../src/crypto/providers/environment.ts';
import { operatorKeyTable, sealFor } from '../../src/db/operator-keys.ts';
import { ACTORS, type ActorName, AGENTS, TENANTS } from '../../src/demo/cast.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { APPROVALS } from '../../src/demo/permissions.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { newId } from '../../src/ids.ts';
import { ISSUER, migrate, type Sql } from '../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { KEY_ENCRYPTION_KEY } from '../kit/keys.ts';
import { type Transcript, transcript } from './transcript.ts';

/** `<table>.<column> <row>` -> what stands there, in clear. */
export type Contents = Readonly<Record<string, string>>;

/** What the cast is seeded with in encrypted columns. */
export const SEEDED: Contents = Object.fromEntries([
  ...Object.values(AGENTS).flatMap(({ id, systemPrompt, privateInstructions }) => [
    ...(systemPrompt === undefined ? [] : [[`agent_instructions.system_prompt ${id}`, systemPrompt]]),
    ...(privateInstructions === undefined
      ? []
      : [[`agent_instructions.private_instructions ${id}`, privateInstructions]]),
  ]),
  ...MEMORIES.filter(({ sensitive }) => sensitive).flatMap(({ id, content }) => [
    [`memories.content ${id}`, content],
    [`memories.metadata ${id}`, '{}'],
  ]),
  ...Object.values(SERVICES).map(({ id, secret }) => [`service_secrets.secret ${id}`, secret]),
  ...APPROVALS.map(({ id, arguments: given }) => [`approvals.arguments ${id}`, JSON.stringify(given)]),
]);

/** What is in clear or does not open, as `contents` has it. */
export const CLEAR = 'in clear: ';
export const CLOSED = 'does not open';

export type Installation = {
  readonly database: TestDatabase;
  readonly env: Readonly<Record<string, string>>;
  readonly erasureDir: string | undefined;
  /** `bailiwick keys <line>`. */
  keys(line: string, options?: { env?: Record<string, string>; signal?: AbortSignal }): Promise<Transcript>;
  /** As the migrator. */
  sql<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  /** Everything in encrypted columns, opened with these keys of the environment. */
  contents(keyEncryptionKeys?: string): Promise<Contents>;
  /** Every row that the command could change, by table. */
  everything(): Promise<Map<string, readonly string[]>>;
  /** Gives somebody another sensitive memory. Returns its id. */
  remember(actor: ActorName, content: string): Promise<string>;
  /** An envelope for a place, under a key of whoever is said to hold it. */
  envelope(
    place: { table: string; column: string; rowId: string; owner: ActorName },
    holder: ActorName,
    plain: string,
  ): Promise<string>;
};

const VALUES = `
  select 'agent_instructions' as table, 'system_prompt' as column, tenant_id, id, owner_id, id as holder, system_prompt as stored
    from agent_instructions
  union all
  select 'agent_instructions', 'private_instructions', tenant_id, id, owner_id, id, private_instructions from agent_instructions
  union all
  select 'memories', 'content', tenant_id, id, owner_id, owner_id, content from memories where sensitive
  union all
  select 'memories', 'metadata', tenant_id, id, owner_id, owner_id, metadata #>> '{}' from memories where sensitive
  union all
  select 'service_secrets', 'secret', tenant_id, id, owner_id, owner_id, secret from service_secrets
  union all
  select 'approvals', 'arguments', tenant_id, id, owner_id, owner_id, arguments #>> '{}' from approvals`;

type Value = {
  readonly table: string;
  readonly column: string;
  readonly tenant_id: string;
  readonly id: string;
  readonly owner_id: string;
  readonly holder: string;
  readonly stored: string | null;
};

const TABLES = [
  'tenant_keys',
  'data_keys',
  'agent_instructions',
  'memories',
  'service_secrets',
  'approvals',
  'audit_entries',
  'bailiwick.key_rotations',
  'bailiwick.signing_keys',
];

/** Makes one for the running test. */
export async function install({ erasable = false } = {}): Promise<Installation> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const erasureDir = erasable ? await mkdtemp(join(tmpdir(), 'bailiwick-erasure-')) : undefined;
  if (erasureDir !== undefined) {
    onTestFinished(() => rm(erasureDir, { recursive: true }));
  }
  const roots = (keys: string): Roots => ({
    provider: openEnvironmentProvider(keys.split(',')),
    erasure: erasureDir === undefined ? undefined : erasureStore(erasureDir),
  });
  const sql: Installation['sql'] = (work) => migrate(database, work);
  const session = (client: Sql['client'], tenantId: string, keys = KEY_ENCRYPTION_KEY): SessionKeys =>
    openDataKeyRing(roots(keys)).forSession(tenantId, operatorKeyTable(client, tenantId));
  await seedCast(database.migratorUrl, { issuer: ISSUER, keys: openDataKeyRing(roots(KEY_ENCRYPTION_KEY)) });

  const env = {
    DATABASE_URL: database.runtimeUrl,
    MIGRATION_DATABASE_URL: database.migratorUrl,
    KEY_ENCRYPTION_KEY,
    ...(erasureDir === undefined ? {} : { ERASURE_DIR: erasureDir }),
  };

  const envelope: Installation['envelope'] = ({ table, column, rowId, owner }, holder, plain) =>
    sql(async ({ client }) => {
      const tenantId = TENANTS[ACTORS[owner].tenant].id;
      const row = { tenantId, rowId, ownerId: ACTORS[owner].id, holderId: ACTORS[holder].id };
      return (await sealFor(session(client, tenantId), { table, column }, row, plain)) ?? '';
    });

  return {
    database,
    env,
    erasureDir,
    sql,
    envelope,
    keys: (line, options = {}) => transcript(`keys ${line}`, { ...env, ...options.env }, options.signal),
    contents: (keys) =>
      sql(async ({ client, rows }) => {
        const found: Record<string, string> = {};
        for (const value of await rows<Value>(VALUES)) {
          const { table, column, stored, tenant_id: tenantId, id: rowId, owner_id: ownerId, holder } = value;
          const name = `${table}.${column} ${rowId}`;
          const keyId = stored === null ? undefined : keyIdOf(stored);
          if (stored !== null && keyId === undefined) {
            found[name] = `${CLEAR}${stored}`;
          } else if (stored !== null && keyId !== undefined) {
            const held = await session(client, tenantId, keys).keysOf(new Map([[holder, new Set([keyId])]]));
            const place = { tenantId, ownerId, table, column, rowId };
            found[name] = opened(() => open(stored, place, (id) => held.get(holder)?.byId.get(id)));
          }
        }
        return found;
      }),
    everything: () =>
      sql(async ({ list }) => {
        const rows: [string, string[]][] = [];
        for (const table of TABLES) {
          rows.push([table, await list(`select to_jsonb(t)::text from ${table} t`)]);
        }
        return new Map(rows);
      }),
    async remember(owner, content) {
      const rowId = newId();
      const at = (column: string) => ({ table: 'memories', column, rowId, owner });
      const values = [
        await envelope(at('content'), owner, content),
        JSON.stringify(await envelope(at('metadata'), owner, '{}')),
      ];
      const { id, tenant } = ACTORS[owner];
      await sql(({ touched }) =>
        touched(
          `insert into memories (tenant_id, id, owner_id, sensitive, content, metadata, created_by, request_id)
           values ($1, $2, $3, true, $4, $5, $3, $2)`,
          [TENANTS[tenant].id, rowId, id, ...values],
        ),
      );
      return rowId;
    },
  };
}

function opened(work: () => string): string {
  try {
    return work();
  } catch {
    return CLOSED;
  }
}
