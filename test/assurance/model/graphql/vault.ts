// Keys and sealed values for worlds behind the real server: it opens what stands there, so they must be real. Wrapped keys come from
// the product's hierarchy and envelopes from its own code, under a key-encryption key that everybody knows.
//
// Made once for each holder and place of a world, and used in every world; a server that remembers keys must forget them in
// between, because the same key may be there in one world and destroyed in the next.

import type { KeyObject } from 'node:crypto';
import type { Sealing } from '../../../../src/assurance/load.ts';
import { idOf, tenantId, type World } from '../../../../src/assurance/world.ts';
import { type DataKey, seal } from '../../../../src/crypto/envelope.ts';
import { makeDataKey, makeTenantKey, type Roots } from '../../../../src/crypto/hierarchy.ts';

type Made<Key> = { readonly wrapped: string; readonly key: Key };

export type Vault = Sealing & {
  /** Makes what a world needs and was not made before. */
  fit(world: World): Promise<void>;
};

export function openVault(roots: Roots): Vault {
  const tenants = new Map<number, Made<KeyObject>>();
  const keys = new Map<string, Made<DataKey>>();
  /** The keys of the present world, by tenant and index. */
  const present = new Map<string, Made<DataKey>>();

  async function tenantKeyOf(tenant: number): Promise<Made<KeyObject>> {
    const name = { id: idOf('r0'), tenantId: tenantId(tenant), purpose: 'wrap' } as const;
    const known = tenants.get(tenant);
    if (known !== undefined) {
      return known;
    }
    const { wrapped, secret } = await makeTenantKey(roots, name);
    const made = { wrapped, key: secret };
    tenants.set(tenant, made);
    return made;
  }

  const keyOf = (tenant: number, index: number): Made<DataKey> => there(present.get(`${tenant}/${index}`));

  return {
    async fit(world) {
      present.clear();
      for (const [tenant, { dataKeys }] of world.tenants.entries()) {
        const above = await tenantKeyOf(tenant);
        for (const [index, { holder, version }] of dataKeys.entries()) {
          const place = `${tenant}/${index} ${holder} ${version}`;
          const name = { id: idOf(`e${index}`), tenantId: tenantId(tenant), holderId: idOf(holder), version };
          const made = keys.get(place) ?? (await makeDataKey(roots, above.key, name));
          keys.set(place, made);
          present.set(`${tenant}/${index}`, made);
        }
      }
    },
    tenantKey: (tenant) => there(tenants.get(tenant)).wrapped,
    dataKey: (tenant, index) => keyOf(tenant, index).wrapped,
    seal: (tenant, index, { table, column, row, owner }, plain) =>
      seal(
        plain,
        { tenantId: tenantId(tenant), ownerId: idOf(owner), table, column, rowId: idOf(row) },
        keyOf(tenant, index).key,
      ),
  };
}

function there<Value>(value: Value | undefined): Value {
  if (value === undefined) {
    throw new TypeError('no such key in the world on stage');
  }
  return value;
}
