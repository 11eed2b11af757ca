// What the kernel says of an action, as the tests of policies ask for it: the verdict on one of the present context, on one of somebody's
// agents, and what is to be asked.
//
// Asks and converts, and expects nothing.

import type { Sql } from '../kit/as.ts';

export type Effect = 'allow' | 'ask' | 'deny';
export type Verdict = {
  readonly effect: Effect;
  readonly ruleId: string | null;
  readonly agentId: string;
  readonly version: string;
};
export const authorize = async (sql: Sql, service: string, action: string) =>
  (await sql.value('select bailiwick.authorize($1, $2)', [service, action])) as Verdict | null;
export const asked = (sql: Sql, service = 'mail', action = 'messages.send') =>
  sql.value('select bailiwick.asked($1, $2)', [service, action]);
export const preview = async (
  sql: Sql,
  agent: string,
  delegation: string | null = null,
  [service, action]: readonly [string, string] = ['mail', 'messages.send'],
  instead: readonly object[] | null = null,
) =>
  (await sql.value('select bailiwick.preview($1, $2, $3, $4, $5)', [
    ...[agent, delegation, service, action],
    instead === null ? null : JSON.stringify(instead),
  ])) as Verdict | null;
