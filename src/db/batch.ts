// Rows that Pothos has to load anew, in one statement instead of one per row.
//
// A relation that is asked for twice with different arguments, under two aliases, does not fit into the query that
// loaded its parents. Pothos then asks for each parent once more by key, all in one tick. Here those keys are collected
// into one query per selection. It knows no policy: a row out of sight is missing, as it would be alone.

import { Prisma } from '../../generated/prisma/client.ts';
import { BailiwickError } from '../errors.ts';
import type { Transaction } from './client.ts';

type Row = { readonly id: string };
type Unique = { readonly where: { readonly tenantId_id: { readonly id: string } } };
type Batch = { readonly ids: Set<string>; readonly rows: Promise<Map<string, Row>> };
type Delegate = { findMany(query: object): Promise<Row[]> };

/** The part of a Prisma client that Pothos uses, over a session's client. */
export function batched(db: Transaction): Record<string, object> {
  const names = Object.values(Prisma.ModelName).map(
    (name) => `${name.charAt(0).toLowerCase()}${name.slice(1)}`,
  );
  return Object.fromEntries(
    names.map((name) => [name, collect((db as unknown as Record<string, Delegate>)[name])]),
  );
}

function collect(delegate: Delegate | undefined) {
  const waiting = new Map<string, Batch>();
  const start = (key: string, selection: object): Batch => {
    const ids = new Set<string>();
    // by the next microtask Pothos has asked for every row of the tick
    const rows = Promise.resolve().then(async () => {
      waiting.delete(key);
      const found = await delegate?.findMany({ ...selection, where: { id: { in: [...ids] } } });
      return new Map(found?.map((row) => [row.id, row]));
    });
    const batch = { ids, rows };
    waiting.set(key, batch);
    return batch;
  };
  return {
    async findUniqueOrThrow({ where, ...selection }: Unique): Promise<Row> {
      const { id } = where.tenantId_id;
      const key = JSON.stringify(selection);
      const batch = waiting.get(key) ?? start(key, selection);
      batch.ids.add(id);
      const row = (await batch.rows).get(id);
      if (row === undefined) {
        // seen a statement ago and not any more: the authority has ended in between
        throw new BailiwickError('NOT_FOUND');
      }
      return row;
    },
  };
}
