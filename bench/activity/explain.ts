// The plans behind the pages: what PostgreSQL does for the runtime role under a sealed context, as the owner with half of all entries.
// The statements are those that Prisma sends, without the columns. What was planned and never begun is left out, and so is the kernel.

import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { firstIdOf } from '../../src/activity/moment.ts';
import { SCOPES } from '../../src/capabilities.ts';
import type { Config } from '../../src/config.ts';
import { installTicketKey } from '../../src/db/policies.ts';
import { issueTicket, ticketKey } from '../../src/db/ticket.ts';
import { withClient } from '../../src/db/with-client.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DEVELOPMENT_ISSUER } from '../../src/development.ts';
import type { RequestId } from '../../src/ids.ts';
import { loadSecret } from '../../src/secret.ts';
import { COMMON, RARE } from './fill.ts';

type Target = {
  readonly config: Config;
  readonly runtimeUrl: string;
  readonly migratorUrl: string;
  readonly deep: number;
  readonly take: number;
  readonly say: (line: string) => void;
};

/** Prints a plan for each sort of page. */
export async function explain({ config, runtimeUrl, migratorUrl, deep, take, say }: Target): Promise<void> {
  const secret = loadSecret(config.ticketKey, config.dataDir, 'ticket.key');
  const key = ticketKey(secret);
  await installTicketKey(migratorUrl, key.kid, secret);
  await withClient(runtimeUrl, async (client) => {
    await client.query('begin isolation level read committed');
    const claims = {
      kind: 'token',
      tenant: 'acme',
      issuer: DEVELOPMENT_ISSUER,
      subject: 'alice',
      scopes: SCOPES,
      tokenExpiresAt: new Date(Date.now() + 600_000),
      tokenIssuedAt: new Date(),
      requestId: randomUUID() as RequestId,
    } as const;
    await client.query('select bailiwick.open($1, $2)', issueTicket(claims, key));
    const place = async (offset: number) => {
      const { rows } = await client.query<{ id: string }>(
        `select id from activity_entries where tenant_id = $1 and owner_id = $2 order by id desc offset $3 limit 1`,
        [TENANTS.acme.id, USERS.alice.id, offset],
      );
      return rows[0]?.id ?? '';
    };
    const soon = firstIdOf(new Date(Date.now() + 86_400_000));
    const day = (ago: number) => firstIdOf(new Date(Date.now() - ago * 86_400_000));
    const pages: readonly (readonly [name: string, condition: string, values: readonly string[]])[] = [
      ['first page', 'id < $4', [soon]],
      [`${deep} rows deep`, 'id < $4 and id < $5', [soon, await place(deep)]],
      ['agent, one in 10 000', 'id < $4 and agent_id = $5', [soon, AGENTS.scribe.id]],
      ['service, four in ten', 'id < $4 and service = $5', [soon, COMMON.service]],
      ['service, one in 10 000', 'id < $4 and service = $5', [soon, RARE.service]],
      ['action, one in 10 000', 'id < $4 and action = $5', [soon, RARE.action]],
      ['outcome, one in 100', 'id < $4 and outcome = $5', [soon, RARE.outcome]],
      ['a day, half a year ago', 'id < $4 and id >= $5', [day(179), day(180)]],
    ];
    for (const [name, condition, values] of pages) {
      say(`\n${name}: ${condition}`);
      for (const line of await plan(client, condition, values, take)) {
        say(`  ${line}`);
      }
    }
    await client.query('rollback');
  });
}

async function plan(
  client: Client,
  condition: string,
  values: readonly string[],
  take: number,
): Promise<string[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, buffers, costs off, timing off)
     select * from activity_entries where tenant_id = $1 and owner_id = $2 and ${condition} order by id desc limit $3`,
    [TENANTS.acme.id, USERS.alice.id, take, ...values],
  );
  return rows
    .map((row) => row['QUERY PLAN'])
    .filter((line) =>
      /^\s*(-> {2})?(Limit|Sort|Append|Merge Append|Gather|(Parallel )?Seq Scan|Bitmap Heap|Index (Only )?Scan|.*Time: )/.test(
        line,
      ),
    )
    .filter((line) => !line.includes('never executed'));
}
