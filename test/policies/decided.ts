// Deciding on requests and redeeming approvals, as the tests of policies do it: the calls, what stands of a request afterwards, and a test of
// each refusal that changes nothing.

import { expect } from 'vitest';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { test } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { ASKED, keepRule } from './permissions.ts';

const acme = TENANTS.acme.id;
const { alice } = USERS;
export const OTHER = 'cd'.repeat(32);

export const decide = (
  sql: Sql,
  id: string | null,
  {
    digest = ASKED.digest,
    decision = 'approved',
    note = null,
  }: { digest?: string | null; decision?: string | null; note?: string | null } = {},
) => sql.value('select bailiwick.decide_approval($1, $2, $3, $4)', [id, digest, decision, note]);
export const redeem = (
  sql: Sql,
  id: string | null,
  {
    service = ASKED.service,
    action = ASKED.action,
    digest = ASKED.digest,
  }: Partial<Record<'service' | 'action' | 'digest', string | null>> = {},
) => sql.value('select bailiwick.redeem_approval($1, $2, $3, $4)', [id, service, action, digest]);

/** What stands of a request, as the administrator sees it. Ends what the runtime role does in this transaction. */
export const row = async (sql: Sql, id: string) => {
  await sql.client.query('reset role');
  const [found] = await sql.rows(
    `select decision, note, decided_by, decided_at > transaction_timestamp() as decided, redemption_id,
            redeemed_at > transaction_timestamp() as redeemed
       from approvals where tenant_id = $1 and id = $2`,
    [acme, id],
  );
  return found;
};
export const everything = async (sql: Sql) => {
  await sql.client.query('reset role');
  return await sql.list('select row_to_json(a)::text from approvals a');
};
export const set = (id: string, what: string) => (sql: Sql) =>
  sql.touched(`update approvals set ${what} where tenant_id = $1 and id = $2`, [acme, id]);
export const arranged =
  (then: (sql: Sql) => Promise<unknown> = async () => undefined) =>
  async (sql: Sql) => {
    await arrange(sql);
    await then(sql);
  };
/** The same acting, with what is laid out there. */
export const on = ({ given, ...acting }: Acting): Acting => ({ ...acting, given: arranged(given) });
export const PAST = `created_at = now() - interval '1 day', expires_at = now() - interval '1 second'`;
export const CHANGED = (sql: Sql) =>
  keepRule(sql, { id: newId(), owner: alice.id, service: ASKED.service, action: '*', effect: 'ask' });

export type Who =
  | 'alice'
  | 'bob'
  | 'ada'
  | 'mallory'
  | 'scout'
  | 'scribe'
  | 'late'
  | 'rogue'
  | 'bobot'
  | 'mimic';
export type Case = readonly [who: Who, acting: Acting, id: string, options?: object];

/** Registers a test of each case: what one answer is given to, and that nothing is changed by it. */
export function refuses(
  what: 'decision' | 'redemption',
  answer: string,
  cases: Readonly<Record<string, Case>>,
): void {
  for (const [why, [who, acting, id, options]] of Object.entries(cases)) {
    test(`a ${what} is refused with '${answer}' and changes nothing: ${why}`, async ({ as }) => {
      let before: string[] = [];
      const given = async (sql: Sql) => {
        await on(acting).given?.(sql);
        before = await sql.list('select row_to_json(a)::text from approvals a');
      };
      await as(who, { ...acting, given }, async (sql) => {
        expect(await (what === 'decision' ? decide : redeem)(sql, id, options)).toBe(answer);
        expect(await everything(sql)).toEqual(before);
      });
    });
  }
}
