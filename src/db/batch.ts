// Rows that Pothos has to load anew, in one statement instead of one per row.
//
// A relation that is asked for twice with different arguments, under two aliases, does not fit into the query that
// loaded its parents. Pothos then asks for each parent once more by key, all in one tick. DataLoader collects those keys
// into one query per selection; nothing is remembered between ticks, so a change is never followed by what was there
// before it. It knows no policy: a row out of sight is missing, as it would be alone.

import DataLoader from 'dataloader';
import { Prisma } from '../../generated/prisma/client.ts';
import { BailiwickError } from '../errors.ts';
import type { Transaction } from './client.ts';
import { delegateOf } from './models.ts';

type Row = { readonly id: string };
type Unique = { readonly where: { readonly tenantId_id: { readonly id: string } } };
type Delegate = { findMany(query: object): Promise<Row[]> };

/** The part of a Prisma client that Pothos uses, over a session's client. */
export function batched(db: Transaction): Record<string, object> {
  const names = Object.values(Prisma.ModelName).map(delegateOf);
  const delegates = db as unknown as Record<string, Delegate>;
  return Object.fromEntries(names.map((name) => [name, collect(delegates[name] as Delegate)]));
}

function collect(delegate: Delegate) {
  const loaders = new Map<string, DataLoader<string, Row>>();
  const loaderOf = (selection: object): DataLoader<string, Row> => {
    const key = JSON.stringify(selection);
    const loader =
      loaders.get(key) ?? new DataLoader((ids) => load(delegate, selection, ids), { cache: false });
    loaders.set(key, loader);
    return loader;
  };
  return {
    findUniqueOrThrow({ where, ...selection }: Unique): Promise<Row> {
      return loaderOf(selection).load(where.tenantId_id.id);
    },
  };
}

async function load(delegate: Delegate, selection: object, ids: readonly string[]): Promise<(Row | Error)[]> {
  const found = await delegate.findMany({ ...selection, where: { id: { in: [...new Set(ids)] } } });
  const byId = new Map(found.map((row) => [row.id, row]));
  // seen a statement ago and not any more: the authority has ended in between
  return ids.map((id) => byId.get(id) ?? new BailiwickError('NOT_FOUND'));
}
