// vitest's `test` with the real server over the skewed rows, and the two things an instrument does there: ask the API and
// see which statements it sends, and see how PostgreSQL carries them out.

import { expect } from 'vitest';
import { seedCast } from '../../../src/demo/seed.ts';
import { ISSUER, raw, type Sql, trustTickets } from '../../kit/as.ts';
import { asAdmin } from '../../kit/database.ts';
import { testKeys } from '../../kit/keys.ts';
import { test as base, type RunningServer } from '../../kit/server.ts';
import { type Asked, findThings, type Owners, WHO } from './asking.ts';
import { type Asking, readAsking } from './contract.ts';
import { rootFields } from './documents.ts';
import { explain, type Observed, type Recorded, readIndexes, within } from './explain.ts';
import { KEY_READS } from './golden.ts';
import type { Indexes } from './plan.ts';
import { further, isStart } from './reads.ts';
import { record } from './recorder.ts';
import { makeSkew } from './skew.ts';

export type Survey = {
  readonly owners: Owners;
  readonly indexes: Indexes;
  readonly asking: Asking;
  /** Major version of PostgreSQL. */
  readonly version: number;
  /** Sends operations, and the pages after and before those that start a connection. */
  ask(operations: readonly Asked[]): Promise<Recorded[]>;
  /** The plans of what was sent. */
  observe(recorded: readonly Recorded[]): Promise<Observed[]>;
  /** The plans of what was sent, in a database that somebody has spoilt; nothing of it stays. */
  spoilt(fault: string, recorded: Recorded): Promise<Observed[]>;
};

export const test = base.extend('survey', { scope: 'file' }, async ({ server }, { onCleanup }) => {
  const recorder = record();
  onCleanup(() => recorder.stop());
  await server.migrate(makeSkew);
  // plans are made on connections of the kit's own
  await seedCast(server.database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  await trustTickets(server.database);
  return server.migrate(async (sql): Promise<Survey> => {
    const indexes = await readIndexes(sql);
    return {
      owners: await findThings(sql),
      indexes,
      asking: await readAsking(sql),
      version: await majorVersion(sql),
      async ask(operations) {
        const recorded: Recorded[] = [];
        for (const asked of operations) {
          recorded.push(...(await send(server, asked, recorder.sessions)));
        }
        return recorded;
      },
      observe: (recorded) =>
        raw(server.database, async ({ client }) => {
          const observed: Observed[] = [];
          for (const one of recorded) {
            observed.push(...(await explain(client, one, indexes)));
          }
          return observed;
        }),
      spoilt: (fault, recorded) =>
        asAdmin(server.database.adminUrl, async (client) => {
          await client.query('begin isolation level read committed');
          await client.query('set local role bailiwick_migrator');
          await client.query(fault);
          await client.query('set local role bailiwick_runtime');
          // what is not committed ends with the connection
          return within(client, recorded, indexes);
        }),
    };
  });
});

async function majorVersion(sql: Sql): Promise<number> {
  return Math.floor(Number(await sql.value("select current_setting('server_version_num')")) / 10_000);
}

type Page = { readonly edges: readonly { readonly cursor: string }[] };

async function send(
  server: RunningServer,
  asked: Asked,
  sessions: ReadonlyMap<string, Recorded['statements']>,
): Promise<Recorded[]> {
  const { actor, delegation } = { delegation: undefined, ...WHO[asked.who] };
  const answer = await server.query(actor, asked.text, asked.variables, { delegation });
  const statements = sessions.get(answer.requestId) ?? [];
  // keys are remembered for a minute, so who reads them again depends on how fast this goes: they stand under a name of their own
  const { keys = [], own = [] } = Object.groupBy(statements, ({ text }) =>
    text.includes('from public.data_keys k') ? 'keys' : 'own',
  );
  const { requestId } = answer;
  const recorded: Recorded[] = [
    { asked, requestId, statements: own },
    ...(keys.length > 0 ? [{ asked: { ...asked, name: KEY_READS }, requestId, statements: keys }] : []),
  ];
  const label = `${asked.name}, ${asked.who}`;
  expect(statements.length, label).toBeGreaterThan(0);
  if (asked.text.startsWith('mutation')) {
    // it fails where it was made to, and what came before was a change and no refusal
    expect(
      answer.body.errors?.map(({ path }) => path),
      label,
    ).toEqual([[asked.alone ?? 'undo']]);
    const events = statements
      .filter(({ text }) => text.includes('bailiwick.audit('))
      .map(({ values }) => values[1]);
    // what is recorded by the kernel itself is no statement of its own
    const none = asked.alone === undefined ? ['none at all'] : [];
    expect(events.length > 0 ? events : none, label).toEqual(
      events.map(() => expect.not.stringContaining('refused')),
    );
    return recorded;
  }
  expect(answer.body.errors, label).toBeUndefined();
  const [field = ''] = rootFields(asked.text);
  const found = (answer.body.data as Record<string, Page | null>)[field];
  const cursor = found?.edges?.at(-1)?.cursor;
  if (!asked.mayBeEmpty) {
    expect(found, label).not.toBeNull();
    expect(found?.edges, label).not.toEqual([]);
  }
  const next = isStart(asked) && cursor !== undefined ? further(asked, cursor) : [];
  return [...recorded, ...(await Promise.all(next.map((one) => send(server, one, sessions)))).flat()];
}
