// The rules about keys of encrypted values, to be read aloud like the others (rules.ts): whoever is alive has the wrapped keys of its
// owner, and an owner in person those of its agents; the first key of each is kept for them and for nobody else; and what is
// sealed for a holder is sealed under a key of that holder that counts.

import { personOf, type Row } from '../../../src/assurance/rows.ts';
import type { NewDataKey, Value } from '../../../src/assurance/sealing.ts';
import type { DataKey, Principal } from '../../../src/assurance/world.ts';
import { type Authority, alive, inPerson } from './rules.ts';

/** One that was destroyed counts no more. One that was replaced does, for as long as something may be under it. */
const counts = ({ state }: DataKey) => state !== 'destroyed';

/** Whether a value may stand where only what is sealed for a holder may. */
export function seals({ tenant }: Authority, value: Value, holder: Principal): boolean {
  const key = value === 'plain' ? undefined : tenant.dataKeys[value];
  return key !== undefined && key.holder === holder && counts(key);
}

/** Whether what is sealed in a row may go on standing there when the row is changed in something else. */
export function staysSealed(a: Authority, { sealed, holder }: Row): boolean {
  return sealed === null || sealed === undefined || (holder !== undefined && seals(a, sealed, holder));
}

/** A tenant has a key that wraps and none for indexes, and keeps what it has. */
export function keepsTenantKey(a: Authority, purpose: 'wrap' | 'index'): boolean {
  return alive(a) && purpose === 'index';
}

/** The first key of the owner, or of an agent of the owner who is here in person; below the key of the tenant. */
export function keepsDataKey(a: Authority, { holder, below }: NewDataKey): boolean {
  const theirs = holder === a.owner || (inPerson(a) && personOf(a.tenant, holder) === a.owner);
  return alive(a) && theirs && below === 'r0' && !a.tenant.dataKeys.some((key) => key.holder === holder);
}
