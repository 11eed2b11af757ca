// The data set of the long tests of adoption: that `adopt plan` counts exactly what was planted, table by table.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import type { Plan } from '../../../src/adoption/plan.ts';
import { transcript } from '../../cli/transcript.ts';
import { asAdmin } from '../../kit/database.ts';
import { catalogOf, differences } from './catalog.ts';
import { declarationFor } from './declaration.ts';
import { compare, Ledger } from './digests.ts';
import { makeLegacySet } from './legacy-set.ts';
import { contradictions } from './placed.ts';
import { KEPT, peopleIn, plantedIn, tenantsFor } from './planted.ts';

test('of a shop with a past, plan counts every row that was planted, good and bad', async () => {
  const tenants = tenantsFor(20_000);
  const set = await makeLegacySet(inject('testServer'), tenants);
  onTestFinished(() => set.drop());
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-legacy-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { config, mapping } = declarationFor(tenants, set.roles);
  await writeFile(join(folder, 'bailiwick.config.ts'), config);
  await writeFile(join(folder, 'notes.csv'), mapping);

  const { out, err, code } = await transcript(
    `adopt plan --json --config ${join(folder, 'bailiwick.config.ts')}`,
    { ADOPT_DATABASE_URL: set.adminUrl },
  );
  expect([err.replaceAll(/tables counted.*\n/g, ''), code === 0 || code === 1]).toEqual(['', true]);
  const plan = JSON.parse(out) as Plan;
  const planted = KEPT.map((table) => [table, plantedIn(table, tenants)] as const);
  const counted = new Map(plan.tables.map(({ table, counts }) => [table, counts]));
  expect(Object.fromEntries(KEPT.map((table) => [table, counted.get(table)]))).toEqual(
    Object.fromEntries(planted.map(([table, { counts }]) => [table, counts])),
  );
  expect(counted.get('users')).toEqual(peopleIn(tenants));
  const rows = planted.reduce((sum, [, { counts }]) => sum + counts.rows, 0);
  const bad = planted.reduce((sum, [, one]) => sum + one.bad, 0);
  expect([rows, bad / rows]).toEqual([1000 * tenants, 0.03]);
  expect(new Set(planted.flatMap(([, { kinds }]) => Object.keys(kinds)))).toEqual(
    new Set(['null', 'orphan', 'unknown', 'foreign', 'cycle', 'ambiguous', 'tenant-null', 'tenant-unknown']),
  );
});

test('what the long tests go by notices a row of somebody else, a changed byte, a lost row and a grant too many', async () => {
  const tenants = tenantsFor(20_000);
  const set = await makeLegacySet(inject('testServer'), tenants);
  onTestFinished(() => set.drop());
  await asAdmin(set.adminUrl, async (client) => {
    const none = Object.fromEntries(KEPT.map((table) => [table, 0]));
    expect(await contradictions(client, tenants)).toEqual(none);
    const ledger = new Ledger();
    expect(await compare(client, ledger)).toMatchObject({
      untouched: 1013 * tenants + 2,
      written: 0,
      wrong: [],
    });
    const before = await catalogOf(client, set.roles);
    expect(differences(before, await catalogOf(client, set.roles))).toEqual([]);

    await client.query(`
      update shop.agents set user_id = 2 where id = truth.uuid('agent', 1);
      update shop.messages set body = body || ' ' where id = 4;
      delete from shop.events where id = 9;
      update shop.orders set status = 'lost' where id = 1;
      grant truncate on shop.notes to public;
      alter table shop.orders add check (total >= 0) not valid`);
    const order = {
      id: 1,
      tenant_slug: 't1',
      user_id: 1,
      total: '0.14',
      status: 'paid',
      placed_at: '2024-01-01T00:01:00.123456Z',
    };
    ledger.wrote('orders', order);
    ledger.removed('documents', { id: 'doc-1' });
    const { wrong, written } = await compare(client, ledger);
    expect(written).toBe(2);
    expect(wrong.map((line) => line.split(':')[0])).toEqual([
      'agents',
      'messages',
      'documents',
      'orders',
      'events',
    ]);
    const found = await contradictions(client, tenants);
    expect([found.agents, found.participants, (found.messages ?? 0) > 0, (found.events ?? 0) > 0]).toEqual([
      1,
      0,
      true,
      true,
    ]);
    expect(differences(before, await catalogOf(client, set.roles))).toHaveLength(3);
    await client.query("update shop.orders set status = 'paid' where id = 1");
    expect((await compare(client, ledger)).wrong.some((line) => line.startsWith('orders'))).toBe(false);
  });
});
