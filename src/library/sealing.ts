// bailiwick/sealing: values of columns that were declared `encrypted`, sealed before they are written and opened after they were read.
//
// A value is bound to its place: tenant, owner, table, column and row. The owner is the session's, because rows of others are in no session
// to be seen; so are the keys, which the database gives to nobody else. It sends two or three statements for the first value of an owner,
// and none while that owner's key is remembered.

import { readKeyConfig } from '../config.ts';
import { looksSealed, type Place, seal as sealAt } from '../crypto/envelope.ts';
import { isGone, keysNeeded, openDataKeyRing, openWith, type SessionKeys } from '../crypto/keys.ts';
import { inWords } from '../db/sealing/failures.ts';
import { sessionKeyTable } from '../db/session-keys.ts';
import { openRoots } from '../encryption.ts';
import { type Key, keyText } from './principal.ts';
import { sessionOf } from './running.ts';

export { EnvelopeError, type EnvelopeReason } from '../crypto/envelope.ts';

/** Where a value stands, by the names of the database. */
export type Cell = {
  readonly table: string;
  readonly column: string;
  /** What the row has in its primary key; a list where that is several columns, in the key's order. A UUID in lower case. */
  readonly key: Key | readonly Key[];
};

export type Sealing = {
  /**
   * The envelope of a value for its place, to be written there: another one every time. Null of null.
   *
   * @param client Of a session, or the `db` of `$as`.
   * @throws {BailiwickError} UNAVAILABLE when the key provider does not answer, FORBIDDEN where the session has no authority, CONFLICT
   *   where the owner's keys were destroyed.
   */
  seal<Nothing extends null = never>(
    client: object,
    cell: Cell,
    value: string | Nothing,
  ): Promise<string | Nothing>;
  /**
   * The value of an envelope. What stands in clear, from before it was sealed, comes back as it is; null of null, and of an envelope whose
   * key was destroyed on purpose.
   *
   * @throws {EnvelopeError} for an envelope that was not sealed for this place, or was altered.
   * @throws {BailiwickError} UNAVAILABLE when the key provider does not answer.
   */
  open(client: object, cell: Cell, stored: string | null): Promise<string | null>;
  /** Forgets every key. */
  close(): void;
};

/**
 * Opens the key provider, once for an application: `KEY_PROVIDER` and its settings, the same that `bailiwick adopt seal` has.
 *
 * @throws {PostureError} where it is not configured, or its keys are readable by others.
 */
export async function openSealing(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Sealing> {
  const roots = await openRoots({ keys: readKeyConfig(env) });
  const ring = openDataKeyRing(roots);
  const sessions = new WeakMap<object, SessionKeys>();

  const sessionAt = (client: object, { table, column, key }: Cell) => {
    const { connection, context } = sessionOf(client);
    let keys = sessions.get(connection);
    if (keys === undefined) {
      const { tenantId } = context;
      keys = ring.forSession(
        tenantId,
        sessionKeyTable((one) => connection.send(one), tenantId),
      );
      sessions.set(connection, keys);
    }
    const { tenantId, ownerId } = context;
    const place: Place = { tenantId, ownerId, table, column, rowId: rowIdOf(key) };
    return { keys, place };
  };

  return {
    async seal(client, cell, value) {
      const { keys, place } = sessionAt(client, cell);
      if (value === null) {
        return value;
      }
      try {
        return sealAt(value, place, await keys.sealingKey(place.ownerId));
      } catch (error) {
        throw inWords(error);
      }
    },
    async open(client, cell, stored) {
      const { keys, place } = sessionAt(client, cell);
      if (stored === null || !looksSealed(stored)) {
        return stored;
      }
      const asked = { holderId: place.ownerId, stored };
      const held = await keys.keysOf(keysNeeded([asked])).catch((error: unknown) => {
        throw inWords(error);
      });
      const own = held.get(place.ownerId);
      return isGone(stored, own) ? null : openWith(own, stored, place);
    },
    close() {
      ring.forget();
      roots.provider.close?.();
    },
  };
}

/** A row's key as an envelope is bound to it: as the database writes it. */
const rowIdOf = (key: Key | readonly Key[]): string =>
  typeof key === 'object' ? JSON.stringify(key.map(keyText)) : keyText(key);
