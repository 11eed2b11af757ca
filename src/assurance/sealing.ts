// What somebody might want to do with keys and sealed values: have a first key kept for each who might hold one, and write values
// into encrypted columns under the right key, somebody else's, one that does not count any more, another tenant's, or none.
//
// Which of it may be is not said here. A few of each for every asker, others for the next, because the many are alike.

import { type Asker, type Principal, principals, type Tenant, type World } from './world.ts';

/** What is written into an encrypted column: a value under a key, by its index in whichever tenant has it, or plain text. */
export type Value = number | 'plain';

/** A first data key that somebody wants kept, below a key of the tenant by its name. */
export type NewDataKey = { readonly holder: Principal; readonly below: string };

/** What tells an asker from the next, so that each tries something else. */
export const turnOf = ({ actor, delegation, by }: Asker): number =>
  Number(actor.slice(1)) + (actor.startsWith('a') ? 3 : 0) + (delegation ?? 0) + (by === undefined ? 0 : 1);

/** So many of the items, from that of a turn on. */
export const some = <Item>(items: readonly Item[], turn: number, count: number): Item[] =>
  items.length <= count
    ? [...items]
    : Array.from({ length: count }, (_, n) => items[(turn + n) % items.length] as Item);

/** First keys for the owner of the context, and in turn for everybody and below what is no key. */
export function dataKeysOf(tenant: Tenant, asker: Asker, owner: Principal): NewDataKey[] {
  const others = [
    ...principals(tenant)
      .filter((one) => one !== owner)
      .map((holder) => ({ holder, below: 'r0' })),
    { holder: owner, below: 'r1' },
  ];
  return [{ holder: owner, below: 'r0' }, ...some(others, turnOf(asker), 2)];
}

/** Values that somebody writes as a holder's: under the holder's newest key, and in turn what else there is. */
export function valuesOf({ tenants }: World, asker: Asker, holder: Principal): Value[] {
  const keys = tenants[asker.tenant]?.dataKeys ?? [];
  const newest = keys.findLastIndex((key) => key.holder === holder);
  const most = Math.max(...tenants.map((tenant) => tenant.dataKeys.length));
  const others: Value[] = ['plain', ...Array.from({ length: most }, (_, n) => n).filter((n) => n !== newest)];
  return [...(newest < 0 ? [] : [newest]), ...some(others, turnOf(asker), 1)];
}

/** The agent whose instructions somebody writes: one of the owner's, in turn. */
export function instructedBy({ agents }: Tenant, asker: Asker, owner: Principal): number | undefined {
  const all = agents.map((_, n) => n);
  const theirs = all.filter((n) => `u${agents[n]?.owner}` === owner || `a${n}` === owner);
  return some(theirs.length > 0 ? theirs : all, turnOf(asker), 1)[0];
}

export const purposeOf = (asker: Asker): 'wrap' | 'index' => (turnOf(asker) % 4 === 0 ? 'wrap' : 'index');

export const nameOfValue = (value: Value): string =>
  value === 'plain' ? 'in plain text' : `under e${value}`;
