// The key hierarchy: a data key for each holder, wrapped by a key of its tenant, wrapped by the key provider.
//
// A wrapped data key opens only as what it was made as: its wrapping key is derived (HKDF) from the tenant's key for this tenant,
// holder, key and version, with the holder's erasure secret as salt where there is a store for them. So a wrapped key that was
// moved to another holder's row is worthless, and one whose secret was forgotten is lost. Pure but for what it is handed: knows
// no table and no context, caches nothing (keys.ts does), and never logs.

import { createSecretKey, type KeyObject } from 'node:crypto';
import type { DataKey } from './envelope.ts';
import type { ErasureStore } from './erasure.ts';
import { derive, encodeParts, newKey, unwrapKey, wrapKey } from './primitives.ts';
import type { Binding, KeyProvider, Wrapped } from './provider.ts';

/** What a tenant's key is for: wrapping data keys, or the blind indexes. */
export type Purpose = 'wrap' | 'index';

/** A key of a tenant, as it is kept. */
export type StoredTenantKey = {
  readonly id: string;
  readonly tenantId: string;
  readonly purpose: Purpose;
  readonly version: number;
  /** By the key provider; null once it is destroyed. */
  readonly wrapped: Wrapped | null;
  /** Whether an erasure secret went into it. */
  readonly erasable: boolean;
};

/** A data key, as it is kept, and the tenant's key that wraps it. */
export type StoredDataKey = {
  readonly id: string;
  readonly tenantId: string;
  readonly holderId: string;
  readonly version: number;
  /** base64url; null once it is destroyed. */
  readonly wrapped: string | null;
  readonly erasable: boolean;
  /** No longer for new values. */
  readonly retired: boolean;
  readonly tenantKey: StoredTenantKey;
};

/** A key that is not to be had. */
export class KeyUnavailableError extends Error {
  /**
   * `destroyed`: on purpose, for good; `erased`: the secret outside the database that it needs is not there; `altered`: the wrapped
   * key is not the one that was made for this place; `refused`: the context may not have one made.
   */
  readonly reason: 'destroyed' | 'erased' | 'altered' | 'refused';

  constructor(reason: KeyUnavailableError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyUnavailableError';
    this.reason = reason;
  }
}

/** What wraps the tenants' keys, and where what must be forgettable lies. */
export type Roots = {
  readonly provider: KeyProvider;
  /** Left out where there is none: then destroying a key does not reach backups of the database. */
  readonly erasure?: ErasureStore | undefined;
};

/** The name under which a tenant's own erasure secret is kept, among those of its holders. */
const TENANT = '0';

const NO_SALT = new Uint8Array(0);

/** The secret that went into a key, if one did. */
async function salt(
  { erasure }: Roots,
  key: { readonly tenantId: string; readonly erasable: boolean },
  holder: string,
): Promise<Uint8Array> {
  if (!key.erasable) {
    return NO_SALT;
  }
  const secret = await erasure?.secret(key.tenantId, holder, false);
  if (secret === undefined) {
    throw new KeyUnavailableError(
      'erased',
      erasure === undefined
        ? 'the key needs an erasure secret, and no folder of them is configured'
        : 'the erasure secret of the key is not there',
    );
  }
  return secret;
}

/** A secret that will go into a new key; undefined where there is no store for them. */
function newSalt({ erasure }: Roots, tenantId: string, holder: string): Promise<Uint8Array | undefined> {
  return erasure === undefined
    ? Promise.resolve(undefined)
    : erasure.secret(tenantId, holder, true).then(present);
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) {
    throw new Error('what was just made is not there');
  }
  return value;
}

const bindingOf = ({
  id,
  tenantId,
  purpose,
}: Pick<StoredTenantKey, 'id' | 'tenantId' | 'purpose'>): Binding => ({
  key: id,
  purpose,
  tenant: tenantId,
});

function tenantSecret(
  material: Uint8Array,
  key: Pick<StoredTenantKey, 'id' | 'tenantId' | 'purpose'>,
  secret: Uint8Array,
): KeyObject {
  const info = encodeParts('bailiwick tenant key', key.tenantId, key.id, key.purpose);
  return createSecretKey(derive(material, info, secret));
}

/**
 * Makes a tenant's key.
 *
 * @param key Its id is a new one.
 * @throws {KeyProviderError}
 */
export async function makeTenantKey(
  roots: Roots,
  key: Pick<StoredTenantKey, 'id' | 'tenantId' | 'purpose'>,
): Promise<{ readonly wrapped: Wrapped; readonly erasable: boolean; readonly secret: KeyObject }> {
  const secret = await newSalt(roots, key.tenantId, TENANT);
  const material = newKey();
  const wrapped = await roots.provider.wrap(material, bindingOf(key));
  return { wrapped, erasable: secret !== undefined, secret: tenantSecret(material, key, secret ?? NO_SALT) };
}

/**
 * @throws {KeyProviderError}
 * @throws {KeyUnavailableError}
 */
export async function openTenantKey(roots: Roots, key: StoredTenantKey): Promise<KeyObject> {
  if (key.wrapped === null) {
    throw new KeyUnavailableError('destroyed', 'the key of the tenant was destroyed');
  }
  const secret = await salt(roots, key, TENANT);
  return tenantSecret(await roots.provider.unwrap(key.wrapped, bindingOf(key)), key, secret);
}

/**
 * The same tenant key under the provider's present key; the wrapped keys below it stay as they are.
 *
 * @throws {KeyProviderError}
 * @throws {KeyUnavailableError}
 */
export async function rewrapTenantKey({ provider }: Roots, key: StoredTenantKey): Promise<Wrapped> {
  if (key.wrapped === null) {
    throw new KeyUnavailableError('destroyed', 'the key of the tenant was destroyed');
  }
  const binding = bindingOf(key);
  return provider.wrap(await provider.unwrap(key.wrapped, binding), binding);
}

type DataKeyName = Pick<StoredDataKey, 'id' | 'tenantId' | 'holderId' | 'version'>;

function wrappingKey(tenantKey: KeyObject, key: DataKeyName, secret: Uint8Array): Buffer {
  const info = encodeParts('bailiwick data key', key.tenantId, key.holderId, key.id, String(key.version));
  return derive(tenantKey, info, secret);
}

/** Makes a holder's data key, wrapped under an open key of its tenant. */
export async function makeDataKey(
  roots: Roots,
  tenantKey: KeyObject,
  key: DataKeyName,
): Promise<{ readonly wrapped: string; readonly erasable: boolean; readonly key: DataKey }> {
  const secret = await newSalt(roots, key.tenantId, key.holderId);
  const material = newKey();
  const wrapped = wrapKey(wrappingKey(tenantKey, key, secret ?? NO_SALT), material).toString('base64url');
  return {
    wrapped,
    erasable: secret !== undefined,
    key: { id: key.id, version: key.version, secret: createSecretKey(material) },
  };
}

/** @throws {KeyUnavailableError} */
export async function openDataKey(
  roots: Roots,
  tenantKey: KeyObject,
  stored: Omit<StoredDataKey, 'tenantKey'>,
): Promise<DataKey> {
  const material = await unwrapDataKey(roots, tenantKey, stored);
  return { id: stored.id, version: stored.version, secret: createSecretKey(material) };
}

async function unwrapDataKey(
  roots: Roots,
  tenantKey: KeyObject,
  stored: Omit<StoredDataKey, 'tenantKey'>,
): Promise<Buffer> {
  if (stored.wrapped === null) {
    throw new KeyUnavailableError('destroyed', 'the key was destroyed');
  }
  const secret = await salt(roots, stored, stored.holderId);
  try {
    return unwrapKey(wrappingKey(tenantKey, stored, secret), Buffer.from(stored.wrapped, 'base64url'));
  } catch (cause) {
    throw new KeyUnavailableError('altered', 'the wrapped key does not open here', { cause });
  }
}

/**
 * The same data key, wrapped under another key of its tenant.
 *
 * @throws {KeyUnavailableError}
 */
export async function rewrapDataKey(
  roots: Roots,
  from: KeyObject,
  to: KeyObject,
  stored: Omit<StoredDataKey, 'tenantKey'>,
): Promise<string> {
  const material = await unwrapDataKey(roots, from, stored);
  const secret = await salt(roots, stored, stored.holderId);
  return wrapKey(wrappingKey(to, stored, secret), material).toString('base64url');
}

/**
 * Forgets what makes a holder's keys openable, outside the database. Irreversible.
 *
 * @returns whether backups of the database are covered: there was a secret, and it is gone.
 */
export async function eraseHolder({ erasure }: Roots, tenantId: string, holderId: string): Promise<boolean> {
  return (await erasure?.forget(tenantId, holderId)) ?? false;
}

/** The same for a whole tenant, with everybody in it. */
export async function eraseTenant({ erasure }: Roots, tenantId: string): Promise<boolean> {
  return erasure !== undefined && (await erasure.forgetTenant(tenantId)) > 0;
}
