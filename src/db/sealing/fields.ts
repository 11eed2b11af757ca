// Which fields of a model are encrypted, what reading or writing them needs beside them, and what cannot be asked of them.

import { ENCRYPTED } from '../../../generated/encrypted.ts';
import type { EncryptedField } from '../../crypto/declared.ts';
import type { Place } from '../../crypto/envelope.ts';
import type { SessionKeys } from '../../crypto/keys.ts';
import type { Transaction } from '../client.ts';
import { type ModelName, shapeOf } from '../models.ts';
import type { OpenContext } from '../sealed-connection.ts';

/** A running session, as sealing sees it. */
export type Sealed = {
  readonly context: OpenContext;
  readonly db: Transaction;
  readonly keys: SessionKeys;
  /** Columns that may hold values in clear (phase.ts). */
  readonly unsealed: ReadonlySet<string>;
};

/** What whoever asks for a value is told that does not open. */
export const DAMAGED = 'The stored value is damaged and does not open.';

type Args = Record<string, unknown>;
export type Row = Record<string, unknown>;

const BY_MODEL = Map.groupBy(ENCRYPTED, ({ model }) => model);
const NONE: readonly EncryptedField[] = [];

/** The encrypted fields of a model. */
export function encryptedFields(model: string): readonly EncryptedField[] {
  return BY_MODEL.get(model) ?? NONE;
}

/** The fields that must be known of a row for one of its values to be opened or sealed. */
export function neededFields({ holder, when }: EncryptedField): string[] {
  return ['id', 'ownerId', holder.field, ...(when === undefined ? [] : [when.field])];
}

/** Where a value stands. */
export function placeOf(context: OpenContext, { table, column }: EncryptedField, row: Row): Place {
  return {
    tenantId: context.tenantId,
    ownerId: row.ownerId as string,
    table,
    column,
    rowId: row.id as string,
  };
}

/**
 * Whether the context may have the keys of a holder: its own, or in person those of whom it owns. The policies of data_keys say
 * the same; asked here first, so that whoever may not is not told that there is a key, nor that there is none.
 */
export function holds({ ownerId, chain }: OpenContext, holderId: unknown, rowOwnerId: unknown): boolean {
  return holderId === ownerId || (rowOwnerId === ownerId && chain.length === 0);
}

/**
 * Refuses what nobody can ask of an encrypted value: the database sees only envelopes, so a comparison would quietly find nothing.
 *
 * @throws {TypeError} where a filter, an order, a grouping or an aggregate names an encrypted field.
 */
export function refuseUse(model: ModelName, args: Args): void {
  refuseFilter(model, args.where);
  refuseFilter(model, args.having);
  if (encryptedFields(model).length === 0) {
    return;
  }
  for (const clause of ['orderBy', 'by', 'distinct', '_min', '_max', '_count', 'cursor'] as const) {
    for (const part of [args[clause]].flat()) {
      const names = typeof part === 'string' ? [part] : part ? Object.keys(part as object) : [];
      const field = encryptedFields(model).find((one) => names.includes(one.field));
      if (field !== undefined) {
        throw new TypeError(`${clause} by ${model}.${field.field}, which is encrypted`);
      }
    }
  }
}

function refuseFilter(model: ModelName, where: unknown): void {
  if (typeof where !== 'object' || where === null) {
    return;
  }
  const { lists, singles } = shapeOf(model);
  for (const [name, condition] of Object.entries(where)) {
    if (name === 'AND' || name === 'OR' || name === 'NOT') {
      for (const part of [condition].flat()) {
        refuseFilter(model, part);
      }
      continue;
    }
    // whether there is anything at all is no secret of its own
    if (
      condition !== null &&
      condition !== undefined &&
      encryptedFields(model).some(({ field }) => field === name)
    ) {
      throw new TypeError(`filter on ${model}.${name}, which is encrypted`);
    }
    const related = lists.get(name) ?? singles.get(name);
    if (related !== undefined && typeof condition === 'object' && condition !== null) {
      for (const [word, inner] of Object.entries(condition)) {
        const quantified = ['some', 'every', 'none', 'is', 'isNot'].includes(word);
        refuseFilter(related, quantified ? inner : { [word]: inner });
      }
    }
  }
}
