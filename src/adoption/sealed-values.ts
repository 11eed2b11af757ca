// Goes through the sealed and sealable values of a table: what each is in clear, what it is sealed for where it stands now, and puts another one
// in its place, where it still is what was read. Decides nothing about which and when: sealing.ts.
//
// Nothing is locked while keys are fetched. A value names its key, and the key names whose and in which tenant it was sealed, so that the values of
// a row that has moved open too.

import { EnvelopeError, keyIdOf, looksSealed, seal } from '../crypto/envelope.ts';
import { KeyUnavailableError } from '../crypto/hierarchy.ts';
import { type DataKeyRing, type HolderKeys, isGone, openWith, type SessionKeys } from '../crypto/keys.ts';
import { operatorKeyTable } from '../db/operator-keys.ts';
import { type BatchSql, inBatches, type Pace } from './batches.ts';
import { type Adopting, isQuiet, type TableState } from './installation.ts';
import { columnOf } from './inventory.ts';
import { ADDED, quoted, SCHEMAS } from './names.ts';

/** A value that does not open, and why. */
export type Fault = { readonly column: string; readonly key: readonly string[]; readonly reason: string };

export type Outcome = {
  readonly table: string;
  /** Values that were in clear and are sealed, or were sealed and are in clear. */
  readonly changed: number;
  /** Values that were another owner's and are sealed anew. */
  readonly moved: number;
  /** Values that are gone, because their key was destroyed on purpose. */
  readonly gone: number;
  readonly faults: readonly Fault[];
};

/** With what a table is gone through. */
export type Going = {
  readonly ring: DataKeyRing;
  readonly pace: Pace;
  /** Told how many rows were looked at so far, and how many there may be. */
  readonly looking: (table: string, rows: number, total: number) => void;
};
export type Walk = Going & {
  /** Conditions over `t`, any of which takes a row in. */
  readonly where: readonly string[];
  readonly work: Work;
  readonly tallied: Tally;
};

/** Whose a key is. */
type Holder = { readonly tenantId: string; readonly holderId: string };
/** A row, with what stands in the declared columns; tenant and owner only where it has them. */
type Row = Readonly<{
  key: string[];
  tenantId: string | null;
  ownerId: string | null;
  stored: (string | null)[];
}>;
/** One value, and what can be done with it. */
type Value = {
  readonly column: string;
  readonly key: readonly string[];
  readonly stored: string;
  /** Whether it is sealed under a key of whoever owns the row now. */
  readonly own: boolean;
  /** In clear. @throws {EnvelopeError} @throws {KeyUnavailableError} */
  readonly opened: () => string;
  /** Sealed for where it stands now. @throws {KeyUnavailableError} */
  readonly sealed: (plain: string) => Promise<string>;
};
/** What becomes of a value. */
export type Work = (value: Value) => string | Promise<string>;
type Replaced = { readonly value: Value; readonly by: string };
type Tally = {
  changed: number;
  moved: number;
  readonly gone: Set<string>;
  readonly faults: Map<string, Fault>;
};

/** The columns of a table that are to be sealed. */
export const sealable = ({ kept }: TableState): readonly string[] => kept.encrypted ?? [];

export const tally = (): Tally => ({ changed: 0, moved: 0, gone: new Set(), faults: new Map() });
export const outcomeOf = (table: string, { changed, moved, gone, faults }: Tally): Outcome => ({
  table,
  changed,
  moved,
  gone: gone.size,
  faults: [...faults.values()],
});

/** Goes through the rows of a condition, and puts in place of each value what becomes of it. */
export async function walk(
  adopting: Adopting,
  state: TableState,
  { ring, pace, looking, where, work, tallied }: Walk,
): Promise<void> {
  const { client, expressions } = adopting;
  const of = expressions.table(state.name);
  const quiet = await isQuiet(client);
  await inBatches(adopting, {
    of,
    key: state.key,
    pace,
    where: `(${where.join(' or ')})`,
    looked: (rows) => looking(state.name, rows, of.estimatedRows),
    async write(batch) {
      const rows = await rowsOf(adopting, state, batch);
      const last = rows.at(-1);
      if (last === undefined) {
        return;
      }
      const batchTally = tally();
      const replaced = await replacementsOf(adopting, state, { ring, work }, rows, batchTally);
      if (quiet) {
        await client.query('set local session_replication_role = replica');
      }
      let written = 0;
      for (const [column, values] of Map.groupBy(replaced, ({ value }) => value.column)) {
        const [changed, moved] = await replace(adopting, state, column, values);
        batchTally.changed += changed;
        batchTally.moved += moved;
        written += changed + moved;
      }
      add(tallied, batchTally);
      const at = Object.fromEntries(state.key.map((name, n) => [name, last.key[n] as string]));
      return { looked: rows.length, written, last: at };
    },
  });
}

function add(all: Tally, { changed, moved, gone, faults }: Tally): void {
  all.changed += changed;
  all.moved += moved;
  for (const one of gone) {
    all.gone.add(one);
  }
  for (const [name, fault] of faults) {
    all.faults.set(name, fault);
  }
}

/** The next rows. */
async function rowsOf({ client, expressions }: Adopting, state: TableState, batch: BatchSql): Promise<Row[]> {
  const texts = (columns: readonly string[]) => columns.map((one) => `t.${quoted(one)}::text`).join(', ');
  const owned = state.phase !== 'none';
  const { rows } = await client.query<Row>(
    `with chosen as materialized (${batch.sql})
     select array[${texts(state.key)}] as key, array[${texts(sealable(state))}] as stored,
            ${owned ? `t.${ADDED.tenant}` : 'null'} as "tenantId", ${owned ? `t.${ADDED.owner}` : 'null'} as "ownerId"
       from ${expressions.name(state.name)} t join chosen k on ${batch.on('t')}
      order by ${state.key.map((one) => `k.${quoted(one)}`).join(', ')}`,
    [...batch.values],
  );
  return rows;
}

/** What becomes of the values of rows; those that are gone or do not open stay, and are counted. */
async function replacementsOf(
  { client }: Adopting,
  state: TableState,
  { ring, work }: Pick<Walk, 'ring' | 'work'>,
  rows: readonly Row[],
  { gone, faults }: Tally,
): Promise<Replaced[]> {
  const holders = await holdersOf(client, rows);
  // made anew with each attempt: keys that a transaction has made go with it
  const sessions = new Map<string, SessionKeys>();
  const keysOf = (tenantId: string): SessionKeys => {
    const known =
      sessions.get(tenantId) ?? ring.forSession(tenantId, operatorKeyTable(client, tenantId, SCHEMAS.data));
    sessions.set(tenantId, known);
    return known;
  };
  const opening = new Map<string, ReadonlyMap<string, HolderKeys>>();
  for (const [tenantId, keys] of Map.groupBy(holders, ([, holder]) => holder.tenantId)) {
    const wanted = Map.groupBy(keys, ([, { holderId }]) => holderId);
    const ids = new Map([...wanted].map(([holder, of]) => [holder, new Set(of.map(([id]) => id))]));
    opening.set(tenantId, await keysOf(tenantId).keysOf(ids));
  }
  const replaced: Replaced[] = [];
  for (const { key, tenantId, ownerId, stored: values } of rows) {
    const rowId = key.length === 1 ? (key[0] as string) : JSON.stringify(key);
    for (const [at, column] of sealable(state).entries()) {
      const stored = values[at];
      if (stored === null || stored === undefined) {
        continue;
      }
      const holder = holders.get(keyIdOf(stored) ?? '');
      const held = holder && opening.get(holder.tenantId)?.get(holder.holderId);
      const name = `${column} ${rowId}`;
      if (isGone(stored, held)) {
        gone.add(name);
        continue;
      }
      const place = { table: state.name, column, rowId };
      const value: Value = {
        column,
        key,
        stored,
        own: holder !== undefined && holder.tenantId === tenantId && holder.holderId === ownerId,
        opened: () =>
          openWith(held, stored, {
            ...place,
            tenantId: holder?.tenantId ?? '',
            ownerId: holder?.holderId ?? '',
          }),
        async sealed(plain) {
          const now = { ...place, tenantId: tenantId as string, ownerId: ownerId as string };
          return seal(plain, now, await keysOf(now.tenantId).sealingKey(now.ownerId));
        },
      };
      try {
        replaced.push({ value, by: await work(value) });
      } catch (error) {
        if (!(error instanceof EnvelopeError || error instanceof KeyUnavailableError)) {
          throw error;
        }
        faults.set(name, { column, key, reason: error.reason });
      }
    }
  }
  return replaced.filter(({ value, by }) => by !== value.stored);
}

/** Whose the keys are under which values are sealed, by the keys' ids. */
async function holdersOf(client: Adopting['client'], rows: readonly Row[]): Promise<Map<string, Holder>> {
  const ids = rows.flatMap(({ stored }) => stored.flatMap((one) => keyIdOf(one ?? '') ?? []));
  const { rows: found } = await client.query<Holder & { id: string }>(
    `select id, tenant_id as "tenantId", holder_id as "holderId" from ${SCHEMAS.data}.data_keys where id = any ($1)`,
    [[...new Set(ids)]],
  );
  return new Map(found.map(({ id, ...holder }) => [id, holder]));
}

/** Replaces values of a column that are still what they were. @returns how many were in another form before, and how many another owner's. */
async function replace(
  { client, expressions }: Adopting,
  { name, key }: TableState,
  column: string,
  values: readonly Replaced[],
): Promise<[changed: number, moved: number]> {
  const keys = key.map((one, at) => ({
    one,
    type: columnOf(expressions.table(name), one)?.type ?? 'text',
    at,
  }));
  const { rows } = await client.query<{ moved: boolean }>(
    `update ${expressions.name(name)} t set ${quoted(column)} = v.new
       from unnest($1::text[], $2::text[], $3::bool[], ${keys.map(({ at }) => `$${at + 4}::text[]`).join(', ')})
            as v (old, new, moved, ${keys.map(({ at }) => `k${at}`).join(', ')})
      where ${keys.map(({ one, type, at }) => `t.${quoted(one)} = v.k${at}::${type}`).join(' and ')} and t.${quoted(column)}::text = v.old
     returning v.moved`,
    [
      values.map(({ value }) => value.stored),
      values.map(({ by }) => by),
      values.map(({ value, by }) => looksSealed(value.stored) && looksSealed(by)),
      ...keys.map(({ at }) => values.map(({ value }) => value.key[at])),
    ],
  );
  const moved = rows.filter((row) => row.moved).length;
  return [rows.length - moved, moved];
}
