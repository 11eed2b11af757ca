// The operator's long work on encrypted values, one pass each: sealing what is in clear, sealing anew what is under an old key,
// opening what is to be in clear again, and looking whether everything opens. In batches, with a pause in between and a word about
// how far it is; whatever is interrupted is taken up by doing it again, because what was done is no longer in the way.

import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { ENCRYPTED } from '../../../generated/encrypted.ts';
import type { EncryptedField } from '../../crypto/declared.ts';
import { EnvelopeError, looksSealed, seal } from '../../crypto/envelope.ts';
import { KeyUnavailableError } from '../../crypto/hierarchy.ts';
import {
  type DataKeyRing,
  type HolderKeys,
  isGone,
  keysNeeded,
  openWith,
  type SessionKeys,
} from '../../crypto/keys.ts';
import { operatorKeyTable } from '../operator-keys.ts';
import {
  type Cell,
  cellsOf,
  countCells,
  placeOf,
  type Replacement,
  replaceCells,
  type Which,
} from './cells.ts';

/** What an operator's pass is done with, and how gently. */
export type Pass = {
  readonly client: Pick<pg.Client, 'query'>;
  readonly keys: DataKeyRing;
  /** Of this tenant alone. */
  readonly tenantId?: string | null;
  /** Of this column alone, as table.column. */
  readonly column?: string | undefined;
  /** Rows at a time. */
  readonly batch: number;
  /** Milliseconds between two batches, for everybody else. */
  readonly pauseMs: number;
  readonly signal?: AbortSignal;
  /** Told after every batch. */
  readonly progress?: (done: number, total: number) => void;
};

/** A value that does not open. */
export type Fault = {
  readonly tenantId: string;
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
  /** As `EnvelopeError.reason`, or `key` and `KeyUnavailableError.reason` where the key itself is not to be had. */
  readonly reason: string;
};

export type Outcome = {
  readonly done: number;
  readonly faults: readonly Fault[];
  /** Values that are gone because their key was destroyed on purpose. */
  readonly gone: number;
};

/** The encrypted columns that a pass goes through. */
export function columnsOf({ column }: Pick<Pass, 'column'>): readonly EncryptedField[] {
  return ENCRYPTED.filter((field) => column === undefined || column === `${field.table}.${field.column}`);
}

/** Seals what is in clear and must not be. */
export function sealAll(pass: Pass): Promise<Outcome> {
  return each(pass, 'plain', async (field, cell, keys) => ({
    value: seal(cell.stored, placeOf(field, cell), await keys.sealingKey(cell.holderId)),
    index: field.index && (await keys.blindIndex([field.table, field.column], cell.stored, true)),
  }));
}

/** Seals anew what is under a key that is no longer for new values. */
export function resealAll(pass: Pass): Promise<Outcome> {
  return each(pass, 'retired', async (field, cell, keys, held) => {
    const plain = opened(field, cell, held);
    return { value: seal(plain, placeOf(field, cell), await keys.sealingKey(cell.holderId)) };
  });
}

/** Puts everything back in clear; only where the database still allows it. */
export function unsealAll(pass: Pass): Promise<Outcome> {
  return each(
    pass,
    'sealed',
    async (field, cell, _keys, held) => ({ value: opened(field, cell, held) }),
    false,
  );
}

/** Opens everything, and says what does not open. What was destroyed on purpose is no fault. */
export function verifyAll(pass: Pass): Promise<Outcome> {
  return each(pass, 'all', async (field, cell, _keys, held) => {
    if (!looksSealed(cell.stored)) {
      throw new EnvelopeError('plain', placeOf(field, cell));
    }
    opened(field, cell, held);
    return undefined;
  });
}

function opened(field: EncryptedField, cell: Cell, held: HolderKeys | undefined): string {
  return openWith(held, cell.stored, placeOf(field, cell));
}

type Work = (
  field: EncryptedField,
  cell: Cell,
  keys: SessionKeys,
  held: HolderKeys | undefined,
) => Promise<Replacement | undefined>;

/** Does one thing to every value, and keeps what comes of it; undefined leaves the value as it is. */
async function each(pass: Pass, which: Which, work: Work, sealed = true): Promise<Outcome> {
  const { client, keys, tenantId = null, batch, pauseMs, signal, progress } = pass;
  const columns = columnsOf(pass);
  let total = 0;
  for (const field of columns) {
    total += await countCells(client, field, which, tenantId);
  }
  const faults: Fault[] = [];
  let done = 0;
  let gone = 0;
  let seen = 0;
  progress?.(0, total);
  for (const field of columns) {
    for await (const cells of cellsOf(client, field, which, { tenantId, batch })) {
      signal?.throwIfAborted();
      done += await keep(client, field, await results(field, cells), sealed);
      seen += cells.length;
      progress?.(seen, Math.max(total, seen));
      if (pauseMs > 0) {
        await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
      }
    }
  }
  return { done, faults, gone };

  async function results(field: EncryptedField, cells: readonly Cell[]) {
    const found: [Cell, Replacement | undefined][] = [];
    for (const [tenant, ofTenant] of Map.groupBy(cells, (cell) => cell.tenantId)) {
      const session = keys.forSession(tenant, operatorKeyTable(client, tenant));
      const held = await session.keysOf(keysNeeded(ofTenant));
      for (const cell of ofTenant) {
        if (isGone(cell.stored, held.get(cell.holderId))) {
          gone += 1;
          continue;
        }
        try {
          found.push([cell, await work(field, cell, session, held.get(cell.holderId))]);
        } catch (error) {
          faults.push(faultOf(field, cell, error));
        }
      }
    }
    return found;
  }
}

async function keep(
  client: Pass['client'],
  field: EncryptedField,
  found: readonly (readonly [Cell, Replacement | undefined])[],
  sealed: boolean,
): Promise<number> {
  const changed = found.flatMap(([cell, value]) => (value === undefined ? [] : [[cell, value] as const]));
  if (changed.length === 0) {
    return found.length;
  }
  return replaceCells(
    client,
    field,
    changed.map(([cell]) => cell),
    changed.map(([, value]) => value),
    { sealed },
  );
}

function faultOf({ table, column }: EncryptedField, { tenantId, rowId }: Cell, error: unknown): Fault {
  if (error instanceof EnvelopeError) {
    return { tenantId, table, column, rowId, reason: error.reason };
  }
  if (error instanceof KeyUnavailableError) {
    return { tenantId, table, column, rowId, reason: `key ${error.reason}` };
  }
  throw error;
}
