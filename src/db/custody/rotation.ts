// Rotation, level by level, while everybody works. Data keys: each holder gets a new one, and what is under the old ones is sealed
// anew. Keys of tenants: the data keys are wrapped anew, no value is touched. Key-encryption keys: the tenants' keys and the keys
// that sign tokens are wrapped anew.
//
// Every step leaves everything readable, so it may be ended at any time and taken up by the same command. Old data keys stay, for
// whoever is late.

import type { KeyObject } from 'node:crypto';
import type pg from 'pg';
import {
  KeyUnavailableError,
  makeDataKey,
  makeTenantKey,
  openTenantKey,
  type Roots,
  rewrapDataKey,
  rewrapTenantKey,
  type StoredDataKey,
  type StoredTenantKey,
} from '../../crypto/hierarchy.ts';
import { REMEMBERED } from '../../crypto/keys.ts';
import { type KeyProvider, keyIdOf } from '../../crypto/provider.ts';
import { newId } from '../../ids.ts';
import { DATA_KEY, TENANT_KEY } from '../operator-keys.ts';
import { type Fault, type Outcome, type Pass, resealAll } from './resealing.ts';

type Client = Pick<pg.Client, 'query'>;

/** Seconds during which a server may still seal with a key that was retired: for as long as it remembers one, and an operation. */
export const GRACE = REMEMBERED.milliseconds / 1000 + 30;

/** What is begun and not finished at a level, of this tenant or of all. */
async function unfinished(
  client: Client,
  level: string,
  tenantId: string | null,
): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `select id from bailiwick.key_rotations
      where level = $1 and scope = coalesce($2, 'all') and finished_at is null order by started_at limit 1`,
    [level, tenantId],
  );
  return rows[0]?.id;
}

async function begin(client: Client, level: string, tenantId: string | null): Promise<string> {
  const id = newId();
  await client.query(
    "insert into bailiwick.key_rotations (id, level, scope) values ($1, $2, coalesce($3, 'all'))",
    [id, level, tenantId],
  );
  return id;
}

async function finish(client: Client, id: string): Promise<void> {
  await client.query('update bailiwick.key_rotations set finished_at = clock_timestamp() where id = $1', [
    id,
  ]);
}

export type Rotation = {
  /** Whether it was begun before and was taken up. */
  readonly resumed: boolean;
  /** Keys that were made or wrapped anew. */
  readonly keys: number;
  readonly values: Outcome;
  /** Seconds until the last server has stopped sealing with the old keys; then the same command finishes it. 0: it is finished. */
  readonly graceSeconds: number;
};

/** Gives every holder a new data key, and seals everything under it. */
export async function rotateDataKeys(pass: Pass): Promise<Rotation> {
  const { client, tenantId = null } = pass;
  const before = await unfinished(client, 'data', tenantId);
  const rotation = before ?? (await begin(client, 'data', tenantId));
  const open = opener(pass.keys.roots);
  let keys = 0;
  for (;;) {
    const made = await succeed(pass, rotation, open);
    keys += made;
    if (made === 0) {
      break;
    }
  }
  const values = await resealAll(pass);
  const graceSeconds = await graceOf(client, tenantId);
  if (graceSeconds === 0 && values.faults.length === 0) {
    await finish(client, rotation);
  }
  return { resumed: before !== undefined, keys, values, graceSeconds };
}

/** Makes the next key of a few holders whose present one is older than the rotation. Returns of how many. */
async function succeed(
  { client, keys: { roots }, batch, tenantId = null, signal }: Pass,
  rotation: string,
  open: (key: StoredTenantKey) => Promise<KeyObject>,
): Promise<number> {
  signal?.throwIfAborted();
  const { rows } = await client.query<StoredDataKey>(
    `select ${DATA_KEY}
       from public.data_keys k
       join public.tenant_keys t on t.tenant_id = k.tenant_id and t.id = k.tenant_key_id
       join bailiwick.key_rotations g on g.id = $1
      where k.retired_at is null and k.destroyed_at is null and t.destroyed_at is null and k.created_at < g.started_at
        and ($2::uuid is null or k.tenant_id = $2)
      order by k.tenant_id, k.id limit $3`,
    [rotation, tenantId, batch],
  );
  const newest = new Map<string, StoredTenantKey>();
  for (const key of rows) {
    const above = newest.get(key.tenantId) ?? (await newestTenantKey(client, key.tenantId));
    newest.set(key.tenantId, above);
    const next = {
      id: newId() as string,
      tenantId: key.tenantId,
      holderId: key.holderId,
      version: key.version + 1,
    };
    const { wrapped, erasable } = await makeDataKey(roots, await open(above), next);
    // both or neither: a holder never has two keys for new values, and never none
    await client.query(
      `with old as (
         update public.data_keys set retired_at = clock_timestamp()
          where tenant_id = $1 and id = $2 and retired_at is null returning owner_id, holder_id)
       insert into public.data_keys (tenant_id, id, owner_id, holder_id, tenant_key_id, version, wrapped, erasable, created_at)
       select $1, $3, old.owner_id, old.holder_id, $4, $5, $6, $7, clock_timestamp() from old`,
      [key.tenantId, key.id, next.id, above.id, next.version, wrapped, erasable],
    );
  }
  return rows.length;
}

async function newestTenantKey(client: Client, tenantId: string): Promise<StoredTenantKey> {
  const { rows } = await client.query<StoredTenantKey>(
    `select ${TENANT_KEY} from public.tenant_keys t
      where t.tenant_id = $1 and t.purpose = 'wrap' order by t.version desc limit 1`,
    [tenantId],
  );
  const [key] = rows;
  if (key === undefined) {
    throw new Error(`tenant ${tenantId} has data keys and no key of its own`);
  }
  return key;
}

async function graceOf(client: Client, tenantId: string | null): Promise<number> {
  const { rows } = await client.query<{ seconds: string }>(
    `select coalesce(ceil(max(extract(epoch from k.retired_at - clock_timestamp())) + $2), 0) as seconds
       from public.data_keys k where ($1::uuid is null or k.tenant_id = $1)`,
    [tenantId, GRACE],
  );
  return Math.max(0, Number(rows[0]?.seconds));
}

/** Gives every tenant a new key, and wraps its data keys under it. */
export async function rotateTenantKeys(pass: Pass): Promise<Rotation> {
  const {
    client,
    keys: { roots },
    tenantId = null,
  } = pass;
  const before = await unfinished(client, 'tenant', tenantId);
  const rotation = before ?? (await begin(client, 'tenant', tenantId));
  const { rows: tenants } = await client.query<StoredTenantKey & { due: boolean }>(
    `select distinct on (t.tenant_id) ${TENANT_KEY}, t.created_at < g.started_at as due
       from public.tenant_keys t join bailiwick.key_rotations g on g.id = $1
      where t.purpose = 'wrap' and t.destroyed_at is null and ($2::uuid is null or t.tenant_id = $2)
      order by t.tenant_id, t.version desc`,
    [rotation, tenantId],
  );
  const faults: Fault[] = [];
  let keys = 0;
  for (const [index, { due, ...key }] of tenants.entries()) {
    pass.signal?.throwIfAborted();
    let newest: StoredTenantKey = key;
    if (due) {
      // under the wrong key of the provider nothing may be made: it would be the newest, and open nowhere
      await openTenantKey(roots, key);
      const name = { id: newId() as string, tenantId: key.tenantId, purpose: 'wrap' } as const;
      const { wrapped, erasable } = await makeTenantKey(roots, name);
      newest = { ...name, version: key.version + 1, wrapped, erasable };
      await client.query(
        `insert into public.tenant_keys (tenant_id, id, purpose, version, wrapped, erasable, created_at)
         values ($1, $2, 'wrap', $3, $4, $5, clock_timestamp())`,
        [name.tenantId, name.id, newest.version, wrapped, erasable],
      );
    }
    const wrapped = await rewrapUnder(pass, newest);
    keys += wrapped.done;
    faults.push(...wrapped.faults);
    pass.progress?.(index + 1, tenants.length);
  }
  if (faults.length === 0) {
    await finish(client, rotation);
  }
  return { resumed: before !== undefined, keys, values: { done: 0, faults, gone: 0 }, graceSeconds: 0 };
}

/** Wraps every data key of a tenant that is not under this key of the tenant under it. What does not open is left and told of. */
async function rewrapUnder(
  { client, keys: { roots }, batch, signal }: Pass,
  newest: StoredTenantKey,
): Promise<Pick<Outcome, 'done' | 'faults'>> {
  const open = opener(roots);
  const to = await open(newest);
  const faults: Fault[] = [];
  let done = 0;
  for (let after = NO_KEY; ; ) {
    signal?.throwIfAborted();
    const { rows } = await client.query<StoredDataKey>(
      `select ${DATA_KEY}
         from public.data_keys k
         join public.tenant_keys t on t.tenant_id = k.tenant_id and t.id = k.tenant_key_id
        where k.tenant_id = $1 and k.tenant_key_id <> $2 and k.destroyed_at is null and t.destroyed_at is null and k.id > $4
        order by k.id limit $3`,
      [newest.tenantId, newest.id, batch, after],
    );
    for (const key of rows) {
      try {
        const wrapped = await rewrapDataKey(roots, await open(key.tenantKey), to, key);
        const { rowCount } = await client.query(
          `update public.data_keys set wrapped = $3, tenant_key_id = $4
            where tenant_id = $1 and id = $2 and wrapped = $5 and destroyed_at is null`,
          [key.tenantId, key.id, wrapped, newest.id, key.wrapped],
        );
        done += rowCount ?? 0;
      } catch (error) {
        if (!(error instanceof KeyUnavailableError)) {
          throw error;
        }
        const place = { tenantId: key.tenantId, table: 'data_keys', column: 'wrapped', rowId: key.id };
        faults.push({ ...place, reason: `key ${error.reason}` });
      }
    }
    const last = rows.at(-1);
    if (last === undefined) {
      return { done, faults };
    }
    after = last.id;
  }
}

const NO_KEY = '00000000-0000-0000-0000-000000000000';

/** Opens keys of tenants, each once: the provider may be far away. */
function opener(roots: Roots): (key: StoredTenantKey) => Promise<KeyObject> {
  const opened = new Map<string, Promise<KeyObject>>();
  return (key) => {
    const opening = opened.get(key.id) ?? openTenantKey(roots, key);
    opened.set(key.id, opening);
    return opening;
  };
}

/**
 * Wraps what the provider has wrapped under its present key; has a new one take over first, unless something is still under an
 * older one.
 *
 * @param rewrapSigningKeys Wraps the keys that sign tokens; they are not this file's.
 */
export async function rotateKeyEncryptionKey(
  pass: Pass,
  rewrapSigningKeys: (client: Client, provider: KeyProvider) => Promise<number>,
): Promise<{ readonly current: string; readonly made: boolean; readonly keys: number }> {
  const {
    client,
    keys: { roots },
  } = pass;
  const { provider } = roots;
  let current = await provider.current();
  const made = (await underOthers(client, current)).length === 0;
  if (made) {
    current = await provider.rotate();
  }
  const due = await underOthers(client, current);
  for (const [index, key] of due.entries()) {
    pass.signal?.throwIfAborted();
    await client.query(
      'update public.tenant_keys set wrapped = $3 where tenant_id = $1 and id = $2 and wrapped = $4',
      [key.tenantId, key.id, await rewrapTenantKey(roots, key), key.wrapped],
    );
    pass.progress?.(index + 1, due.length);
  }
  return { current, made, keys: due.length + (await rewrapSigningKeys(client, provider)) };
}

async function underOthers(client: Client, current: string): Promise<StoredTenantKey[]> {
  const { rows } = await client.query<StoredTenantKey>(
    `select ${TENANT_KEY} from public.tenant_keys t where t.destroyed_at is null order by t.tenant_id, t.version`,
  );
  return rows.filter(({ wrapped }) => wrapped !== null && keyIdOf(wrapped) !== current);
}
