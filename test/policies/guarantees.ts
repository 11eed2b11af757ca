// Guarantees that every table gives in the same words, each registered as a test of the file that calls it: another tenant's
// rows are out of reach, a dead authority shows nothing, some columns are nobody's to write, provenance cannot be forged.
//
// What is particular to a table stands in its own file.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion } from './arrangement.ts';
import { BLOCKS } from './attempts.ts';
import { DEAD, suspend } from './given.ts';
import { ROWS, TWINS } from './specials.ts';

const acme = TENANTS.acme.id;
const globex = TENANTS.globex.id;
/** A change of a column that may be changed. */
const changeOf = (table: string) =>
  `update ${table} set ${BLOCKS.find((block) => block.table === table)?.set}`;

// The second layer and the owner's id both say yes here; only the policy on the tenant says no.
export function keepsTenantsApart(table: string, { changes = true }: { changes?: boolean } = {}): void {
  test(`a row of another tenant with the owner and id of alice's is hidden from alice, scout and bob`, async ({
    as,
  }) => {
    const elsewhere = `select id from ${table} where tenant_id <> $1`;
    expect(await as('mallory', { given: arrange }, (sql) => sql.list(elsewhere, [globex]))).toEqual([]);
    for (const who of ['alice', 'bob'] as const) {
      expect(await as(who, { given: arrange }, (sql) => sql.list(elsewhere, [acme])), who).toEqual([]);
    }
    for (const acting of [itself, through.scout, through.scoutInGarden]) {
      expect(await as('scout', { ...acting, given: arrange }, (sql) => sql.list(elsewhere, [acme]))).toEqual(
        [],
      );
    }
    const both = await as('alice', { given: arrange }, async ({ client }) => {
      await client.query('reset role');
      const { rows } = await client.query(`select count(distinct tenant_id)::int as tenants from ${table}`);
      return rows;
    });
    expect(both, 'there is something to hide').toEqual([{ tenants: 2 }]);
  });

  if (changes) {
    test("a row of another tenant with the owner and id of alice's is neither changed nor removed", async ({
      as,
    }) => {
      await as('alice', { given: arrange }, async (sql) => {
        const others = `where tenant_id = '${globex}'`;
        expect(await sql.touched(`${changeOf(table)} ${others}`)).toBe(0);
        expect(['0', '42501']).toContain(await sql.outcome(`delete from ${table} ${others}`));
      });
    });
  }

  const row = TWINS[table];
  if (row !== undefined) {
    test('alice cannot insert a row of her own into another tenant', async ({ as }) => {
      await as('alice', { given: arrange }, async (sql) => {
        const { text, values } = insertion(table, { tenant_id: globex, ...row });
        expect(await sql.outcome(text, values)).toBe('42501');
      });
    });
  }
}

export function hidesFromTheDead(table: string): void {
  test('nothing is seen or changed through a delegation that is expired, revoked, early, or of somebody suspended', async ({
    as,
  }) => {
    expect(await as('scout', through.scout, (sql) => sql.touched(`select from ${table}`))).toBeGreaterThan(0);
    const states = { ...DEAD, 'the sub-agent is suspended': suspend('scribe') };
    for (const [state, given] of Object.entries(states)) {
      const who = state.includes('sub-agent') ? 'scribe' : 'scout';
      await as(who, { ...through[who], given }, async (sql) => {
        expect(await sql.touched(`select from ${table}`), state).toBe(0);
        expect(['0', '42501'], state).toContain(await sql.outcome(changeOf(table)));
      });
    }
    for (const who of ['late', 'rogue'] as const) {
      expect(await as(who, through[who], (sql) => sql.touched(`select from ${table}`)), who).toBe(0);
    }
  });

  test('nothing is seen with a token that does not name the kind, nor as a suspended person', async ({
    as,
  }) => {
    expect(
      await as('alice', { scopes: ['secret:create'] }, (sql) => sql.touched(`select from ${table}`)),
    ).toBe(0);
    expect(await as('alice', { given: suspend('alice') }, (sql) => sql.touched(`select from ${table}`))).toBe(
      0,
    );
  });
}

export type Columns = {
  readonly insert: readonly string[];
  readonly update: readonly string[];
  readonly remove?: boolean;
};

/** Which columns may be written at all; every other attempt is refused, one column at a time. */
export function takesOnlyColumns(table: string, { insert, update, remove = false }: Columns): void {
  test(`of its columns, only ${insert.length} can be inserted and only ${update.length} updated; ${remove ? 'rows can be deleted' : 'no row can be deleted'}`, async ({
    as,
  }) => {
    await as('alice', itself, async (sql) => {
      const columns = await sql.list(
        `select attname from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = $2`,
        [table, ''],
      );
      for (const column of columns) {
        const inserted = await sql.outcome(
          `insert into ${table} (${column}) select ${column} from ${table} where false`,
        );
        expect(inserted, `insert ${column}`).toBe(insert.includes(column) ? '0' : '42501');
        const updated = await sql.outcome(`update ${table} set ${column} = ${column} where false`);
        expect(updated, `update ${column}`).toBe(update.includes(column) ? '0' : '42501');
      }
      expect([...insert, ...update].filter((column) => !columns.includes(column))).toEqual([]);
      expect(await sql.outcome(`delete from ${table} where false`)).toBe(remove ? '0' : '42501');
      expect(await sql.outcome(`truncate ${table}`)).toBe('42501');
    });
  });
}

// Who did it, through what and when is the thread that every later question follows.
export function keepsProvenance(table: string, { delegated = true }: { delegated?: boolean } = {}): void {
  test('a new row cannot name another maker, delegation or request than the true ones', async ({ as }) => {
    const lies = {
      'another maker': { created_by: USERS.bob.id },
      'an agent as maker': { created_by: AGENTS.scout.id },
      'another request': { request_id: newId() },
      ...(delegated && { 'a delegation': { delegation_id: DELEGATIONS.scout.id } }),
      'no maker': { created_by: null },
    };
    await as('alice', { given: arrange }, async (sql) => {
      for (const [lie, columns] of Object.entries(lies)) {
        const { text, values } = insertion(table, { tenant_id: acme, ...ROWS[table], ...columns });
        expect(await sql.outcome(text, values), lie).toBe('42501');
      }
      const { text, values } = insertion(table, { tenant_id: acme, ...ROWS[table] });
      expect(await sql.outcome(text, values)).toBe('1');
      const said = delegated ? 'created_by, delegation_id' : 'created_by';
      const made = `select ${said}, request_id = bailiwick.request_id() as ours from ${table} where id = $1`;
      expect(await sql.rows(made, [ROWS[table]?.id])).toEqual([
        { created_by: USERS.alice.id, ...(delegated && { delegation_id: null }), ours: true },
      ]);
    });
  });
}
