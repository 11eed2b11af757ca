// Keys that somebody might want to make and sessions that somebody might want to start: one as it should be, then each limit
// stretched by one step at a time; and when both a key and the one that takes its place should work.
//
// Which of them may be is not said here.

import { DELEGABLE, SCOPES } from '../capabilities.ts';
import { type Asker, type Key, type Principal, principals, type Tenant } from './world.ts';

/** A key or client that somebody wants to make. Times are seconds from now. */
export type NewKey = {
  /** By name; perhaps not a principal. */
  readonly entity: string;
  readonly capabilities: readonly string[];
  readonly pinned: number | null;
  readonly ends: number;
};

/** A session that somebody wants to start. */
export type NewSession = Pick<NewKey, 'capabilities' | 'ends'>;

/** A key that is to take the place of another. */
export type Rotation = {
  readonly key: number;
  readonly ends: number;
  /** Seconds in which both work. */
  readonly overlap: number;
};

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Of which credential an asker shows something: the key itself, or a token that was issued on it. */
export function credentialOf(tenant: Tenant, { by }: Asker): Key | undefined {
  const index = by === undefined ? undefined : 'key' in by ? by.key : 'issued' in by ? by.issued : undefined;
  return index === undefined ? undefined : tenant.keys[index];
}

/** What an asker comes with, as far as that has scopes. */
export function scopesOf(tenant: Tenant, asker: Asker): readonly string[] {
  const { token, by } = asker;
  const most = credentialOf(tenant, asker)?.capabilities;
  if (most === undefined) {
    return by !== undefined && 'key' in by ? [] : token.scopes;
  }
  return by !== undefined && 'key' in by ? most : token.scopes.filter((scope) => most.includes(scope));
}

/** A key as it should be, for everybody in turn, and then with one thing wrong at a time. */
export function keysOf(tenant: Tenant, asker: Asker): NewKey[] {
  const scopes = scopesOf(tenant, asker);
  const good: NewKey = {
    entity: asker.actor,
    capabilities: scopes.includes('memory:read') ? ['memory:read'] : scopes.slice(0, 1),
    pinned: null,
    ends: 5 * MINUTE,
  };
  const agent: Principal | undefined = tenant.agents.some(({ owner }) => `u${owner}` === asker.actor)
    ? `a${tenant.agents.findIndex(({ owner }) => `u${owner}` === asker.actor)}`
    : undefined;
  const holders = agent === undefined ? [good.entity] : [good.entity, agent];
  const own = credentialOf(tenant, asker)?.ends;
  const wrong: readonly Partial<NewKey>[] = [
    ...[...principals(tenant), 'u9', 'w0'].map((entity) => ({ entity })),
    ...tenant.delegations.flatMap(({ delegate }, pinned) => [
      { pinned },
      { entity: `a${delegate}`, pinned },
      { entity: `a${(delegate + 1) % tenant.agents.length}`, pinned },
    ]),
    ...holders.flatMap((entity) =>
      [DELEGABLE, SCOPES, scopes, ['key:create'], ['delegation:update'], ['memory:fly']].map(
        (capabilities) => ({
          entity,
          capabilities,
        }),
      ),
    ),
    { capabilities: [] },
    { capabilities: ['memory:read', 'memory:read'] },
    ...[-MINUTE, 364 * DAY, 366 * DAY].map((ends) => ({ ends })),
    ...(own === undefined ? [] : [{ ends: own - MINUTE }, { ends: own + MINUTE }]),
  ];
  const known = new Map(
    [good, ...wrong.map((part) => ({ ...good, ...part }))].map((one) => [JSON.stringify(one), one]),
  );
  return [...known.values()];
}

/** A session as it should be, and with one thing wrong at a time. */
export function sessionsOf(tenant: Tenant, asker: Asker): NewSession[] {
  const scopes = scopesOf(tenant, asker);
  const good: NewSession = { capabilities: scopes.slice(0, 1), ends: 5 * MINUTE };
  const wrong: readonly Partial<NewSession>[] = [
    ...[[], ['memory:fly'], SCOPES, scopes].map((capabilities) => ({ capabilities })),
    ...[-MINUTE, 89 * DAY, 91 * DAY].map((ends) => ({ ends })),
  ];
  return [good, ...wrong.map((part) => ({ ...good, ...part }))];
}

/** Each key replaced as it should be, and the first one with one thing wrong at a time. */
export function rotationsOf({ keys }: Tenant): Rotation[] {
  const good = keys.map((_, key): Rotation => ({ key, ends: 5 * MINUTE, overlap: HOUR }));
  const wrong: readonly Partial<Rotation>[] = [
    ...[-1, 0, 7 * DAY, 8 * DAY].map((overlap) => ({ overlap })),
    { ends: -MINUTE },
    { ends: 366 * DAY },
  ];
  return [...good, ...good.slice(0, 1).flatMap((one) => wrong.map((part) => ({ ...one, ...part })))];
}

/** A key in one line. */
export function nameOfKey({ entity, capabilities, pinned, ends }: NewKey): string {
  const bound = pinned === null ? '' : ` bound to d${pinned}`;
  return `for ${entity}${bound} [${capabilities.join(' ')}] to ${ends} s`;
}

export const nameOfSession = ({ capabilities, ends }: NewSession): string =>
  `[${capabilities.join(' ')}] to ${ends} s`;

export const nameOfRotation = ({ key, ends, overlap }: Rotation): string =>
  `k${key} by one to ${ends} s, both for ${overlap} s`;
