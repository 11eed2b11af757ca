// Tickets as an attacker would want them: with other claims, other times, another signature. Wrong in one thing and right in
// all others, so that every condition of bailiwick.open is asked for by itself. No cases here.

import type { TicketKey } from '../../../src/db/ticket.ts';
import type { ActorName } from '../../../src/demo/cast.ts';
import { type Acting, KEY, ticket } from '../../kit/as.ts';
import { macOf, TICKET_PADS } from './keys.ts';
import { MEMORIES } from './seals.ts';
import { opened, type Step, sign, step } from './stage.ts';

export type Claims = Readonly<Record<string, unknown>>;

export type Ticket = readonly [text: string | null, mac: string | null];

/** A ticket for alice with other claims; undefined takes a claim out. */
export function claiming(changes: Claims, actor: ActorName = 'alice', acting: Acting = {}): Ticket {
  const claims = JSON.parse(ticket(actor, acting)[0].split('|')[2] ?? '') as Claims;
  return signed(`t1|${KEY.kid}|${JSON.stringify({ ...claims, ...changes })}`);
}

export const signed = (text: string, key: TicketKey = KEY): Ticket => [text, sign(text, key.key)];

/** Opens with a ticket that begins and ends so many seconds from now, or from the start of the transaction, by the database's clock. */
export const lasting = (
  from: number,
  to: number,
  expect: string,
  since: 'clock_timestamp' | 'transaction_timestamp' = 'clock_timestamp',
): Step =>
  step(
    `select bailiwick.open(t, ${macOf('t')}) is not null
       from (select 't1|' || $3::text || '|' || ($4::jsonb || jsonb_build_object('iat', n + $5::numeric, 'exp', n + $6::numeric)) as t
               from (select extract(epoch from ${since}()) as n offset 0) x offset 0) y`,
    expect,
    () => [TICKET_PADS.inner, TICKET_PADS.outer, KEY.kid, body(), from, to],
  );
export const body = (): string => ticket('alice')[0].split('|')[2] ?? '';

export const opening = { group: 'sealed context', gain: 'a context in the name of any subject' } as const;

export const closed: Step = step(`select coalesce(current_setting('bailiwick.context', true), '')`, '');

export const opensNothing = (make: () => Ticket, sqlstate = '28000'): Step[] => [
  opened(make, sqlstate),
  closed,
  step(MEMORIES, 0),
];

/** Opens as alice with a token that expires so many seconds from now: after this statement began, however slow it is. */
export const expiring = (after: number): Step =>
  step(
    `select bailiwick.open(t, ${macOf('t')}) is not null
       from (select 't1|' || $3::text || '|' || ($4::jsonb || jsonb_build_object('token_expires_at', n + $5::numeric)) as t
               from (select extract(epoch from clock_timestamp()) as n offset 0) x offset 0) y`,
    'true',
    () => [TICKET_PADS.inner, TICKET_PADS.outer, KEY.kid, body(), after],
  );
