// Which fields of a model are encrypted, and what reading or writing them needs beside them.

import { ENCRYPTED } from '../../../generated/encrypted.ts';
import type { EncryptedField } from '../../crypto/declared.ts';
import type { Place } from '../../crypto/envelope.ts';
import type { SessionKeys } from '../../crypto/keys.ts';
import type { Transaction } from '../client.ts';
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
