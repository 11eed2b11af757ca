// Guarantees that the tables of wrapped keys give in the same words, each registered as a test of the file that calls it: nobody
// writes them, a dead authority has none, the kernel keeps first ones and no more.

import { expect } from 'vitest';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { DEAD, suspend } from './given.ts';
import { arrangeWrapped } from './wrapped.ts';

/** The rows of a table of wrapped keys that are laid out for tests. */
export const laidOut = (table: string) => `select id from ${table} where version > 1`;

/** Takes away what `arrangeWrapped` and `arrangeKeys` left outside a transaction that is rolled back. */
export async function clearAway(sql: Sql): Promise<void> {
  await sql.rows('delete from data_keys where version > 1; delete from tenant_keys where version > 1');
  await sql.rows('delete from credentials; delete from issuers');
}

/** Registers a test: whoever asks, every one of these statements is refused. */
export function refusesToEverybody(name: string, statements: readonly string[]): void {
  test(name, async ({ as }) => {
    for (const [who, acting] of [
      ['alice', itself],
      ['scout', itself],
      ['scout', through.scout],
      ['ada', itself],
      ['mallory', itself],
    ] as const) {
      await as(who, { ...acting, given: arrangeWrapped }, async (sql) => {
        for (const text of statements) {
          expect(await sql.outcome(text), `${who}: ${text}`).toBe('42501');
        }
      });
    }
  });
}

/** Registers a test: a dead chain has no wrapped keys of a table. */
export function hidesKeysFromTheDead(table: string): void {
  test('nothing is seen through a delegation that is expired, revoked, early, or of somebody suspended', async ({
    as,
  }) => {
    const seen = laidOut(table);
    const states = { ...DEAD, 'the sub-agent is suspended': suspend('scribe') };
    for (const [state, kill] of Object.entries(states)) {
      const dead = async (sql: Sql) => {
        await arrangeWrapped(sql);
        await kill(sql);
      };
      expect(await as('scribe', { ...through.scribe, given: dead }, (sql) => sql.list(seen)), state).toEqual(
        [],
      );
    }
    for (const who of ['late', 'rogue'] as const) {
      const given = arrangeWrapped;
      expect(await as(who, { ...through[who], given }, (sql) => sql.list(seen)), who).toEqual([]);
    }
  });
}

/** Registers a test: what the kernel may do with the columns of a table of wrapped keys, and that it removes no row. */
export function leavesTheKernel(
  name: string,
  table: string,
  columns: { readonly select: readonly string[]; readonly insert: readonly string[] },
): void {
  test(name, async ({ migrate }) => {
    const may = (verb: string) =>
      migrate((sql) =>
        sql.list(
          `select attname from pg_attribute where attrelid = '${table}'::regclass and attnum > 0
              and has_column_privilege('bailiwick_kernel', '${table}', attnum, $1)`,
          [verb],
        ),
      );
    expect(await may('select')).toEqual(columns.select);
    expect(await may('insert')).toEqual(columns.insert);
    expect(await may('update')).toEqual([]);
    const others = `select p from unnest(array['delete', 'truncate']) p where has_table_privilege('bailiwick_kernel', '${table}', p)`;
    expect(await migrate((sql) => sql.list(others))).toEqual([]);
  });
}
