// The product's server over the database of a course, and a service of a third party that it calls: what races of calls are run
// through. Members of parties come with tokens of an issuer in this process; the service tells whoever waits what has arrived.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import * as documents from '../../../generated/graphql/graphql.ts';
import { createEngine } from '../../../src/api/yoga.ts';
import { createDevelopmentIssuer } from '../../../src/auth/development.ts';
import { createVerifier } from '../../../src/auth/token.ts';
import { SCOPES } from '../../../src/capabilities.ts';
import { createClient } from '../../../src/db/client.ts';
import { SealedPool } from '../../../src/db/pool.ts';
import { createOutgoing } from '../../../src/outgoing/call.ts';
import { schema } from '../../../src/schema.ts';
import { createHttpServer } from '../../../src/server.ts';
import { versionOf } from '../../db/lane.ts';
import { ISSUER, KEY, trustTickets } from '../../kit/as.ts';
import type { TestDatabase } from '../../kit/database.ts';
import { testEncryption } from '../../kit/keys.ts';
import { startService } from '../../services/service.ts';
import type { Party } from './parties.ts';

const LIMITS = { size: 8, waitMs: 30_000, statementMs: 10_000, transactionMs: 20_000 };
const AUDIENCE = 'bailiwick';

export type Office = {
  /** Keeps a credential of a party's owner for these calls of the service. */
  keep(party: Party, calls: readonly object[]): Promise<string>;
  /** Has a call made by the last agent of a chain, and says what came of it: a type of the schema, or the code of an error. */
  call(party: Party, depth: number, credentialId: string, call: string): Promise<string>;
  /** Tells of calls to `/<slug>/<n>`, before the service answers. */
  onArrival(slug: string, tell: (n: number) => Promise<void>): () => void;
  close(): Promise<void>;
};

type Outcome = { readonly __typename: string; readonly id?: string };
type Answer = {
  readonly data?: Readonly<Record<string, Outcome>> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
};

/** Opens it; to be closed by whoever opened it. */
export async function openOffice(database: TestDatabase): Promise<Office> {
  await trustTickets(database);
  const open = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'bailiwick-'));
  open.defer(() => rm(dataDir, { recursive: true }));
  const settings = { dataDir, issuer: ISSUER, audience: AUDIENCE, development: true, nodeEnv: 'test' };
  const issuer = createDevelopmentIssuer(settings);
  const pool = new SealedPool(database.runtimeUrl, LIMITS, await versionOf(database));
  open.defer(() => pool.end());
  const client = createClient(pool, testEncryption());
  open.defer(() => client.$disconnect());
  const { waitMs, transactionMs } = LIMITS;
  const verifier = createVerifier([], { inProcess: [issuer] });
  open.defer(() => verifier.close());
  const server = createHttpServer({
    engine: createEngine({
      schema,
      database: { client, ticketKey: KEY, waitMs, transactionMs },
      outgoing: createOutgoing({ reach: 'loopback', timeoutMs: 20_000 }),
      development: false,
    }),
    verifier,
    maxBodyBytes: 1_048_576,
    log: pino({ level: 'silent' }),
    pages: new Map(),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;

  const service = await startService();
  open.defer(() => service.stop());
  const told = new Map<string, (n: number) => Promise<void>>();
  service.respond((response, { path }) => {
    const [, slug = '', n] = path.split('/');
    const arrived = told.get(slug)?.(Number(n)) ?? Promise.reject(new TypeError(`nobody waits for ${path}`));
    arrived.then(
      () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
      (error) => response.destroy(error),
    );
  });

  async function ask(
    { slug, delegation }: Party,
    document: { toString(): string },
    input: object,
    depth = 0,
  ): Promise<Outcome> {
    const subject = depth === 0 ? 'owner' : `agent${depth}`;
    const token = await issuer.mint({ subject, tenant: slug, scopes: SCOPES, expiresIn: 600 });
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(depth === 0 ? {} : { 'delegation-id': delegation(depth) }),
      },
      body: JSON.stringify({ query: document.toString(), variables: { input } }),
    });
    const { data, errors } = (await response.json()) as Answer;
    const [outcome] = Object.values(data ?? {});
    return outcome ?? { __typename: errors?.[0]?.extensions.code ?? `status ${response.status}` };
  }

  return {
    async keep(party, calls) {
      const { id, __typename } = await ask(party, documents.CreateServiceCredentialDocument, {
        ...{ service: 'raced', label: 'Raced', kind: 'API_KEY', secret: 'raced-0123456789' },
        ...{ origin: service.origin, calls },
      });
      if (id === undefined) {
        throw new TypeError(`a credential was to be kept: ${__typename}`);
      }
      return id;
    },
    async call(party, depth, credentialId, call) {
      const input = { credentialId, call };
      return (await ask(party, documents.CallServiceDocument, input, depth)).__typename;
    },
    onArrival(slug, tell) {
      told.set(slug, tell);
      return () => told.delete(slug);
    },
    close: () => open.disposeAsync(),
  };
}
