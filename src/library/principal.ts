// Who acts, as an application says it: by the key that a user or agent has in the application's own table.
//
// Nothing here asks whether there is such a one; the database does. A key that is missing is nobody, and never the text "undefined".

import type { AdoptedClaims } from '../db/ticket.ts';
import { BailiwickError } from '../errors.ts';
import { newId, parseId } from '../ids.ts';

/** What a row has in the column that identifies it. */
export type Key = string | number | bigint;

/** For whom a session is: somebody in person, or an agent through a delegation. */
export type Principal = (
  | { readonly user: Key; readonly agent?: undefined }
  | { readonly agent: Key; readonly user?: undefined }
) & {
  /** Under which an agent acts for its owner. */
  readonly delegation?: string | undefined;
  /** What this session may do at most, as kind:verb; left out, everything that the principal may. */
  readonly scopes?: readonly string[] | undefined;
};

/** @throws {BailiwickError} UNAUTHENTICATED for nobody. */
export function claimsOf(principal: Principal): AdoptedClaims {
  const { user, agent, delegation, scopes } = principal ?? {};
  if (user !== undefined && agent !== undefined) {
    throw new TypeError('a principal is a user or an agent, not both');
  }
  const kind = agent === undefined ? 'user' : 'agent';
  return {
    kind: 'adopted',
    subject: `${kind}:${keyText(agent ?? user)}`,
    delegation: delegation === undefined || delegation === null ? undefined : idOf(delegation),
    scopes: scopes === undefined ? undefined : listOf(scopes),
    requestId: newId(),
  };
}

/** A key as the database's trigger writes it: the text of its value. */
export function keyText(key: Key | null | undefined): string {
  if (key === undefined || key === null || key === '') {
    throw new BailiwickError('UNAUTHENTICATED', undefined, {
      cause: new TypeError('a principal without a key'),
    });
  }
  if (typeof key === 'string' || typeof key === 'bigint' || Number.isSafeInteger(key)) {
    return String(key);
  }
  throw new TypeError('a key is a text, a whole number or a bigint');
}

function idOf(delegation: string): NonNullable<AdoptedClaims['delegation']> {
  const id = parseId<NonNullable<AdoptedClaims['delegation']>>(String(delegation).toLowerCase());
  if (id === undefined) {
    throw new BailiwickError('BAD_USER_INPUT', 'The delegation is not named by a UUID.');
  }
  return id;
}

function listOf(scopes: readonly string[]): readonly string[] {
  if (!Array.isArray(scopes) || scopes.some((scope) => typeof scope !== 'string')) {
    throw new TypeError('scopes are a list of texts such as order:read');
  }
  return scopes;
}
