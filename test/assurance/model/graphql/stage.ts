// The real server over a database that holds a random world: HTTP, verifier, engine, limits, sealed pool, Prisma, second
// layer, policies. Tokens come from an issuer in this process, by the name that loadWorld gives to every identity, or are our
// own (own.ts), and keys are real ones, of which the world's rows have the digests.
//
// Nothing that a mutation does may stay, or the next attempt would find another world. So the one statement that is
// changed on its way to PostgreSQL is the last: where the product sends COMMIT, ROLLBACK goes instead, after a look at what
// would have been kept (undoing.ts). Everything before it is the product's and real: the ticket, the sealed context, every statement
// and its policies, the assertion with which a session closes. No constraint of ours is deferred, so COMMIT itself has
// nothing left to refuse; a test of this folder holds the catalog to that.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { test as base } from 'vitest';
import { createEngine } from '../../../../src/api/yoga.ts';
import { CALL } from '../../../../src/assurance/actions.ts';
import { ISSUER, loadWorld } from '../../../../src/assurance/load.ts';
import { type Asker, idOf, slugOf, tenantId, type World } from '../../../../src/assurance/world.ts';
import { makeApiKey, type NewApiKey } from '../../../../src/auth/api-key.ts';
import { createDevelopmentIssuer } from '../../../../src/auth/development.ts';
import { createVerifier } from '../../../../src/auth/token.ts';
import { createClient } from '../../../../src/db/client.ts';
import { SealedPool } from '../../../../src/db/pool.ts';
import { schema } from '../../../../src/schema.ts';
import { createHttpServer } from '../../../../src/server.ts';
import { KEY, trustTickets } from '../../../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../../../kit/database.ts';
import { testEncryption } from '../../../kit/keys.ts';
import { REMEMBER, REMEMBERING } from './changes.ts';
import { isIssued, OWN_ISSUER, ownTokens, SPENDING } from './own.ts';
import { undoing } from './undoing.ts';
import { openVault } from './vault.ts';

export type GraphError = {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string };
};

/** What came of one operation. */
export type Answer = {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly GraphError[];
  /** What of the database would have been different: `+memories`, `~agents t0/a1`, `-world_members t0/p0`. */
  readonly changes: readonly string[];
};

export type Stage = {
  readonly database: TestDatabase;
  readonly migrator: pg.Client;
  /** Replaces the world on stage. */
  load(world: World): Promise<void>;
  /** The headers with which an asker comes; undefined: nobody, without any. */
  credentials(asker: Asker | undefined): Promise<Record<string, string>>;
  ask(headers: Record<string, string>, query: string, variables?: object): Promise<Answer>;
  stop(): Promise<void>;
};

const LIMITS = { size: 4, waitMs: 20_000, statementMs: 20_000, transactionMs: 40_000 };
const AUDIENCE = 'bailiwick';

export async function startStage(): Promise<Stage> {
  const [database, dataDir] = await Promise.all([
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'bailiwick-')),
  ]);
  await trustTickets(database);
  const migrator = new pg.Client(database.migratorUrl);
  await migrator.connect();
  await migrator.query(REMEMBERING);
  await migrator.query(SPENDING);
  const { rows } = await migrator.query<{ version: string }>(
    "select current_setting('server_version_num') as version",
  );
  const { issuer, credentials } = issuing(dataDir);
  const keys = keyRing();
  const own = ownTokens(AUDIENCE);
  const verifier = createVerifier([], { inProcess: [issuer, own.issuer] });
  const pool = new SealedPool(database.runtimeUrl, LIMITS, Number(rows[0]?.version));
  const changes = undoing(pool);
  const encryption = testEncryption();
  const vault = openVault(encryption.keys.roots);
  const client = createClient(pool, encryption);
  const { waitMs, transactionMs } = LIMITS;
  const server = createHttpServer({
    engine: createEngine({
      schema,
      database: { client, ticketKey: KEY, waitMs, transactionMs },
      development: false,
    }),
    verifier,
    ownIssuer: OWN_ISSUER,
    maxBodyBytes: 1_048_576,
    log: pino({ level: 'silent' }),
    pages: new Map(),
    // whoever fails on purpose is not to wait
    failures: { perSource: 1_000_000, perCredential: 1_000_000 },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true });
  const { port } = server.address() as AddressInfo;

  return {
    database,
    migrator,
    async credentials(asker) {
      if (asker?.by !== undefined && 'key' in asker.by) {
        return { 'x-api-key': keys.keyOf(asker.tenant, asker.by.key), ...under(asker) };
      }
      return asker !== undefined && isIssued(asker)
        ? { authorization: `Bearer ${await own.mint(asker)}`, ...under(asker) }
        : credentials(asker);
    },
    async load(world) {
      await vault.fit(world);
      await loadWorld(migrator, world, vault);
      encryption.keys.forget();
      await keys.fit(migrator, world);
      await nameServices(migrator, world);
      await nameOthers(migrator);
      await migrator.query(REMEMBER);
    },
    async ask(headers, query, variables = {}) {
      const { requestId, text } = await post(agent, port, headers, JSON.stringify({ query, variables }));
      const { data, errors } = JSON.parse(text) as Partial<Pick<Answer, 'data' | 'errors'>>;
      const answer = { data: data ?? null, errors: errors ?? [], changes: changes.get(requestId) ?? [] };
      changes.delete(requestId);
      return answer;
    },
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      verifier.close();
      await client.$disconnect();
      await pool.end();
      await migrator.end();
      await database.drop();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** Tokens by the issuer that worlds know. One whose token has expired got it an hour ago. */
function issuing(dataDir: string) {
  const settings = { dataDir, issuer: ISSUER, audience: AUDIENCE, development: true, nodeEnv: 'test' };
  const issuer = createDevelopmentIssuer(settings);
  const past = createDevelopmentIssuer({ ...settings, now: () => Date.now() - 3_600_000 });
  const credentials: Stage['credentials'] = async (asker) => {
    if (asker === undefined) {
      return {};
    }
    const { tenant, actor, onBehalfOf, token } = asker;
    const bearer = await (token.expired ? past : issuer).mint({
      ...(onBehalfOf === null ? { subject: actor } : { subject: onBehalfOf, actor }),
      tenant: slugOf(tenant),
      scopes: token.scopes,
      expiresIn: token.expired ? 600 : 3600,
    });
    return { authorization: `Bearer ${bearer}`, ...under(asker) };
  };
  return { issuer, credentials };
}

const under = ({ delegation }: Asker): Record<string, string> =>
  delegation === null ? {} : { 'delegation-id': idOf(`d${delegation}`) };

/** Keys for the keys of worlds: drawn once for each place in a world, and used in every world. */
function keyRing() {
  const drawn = new Map<string, NewApiKey>();
  const draw = (tenant: number, index: number): NewApiKey => {
    const place = `t${tenant}/k${index}`;
    const key = drawn.get(place) ?? makeApiKey();
    drawn.set(place, key);
    return key;
  };
  return {
    keyOf: (tenant: number, index: number): string => draw(tenant, index).key,
    /** Gives the rows of a world the digests of its keys; clients and sessions have none. */
    async fit(migrator: pg.Client, { tenants }: World): Promise<void> {
      const digests = tenants.flatMap(({ keys }, at) =>
        keys.map((_, n) => ({ tenant: tenantId(at), id: idOf(`k${n}`), digest: draw(at, n).hash })),
      );
      await migrator.query(
        `update credentials k set digest = d.digest from jsonb_to_recordset($1) d(tenant uuid, id uuid, digest text)
          where k.tenant_id = d.tenant and k.id = d.id and k.kind = 'key'`,
        [JSON.stringify(digests)],
      );
    },
  };
}

/** The call of every credential for a service, as the server reads it. */
const CALLS = [{ name: CALL, method: 'GET', path: '/beds/{bed}' }];

/** Gives the credentials for services of a world a label that tells them from their twins, and a call that can be made. */
async function nameServices(migrator: pg.Client, { tenants }: World): Promise<void> {
  const labels = tenants.flatMap(({ services }, at) =>
    services.map((_, n) => ({ tenant: tenantId(at), id: idOf(`s${n}`), label: `s${n} of ${slugOf(at)}` })),
  );
  await migrator.query(
    `update service_credentials s set label = l.label, calls = $2
       from jsonb_to_recordset($1) l(tenant uuid, id uuid, label text) where s.tenant_id = l.tenant and s.id = l.id`,
    [JSON.stringify(labels), JSON.stringify(CALLS)],
  );
}

/** The column in which rules, requests and entries hold what tells them from their twins. */
const TOLD = { permissions: ['note', 'l'], approvals: ['reason', 'q'], activity_entries: ['summary', 'y'] };

/** Gives them such words: `l0 of tenant-0`. */
async function nameOthers(migrator: pg.Client): Promise<void> {
  for (const [table, [column, letter]] of Object.entries(TOLD)) {
    await migrator.query(
      `update ${table} r set ${column} = '${letter}' || right(r.id::text, 12)::int || ' of ' || t.slug
         from tenants t where t.tenant_id = r.tenant_id`,
    );
  }
}

function post(
  agent: Agent,
  port: number,
  headers: Record<string, string>,
  body: string,
): Promise<{ requestId: string; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/graphql',
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({
            requestId: String(response.headers['x-request-id']),
            text: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** vitest's `test` with a stage for the file. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('stage', { scope: 'file' }, async ({}, { onCleanup }) => {
    const stage = await startStage();
    onCleanup(() => stage.stop());
    return stage;
  });
