// That the suite can fail: faults are put into the kernel and the policies, one at a time, on a database of this file's own,
// and the attacks that each fault lets through are named. A fault that is too strict is noticed by the controls.
//
// Whether every possible fault is noticed is for the instrument that makes them all; here it is the suite that is on trial.

import { expect } from 'vitest';
import { raw, type Sql } from '../../kit/as.ts';
import { test } from '../../kit/cast.ts';
import type { TestDatabase } from '../../kit/database.ts';
import { wanted } from './attack.ts';
import { SQL_ATTACKS, tryAttacks } from './sql.ts';

/** Makes a fault; what it gives back takes the fault away again. */
type Fault = (sql: Sql) => Promise<() => Promise<unknown>>;

/** In a function of the kernel, one text is replaced by another. */
const edited =
  (name: string, from: string, to: string): Fault =>
  async (sql) => {
    const definition = String(
      await sql.value(`select pg_get_functiondef(oid) from pg_proc where oid = $1::regproc`, [
        `bailiwick.${name}`,
      ]),
    );
    expect(definition).toContain(from);
    await sql.rows(definition.replace(from, to));
    return () => sql.rows(definition);
  };
const stated =
  (fault: string, repair: string): Fault =>
  async (sql) => {
    await sql.rows(fault);
    return () => sql.rows(repair);
  };

const FAULTS: Readonly<Record<string, readonly [fault: Fault, noticed: readonly string[]]>> = {
  'every signature is right': [
    edited('verify', 'return coalesce(', 'return true or coalesce('),
    [
      'one’s own seal with another actor',
      'a ticket with an empty mac',
      'a seal signed with a key that was retired',
    ],
  ],
  'a seal counts in every transaction': [
    edited('sealed', 'part[3] <> bailiwick.transaction_identity()', 'false'),
    ['a seal of an earlier transaction on the same connection', 'a seal of another backend, rightly signed'],
  ],
  'a revoked delegation counts': [
    edited('live_hops', 'and d.revoked_at is null', ''),
    ['acting through a hop that is revoked', 'going on in a transaction in which the delegation was revoked'],
  ],
  'delegations of all tenants are looked at': [
    edited('live_hops', 'where d.tenant_id = c.tenant_id\n       and', 'where'),
    ['acting through a delegation that is revoked here and alive in another tenant'],
  ],
  'everybody may end everything': [
    edited('may_end', `return false;`, 'return true;'),
    [
      'ending a delegation of one’s own, with a token that is not for ending',
      'ending a delegation below one that is revoked',
    ],
  ],
  'whoever closes is not asked for whom': [
    edited('close', 'c.request_id is distinct from expected', 'false'),
    ['closing with the id of another request', 'closing without saying which request'],
  ],
  'memories have no tenant floor': [
    stated(
      'drop policy tenant_floor on memories',
      `create policy tenant_floor on memories as restrictive for all to bailiwick_runtime using (tenant_id = (select bailiwick.tenant_id()))`,
    ),
    [
      'the rows of a twin, with the same ids and owner in another tenant',
      'looking for a table that is granted without its tenant floor',
    ],
  ],
  'the log can be read': [
    stated(
      'grant select on audit_entries to bailiwick_runtime',
      'revoke select on audit_entries from bailiwick_runtime',
    ),
    ['reading the log, as alice'],
  ],
  'nobody holds anything': [
    edited('holds', 'return c.world_id is null or', 'return false and c.world_id is null or'),
    [
      'a delegation works for what it names',
      'owners read, make, change and delete what is theirs',
      'granting a root to one’s own agent works',
    ],
  ],
};

const NAMED: ReadonlySet<string> = new Set(Object.values(FAULTS).flatMap(([, noticed]) => noticed));

/** What does not end as it must, of the attacks that are named above. */
async function failing(database: TestDatabase): Promise<string[]> {
  const outcomes = await tryAttacks(database, { only: ({ name }) => NAMED.has(name) });
  return SQL_ATTACKS.filter(({ name }) => NAMED.has(name))
    .filter((attack) => outcomes.get(attack.name) !== wanted(attack))
    .map(({ name }) => name);
}

for (const [what, [fault, noticed]] of Object.entries(FAULTS)) {
  test(`it is noticed when ${what}`, async ({ database }) => {
    await raw(
      database,
      async (sql) => {
        const repair = await fault(sql);
        try {
          expect(await failing(database)).toEqual(expect.arrayContaining([...noticed]));
        } finally {
          await repair();
        }
      },
      database.adminUrl,
    );
  });
}

test('without a fault nothing is noticed', async ({ database }) => {
  expect(await failing(database)).toEqual([]);
});
