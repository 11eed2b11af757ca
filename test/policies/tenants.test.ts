// Guarantees of prisma/policies/10-tenants.sql: one sees one's own tenant, and only the operator changes it.
// Whether the authority is alive is not asked here: the name of the own tenant is no secret from whoever could log in.

import { expect } from 'vitest';
import { TENANTS } from '../../src/demo/cast.ts';
import { itself, test, through } from '../kit/cast.ts';
import { takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from tenants';

test('nobody learns that another tenant exists, not even its administrator', async ({ as }) => {
  const { acme, globex } = TENANTS;
  for (const who of ['alice', 'bob', 'ada', 'scout'] as const) {
    expect(await as(who, itself, (sql) => sql.list(SEEN)), who).toEqual([acme.id]);
  }
  expect(await as('scribe', through.scribe, (sql) => sql.list(SEEN))).toEqual([acme.id]);
  expect(await as('mallory', itself, (sql) => sql.list(SEEN))).toEqual([globex.id]);
  expect(await as('mimic', through.mimic, (sql) => sql.list(SEEN))).toEqual([globex.id]);
});

test('nobody makes, changes or removes a tenant, not even its administrator', async ({ as }) => {
  await as('ada', itself, async (sql) => {
    const made = `insert into tenants (tenant_id, id, slug, name) select gen_random_uuid(), gen_random_uuid(), 'new', 'New'`;
    expect(await sql.outcome(made)).toBe('42501');
    expect(await sql.outcome(`update tenants set status = 'active'`)).toBe('42501');
    expect(await sql.outcome('update tenants set subdelegation_seconds = 86400')).toBe('42501');
    expect(await sql.outcome('delete from tenants')).toBe('42501');
  });
});

takesOnlyColumns('tenants', { insert: [], update: [] });
