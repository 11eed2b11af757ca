// Keys whose secret the attacker is taken to know, and MACs made in SQL: so that what is forged in a transaction is right in
// everything but the one thing that its case is about, to the microsecond.

import { KEY, type Sql } from '../../kit/as.ts';

/** HMAC pads (RFC 2104), as the database keeps them instead of the secret. */
export type Pads = { readonly kid: string; readonly inner: Buffer; readonly outer: Buffer };

export function pads(kid: string, secret: Buffer): Pads {
  const pad = (byte: number) => Buffer.from(Array.from({ length: 64 }, (_, at) => (secret[at] ?? 0) ^ byte));
  return { kid, inner: pad(0x36), outer: pad(0x5c) };
}

/** The ticket key that the test's database trusts. */
export const TICKET_PADS: Pads = pads(KEY.kid, KEY.key.export());

/** An SQL expression for the MAC of a text; $1 and $2 are the pads. */
export function macOf(text: string): string {
  return `encode(sha256($2::bytea || sha256($1::bytea || convert_to(${text}, 'UTF8'))), 'hex')`;
}

/** Puts a key into the database as the newest, without the kernel's help. */
export function install({ kid, inner, outer }: Pads, purpose: 'seal' | 'ticket', active = true) {
  return (sql: Sql) =>
    sql.rows(
      `insert into bailiwick.context_key (kid, purpose, inner_pad, outer_pad, active, created_at)
       values ($1, $2, $3, $4, $5, now() + interval '1 hour')`,
      [kid, purpose, inner, outer, active],
    );
}
