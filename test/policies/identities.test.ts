// Guarantees of prisma/policies/19-identities.sql: who is who among the subjects of token issuers is known to the kernel alone.
// Whoever could write here could become anybody; whoever could read, could learn who has an account.

import { expect } from 'vitest';
import { itself, test, through } from '../kit/cast.ts';

test('nobody reads, writes or removes an identity, neither its own nor as an administrator', async ({
  as,
  raw,
}) => {
  const attempts = [
    'select from identities',
    'select entity_id from identities',
    `insert into identities (tenant_id, id, entity_id, issuer, subject) select tenant_id, id, id, 'x', 'x' from users`,
    `update identities set subject = 'ada'`,
    'delete from identities',
    'truncate identities',
    'copy identities to stdout',
  ];
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', through.scout],
    ['ada', itself],
    ['mallory', itself],
  ] as const) {
    await as(who, acting, async (sql) => {
      for (const text of attempts) {
        expect(await sql.outcome(text), `${who}: ${text}`).toBe('42501');
      }
    });
  }
  await raw(async (sql) => {
    await sql.rows('begin');
    expect(await sql.outcome('select from identities')).toBe('42501');
  });
});

test('the kernel reads identities and writes none', async ({ migrate }) => {
  const rights = `select p from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
                   where has_table_privilege('bailiwick_kernel', 'identities', p)`;
  expect(await migrate((sql) => sql.list(rights))).toEqual(['select']);
});

test('one subject of one issuer is one entity of a tenant, and another issuer may use the same name for somebody else', async ({
  migrate,
}) => {
  const twice = (issuer: string) =>
    migrate((sql) =>
      sql.rows(
        `insert into identities (tenant_id, id, entity_id, issuer, subject)
         select i.tenant_id, gen_random_uuid(), u.id, coalesce($1, i.issuer), 'alice'
           from identities i join users u on u.tenant_id = i.tenant_id and u.role = 'admin'
          where i.subject = 'alice' and i.issuer <> 'https://elsewhere.test/'`,
        [issuer],
      ),
    );
  await expect(twice(null as unknown as string)).rejects.toMatchObject({ code: '23505' });
  await twice('https://elsewhere.test/');
});
