// The name by which a client calls itself at the token service: `<id of its credential>@<slug of the tenant>`. The service looks
// a client up before it knows who asks, so the name must say in which tenant. It identifies and never authorises.

import { type KeyId, parseId } from '../ids.ts';

/** `<credential>@<tenant>`: a client's id at the token endpoint. */
export function clientIdOf(id: KeyId, tenant: string): string {
  return `${id}@${tenant}`;
}

/** A client id taken apart; undefined for the public client and for what is none. */
export function readClientId(clientId: string): { readonly id: KeyId; readonly tenant: string } | undefined {
  const [first, tenant, ...more] = clientId.split('@');
  const id = parseId<KeyId>(first);
  return id === undefined || !tenant || more.length > 0 ? undefined : { id, tenant };
}
