// Opening what a query has read, however deep: first what must be read beside the encrypted fields, then all keys at once, then the
// values. What was only read for that is taken out again.

import type { EncryptedField } from '../../crypto/declared.ts';
import { EnvelopeError, looksSealed } from '../../crypto/envelope.ts';
import { type Held, type HolderKeys, isGone, keysNeeded, openWith } from '../../crypto/keys.ts';
import { BailiwickError } from '../../errors.ts';
import { type ModelName, shapeOf } from '../models.ts';
import { DAMAGED, encryptedFields, holds, neededFields, placeOf, type Row, type Sealed } from './fields.ts';
import { constraintOf } from './phase.ts';

type Args = Record<string, unknown>;

/** What is to be opened in the rows of a result. */
export type Plan = {
  readonly fields: readonly EncryptedField[];
  /** Read for opening alone. */
  readonly strip: readonly string[];
  readonly nested: readonly (readonly [relation: string, plan: Plan])[];
};

/** What to ask instead of `args`, and what to open in the answer; undefined when there is nothing encrypted in it. */
export function planRead(
  model: ModelName,
  args: Args,
): { readonly args: Args; readonly plan: Plan } | undefined {
  const select = args.select as Args | undefined;
  const omit = args.omit as Args | undefined;
  const selected = (field: string) =>
    select ? select[field] === true : omit?.[field] !== true && shapeOf(model).columns.has(field);
  const fields = encryptedFields(model).filter(({ field }) => selected(field));
  const strip = [...new Set(fields.flatMap(neededFields))].filter((field) => !selected(field));

  const { lists, singles } = shapeOf(model);
  const nested: [string, Plan][] = [];
  const asked: Args = {};
  const relations = (select ?? args.include ?? {}) as Args;
  for (const [relation, value] of Object.entries(relations)) {
    const related = lists.get(relation) ?? singles.get(relation);
    if (related !== undefined && value) {
      const inner = planRead(related, value === true ? {} : (value as Args));
      if (inner !== undefined) {
        nested.push([relation, inner.plan]);
        asked[relation] = Object.keys(inner.args).length === 0 ? true : inner.args;
      }
    }
  }

  if (fields.length === 0 && nested.length === 0) {
    return undefined;
  }
  const more = Object.fromEntries(strip.map((field) => [field, true]));
  const widened = { ...args };
  if (select) {
    widened.select = { ...select, ...asked, ...more };
  } else {
    if (nested.length > 0) {
      widened.include = { ...(args.include as Args), ...asked };
    }
    if (omit && strip.length > 0) {
      widened.omit = Object.fromEntries(Object.entries(omit).filter(([field]) => !(field in more)));
    }
  }
  return { args: widened, plan: { fields, strip, nested } };
}

type Cell = Held & { readonly row: Row; readonly field: EncryptedField };

/**
 * Opens the encrypted values of a result, in place.
 *
 * @throws {KeyProviderError} when the keys cannot be had at all.
 */
export async function openResult(session: Sealed, plan: Plan, result: unknown): Promise<unknown> {
  const cells: Cell[] = [];
  const stripped: (readonly [Row, readonly string[]])[] = [];
  for (const row of [result].flat() as (Row | null)[]) {
    collect(plan, row, cells, stripped);
  }
  await openCells(session, cells);
  for (const [row, fields] of stripped) {
    for (const field of fields) {
      delete row[field];
    }
  }
  return result;
}

/**
 * Opens the encrypted columns of rows that came from raw SQL, in place.
 *
 * @throws {TypeError} when a row lacks a column that is needed for that.
 */
export async function openRaw(session: Sealed, model: ModelName, rows: readonly Row[]): Promise<void> {
  const { cells, putBack } = cellsOfRaw(model, rows);
  await openCells(session, cells);
  putBack();
}

/**
 * The same at once, with keys that are remembered.
 *
 * @returns false where the database would have to be asked for one; then nothing is opened.
 */
export function openRawAtOnce(session: Sealed, model: ModelName, rows: readonly Row[]): boolean {
  const { cells, putBack } = cellsOfRaw(model, rows);
  const mine = heldOf(session, cells);
  const keys = session.keys.known(keysNeeded(mine));
  if (keys === undefined) {
    return false;
  }
  openHeld(session, mine, keys);
  putBack();
  return true;
}

/** What is encrypted in rows from raw SQL, and how to put it back into them when it is open. */
function cellsOfRaw(model: ModelName, rows: readonly Row[]): { cells: Cell[]; putBack: () => void } {
  const cells: Cell[] = [];
  const back: (readonly [raw: Row, column: string, row: Row, field: string])[] = [];
  for (const raw of rows) {
    for (const field of encryptedFields(model)) {
      const { column, holder, when } = field;
      if (!(column in raw)) {
        continue;
      }
      for (const needed of ['id', 'owner_id', holder.column, ...(when === undefined ? [] : [when.column])]) {
        if (!(needed in raw)) {
          throw new TypeError(`${model}.${field.field} opens only with ${needed} beside it`);
        }
      }
      const row: Row = {
        id: raw.id,
        ownerId: raw.owner_id,
        [holder.field]: raw[holder.column],
        ...(when === undefined ? {} : { [when.field]: raw[when.column] }),
        [field.field]: raw[column],
      };
      collect({ fields: [field], strip: [], nested: [] }, row, cells, []);
      back.push([raw, column, row, field.field]);
    }
  }
  const putBack = () => {
    for (const [raw, column, row, field] of back) {
      // with an error in its place it stays one
      Object.defineProperty(raw, column, Object.getOwnPropertyDescriptor(row, field) as PropertyDescriptor);
    }
  };
  return { cells, putBack };
}

function collect(
  plan: Plan,
  row: Row | null | undefined,
  cells: Cell[],
  stripped: (readonly [Row, readonly string[]])[],
): void {
  if (row === null || row === undefined) {
    return;
  }
  for (const field of plan.fields) {
    const stored = row[field.field];
    if (
      stored !== null &&
      stored !== undefined &&
      (field.when === undefined || row[field.when.field] === true)
    ) {
      cells.push({
        row,
        field,
        holderId: row[field.holder.field] as string,
        stored: typeof stored === 'string' ? stored : JSON.stringify(stored),
      });
    }
  }
  if (plan.strip.length > 0) {
    stripped.push([row, plan.strip]);
  }
  for (const [relation, inner] of plan.nested) {
    for (const child of [row[relation]].flat() as (Row | null)[]) {
      collect(inner, child, cells, stripped);
    }
  }
}

async function openCells(session: Sealed, cells: readonly Cell[]): Promise<void> {
  const mine = heldOf(session, cells);
  if (mine.length > 0) {
    openHeld(session, mine, await session.keys.keysOf(keysNeeded(mine)));
  }
}

/** Those of which the context may have the key; of all others is said what there is to say. */
function heldOf(session: Sealed, cells: readonly Cell[]): Cell[] {
  const mine: Cell[] = [];
  for (const cell of cells) {
    const { row, field, holderId, stored } = cell;
    if (!looksSealed(stored)) {
      plain(session, cell);
    } else if (holds(session.context, holderId, row.ownerId)) {
      mine.push(cell);
    } else {
      row[field.field] = null;
    }
  }
  return mine;
}

function openHeld(session: Sealed, mine: readonly Cell[], keys: ReadonlyMap<string, HolderKeys>): void {
  for (const { row, field, holderId, stored } of mine) {
    const own = keys.get(holderId);
    if (isGone(stored, own)) {
      row[field.field] = null;
      continue;
    }
    try {
      const value = openWith(own, stored, placeOf(session.context, field, row));
      row[field.field] = field.json ? JSON.parse(value) : value;
    } catch (cause) {
      damage(row, field, cause);
    }
  }
}

/** What was never sealed stays as it is while its column is being encrypted; later it is not what was written here. */
function plain({ context, unsealed }: Sealed, { row, field }: Cell): void {
  if (!unsealed.has(constraintOf(field))) {
    damage(row, field, new EnvelopeError('plain', placeOf(context, field, row)));
  }
}

/** Leaves an error in the place of a value: thrown to whoever asks for it, never null. */
function damage(row: Row, field: EncryptedField, cause: unknown): void {
  Object.defineProperty(row, field.field, {
    enumerable: true,
    configurable: true,
    get(): never {
      throw new BailiwickError('INTERNAL', DAMAGED, { cause });
    },
  });
}
