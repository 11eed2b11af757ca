// Data keys for the work of one session: fetched under its own row security, opened through the hierarchy, remembered a while.
//
// What is remembered is found by tenant and holder, and a session asks only for holders that are its own (src/db/sealing.ts
// decides which); whoever is not is not told whether there is a key. Remembered keys are bounded in number and in time, and the
// time is also how long a destroyed key lives on in this process. A key that was made in a transaction is not remembered: it may
// be rolled back. Knows neither SQL nor envelopes.

import { createHmac, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { newId } from '../ids.ts';
import { type DataKey, keyIdOf, open, type Place } from './envelope.ts';
import {
  KeyUnavailableError,
  makeDataKey,
  makeTenantKey,
  openDataKey,
  openTenantKey,
  type Purpose,
  type Roots,
  type StoredDataKey,
  type StoredTenantKey,
} from './hierarchy.ts';
import { encodeParts } from './primitives.ts';

/** The wrapped keys, as the session's context may see them. */
export type KeyTable = {
  /** All keys of these holders. */
  dataKeys(holders: readonly string[]): Promise<readonly StoredDataKey[]>;
  /** The newest key of the tenant for a purpose. */
  tenantKey(purpose: Purpose): Promise<StoredTenantKey | undefined>;
  /** Adds the first key; does nothing when somebody was quicker. */
  addTenantKey(key: StoredTenantKey): Promise<void>;
  addDataKey(key: StoredDataKey): Promise<void>;
};

/** What a holder can open and seal with. */
export type HolderKeys = {
  readonly byId: ReadonlyMap<string, DataKey>;
  /** Under which new values are sealed; undefined where there is none to be had. */
  readonly current: DataKey | undefined;
  /** Why there is none, where not because it was destroyed. */
  readonly fault?: KeyUnavailableError | undefined;
  /** Ids of keys that were destroyed: what they sealed is gone, which is no fault. */
  readonly destroyed: ReadonlySet<string>;
};

/** A sealed value and who has its key. */
export type Held = { readonly holderId: string; readonly stored: string };

/** The keys that values need, by holder, as `SessionKeys.keysOf` asks for them. */
export function keysNeeded(values: Iterable<Held>): Map<string, Set<string>> {
  const needed = new Map<string, Set<string>>();
  for (const { holderId, stored } of values) {
    const ids = needed.get(holderId) ?? new Set();
    const id = keyIdOf(stored);
    needed.set(holderId, id === undefined ? ids : ids.add(id));
  }
  return needed;
}

/** Whether a value is gone because its key was destroyed. */
export function isGone(stored: string, keys: HolderKeys | undefined): boolean {
  return keys?.destroyed.has(keyIdOf(stored) ?? '') === true;
}

/**
 * Opens a value with the keys of its holder.
 *
 * @throws {EnvelopeError}
 */
export function openWith(keys: HolderKeys | undefined, stored: string, place: Place): string {
  return open(stored, place, (id) => keys?.byId.get(id));
}

/** How many holders' keys are remembered, and for how long, in milliseconds. */
export const REMEMBERED = { holders: 10_000, tenants: 1_000, milliseconds: 60_000 } as const;

export type DataKeyRing = {
  readonly roots: Roots;
  /** For one session of this tenant. */
  forSession(tenantId: string, table: KeyTable): SessionKeys;
  /** Forgets every key that is remembered. */
  forget(): void;
};

export type SessionKeys = {
  /**
   * The keys of holders. With each, the ids of keys that are needed: one that is not known is looked for in the database again.
   *
   * @throws {KeyProviderError}
   */
  keysOf(holders: ReadonlyMap<string, ReadonlySet<string>>): Promise<ReadonlyMap<string, HolderKeys>>;
  /** The same of what is remembered, at once; undefined where the database would have to be asked. */
  known(holders: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyMap<string, HolderKeys> | undefined;
  /**
   * The key under which a holder's new values are sealed; made when there is none.
   *
   * @throws {KeyProviderError}
   * @throws {KeyUnavailableError}
   */
  sealingKey(holderId: string): Promise<DataKey>;
  /**
   * The value of a blind index: HMAC-SHA-256 under a key of the tenant, for this column alone; base64url.
   *
   * @param create Whether the tenant's key is made when there is none. Otherwise undefined, as for one that was destroyed: then
   *   nothing is to be found either.
   */
  blindIndex(
    column: readonly [table: string, column: string],
    value: string,
    create: boolean,
  ): Promise<string | undefined>;
};

export function openDataKeyRing(
  roots: Roots,
  remembered: { readonly [Name in keyof typeof REMEMBERED]: number } = REMEMBERED,
): DataKeyRing {
  const holders = new LRUCache<string, HolderKeys>({ max: remembered.holders, ttl: remembered.milliseconds });
  const tenants = new LRUCache<string, Promise<KeyObject>>({
    max: remembered.tenants,
    ttl: remembered.milliseconds,
  });

  /** One unwrapping at a time for all who ask; what failed is tried again by the next. */
  const tenantKey = (stored: StoredTenantKey): Promise<KeyObject> => {
    const name = `${stored.tenantId}/${stored.id}/${stored.wrapped ?? ''}`;
    let opening = tenants.get(name);
    if (opening === undefined) {
      opening = openTenantKey(roots, stored);
      tenants.set(name, opening);
      opening.catch(() => tenants.delete(name));
    }
    return opening;
  };

  /** A key that is not to be had is missing: what it sealed does not open, and what other keys sealed does. */
  const openOne = async (key: StoredDataKey): Promise<DataKey | KeyUnavailableError> => {
    try {
      return await openDataKey(roots, await tenantKey(key.tenantKey), key);
    } catch (error) {
      if (error instanceof KeyUnavailableError) {
        return error;
      }
      throw error;
    }
  };

  const openAll = async (stored: readonly StoredDataKey[]): Promise<HolderKeys> => {
    const live = stored.filter(({ wrapped, tenantKey: above }) => wrapped !== null && above.wrapped !== null);
    const opened = await Promise.all(live.map(openOne));
    const newest = opened[live.findLastIndex(({ retired }) => !retired)];
    return {
      byId: new Map(opened.flatMap((key) => (key instanceof KeyUnavailableError ? [] : [[key.id, key]]))),
      ...(newest instanceof KeyUnavailableError
        ? { current: undefined, fault: newest }
        : { current: newest }),
      destroyed: new Set(stored.filter((key) => !live.includes(key)).map(({ id }) => id)),
    };
  };

  return {
    roots,
    forSession: (tenantId, table) => sessionKeys(tenantId, table),
    forget() {
      holders.clear();
      tenants.clear();
    },
  };

  function sessionKeys(tenantId: string, table: KeyTable): SessionKeys {
    /** Of this session alone: keys that its transaction has made. */
    const made = new Map<string, Promise<HolderKeys>>();
    const sealing = new Map<string, Promise<DataKey>>();
    let asking: Promise<StoredTenantKey | undefined> | undefined;
    let indexing: Promise<StoredTenantKey> | undefined;

    const knows = (keys: HolderKeys | undefined, wanted: ReadonlySet<string>) =>
      keys !== undefined && [...wanted].every((id) => keys.byId.has(id) || keys.destroyed.has(id));

    const keysOf: SessionKeys['keysOf'] = async (asked) => {
      const found = new Map<string, HolderKeys>();
      const missing: string[] = [];
      for (const [holder, wanted] of asked) {
        const keys = (await made.get(holder)) ?? holders.get(`${tenantId}/${holder}`);
        if (keys !== undefined && knows(keys, wanted)) {
          found.set(holder, keys);
        } else {
          missing.push(holder);
        }
      }
      if (missing.length > 0) {
        const stored = await table.dataKeys(missing);
        for (const holder of missing) {
          const of = stored
            .filter(({ holderId }) => holderId === holder)
            .sort((a, b) => a.version - b.version);
          if (of.length > 0) {
            const keys = await openAll(of);
            found.set(holder, keys);
            if (!made.has(holder)) {
              holders.set(`${tenantId}/${holder}`, keys);
            }
          }
        }
      }
      return found;
    };

    const known: SessionKeys['known'] = (asked) => {
      const found = new Map<string, HolderKeys>();
      for (const [holder, wanted] of asked) {
        const keys = made.has(holder) ? undefined : holders.get(`${tenantId}/${holder}`);
        if (keys === undefined || !knows(keys, wanted)) {
          return undefined;
        }
        found.set(holder, keys);
      }
      return found;
    };

    const firstTenantKey = async (purpose: Purpose): Promise<StoredTenantKey> => {
      const known = await table.tenantKey(purpose);
      return known ?? (await addTenantKey(purpose));
    };

    const addTenantKey = async (purpose: Purpose): Promise<StoredTenantKey> => {
      const name = { id: newId(), tenantId, purpose } as const;
      const { wrapped, erasable } = await makeTenantKey(roots, name);
      await table.addTenantKey({ ...name, version: 1, wrapped, erasable });
      const added = await table.tenantKey(purpose);
      if (added === undefined) {
        throw new KeyUnavailableError('refused', 'the key of the tenant was not kept');
      }
      return added;
    };

    const makeFirst = async (holderId: string): Promise<HolderKeys> => {
      const above = await firstTenantKey('wrap');
      const name = { id: newId() as string, tenantId, holderId, version: 1 };
      const { wrapped, erasable } = await makeDataKey(roots, await tenantKey(above), name);
      await table.addDataKey({ ...name, wrapped, erasable, retired: false, tenantKey: above });
      // perhaps another's, who was quicker
      const stored = await table.dataKeys([holderId]);
      if (stored.length === 0) {
        throw new KeyUnavailableError('refused', 'the key of the holder was not kept');
      }
      return openAll(stored);
    };

    const findSealingKey = async (holderId: string): Promise<DataKey> => {
      let keys = (await keysOf(new Map([[holderId, new Set()]]))).get(holderId);
      if (keys === undefined) {
        const making = makeFirst(holderId);
        made.set(holderId, making);
        keys = await making;
      }
      if (keys.current === undefined) {
        throw keys.fault === undefined
          ? new KeyUnavailableError('destroyed', 'the keys of the holder were destroyed')
          : new KeyUnavailableError(keys.fault.reason, 'the key of the holder is not to be had', {
              cause: keys.fault,
            });
      }
      return keys.current;
    };

    /** Asked for once, because many values are indexed at once. */
    const indexKey = (create: boolean): Promise<StoredTenantKey | undefined> => {
      if (create) {
        indexing ??= firstTenantKey('index');
        return indexing;
      }
      if (indexing !== undefined) {
        return indexing;
      }
      asking ??= table.tenantKey('index');
      return asking;
    };

    return {
      keysOf,
      known,
      sealingKey(holderId) {
        // many values are sealed at once, for one holder mostly
        const finding = sealing.get(holderId) ?? findSealingKey(holderId);
        sealing.set(holderId, finding);
        return finding;
      },
      async blindIndex(column, value, create) {
        const stored = await indexKey(create);
        return stored === undefined || (stored.wrapped === null && !create)
          ? undefined
          : createHmac('sha256', await tenantKey(stored))
              .update(encodeParts(...column, value))
              .digest('base64url');
      },
    };
  }
}
