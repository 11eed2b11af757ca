// Prisma on the sealed pool: the only place that makes a client of the generated code.
//
// Every statement but those about partitions is a named prepared statement: it is parsed and planned once per connection. All go over the
// extended protocol (sealed-connection.ts), which carries exactly one statement, so that nothing can be stacked behind it.

import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../generated/prisma/client.ts';
import { lateClients } from './late-client.ts';
import type { SealedPool } from './pool.ts';
import { reading } from './receipts.ts';
import { scope } from './scope.ts';
import { type Encryption, sealing } from './sealing.ts';

const names = new Map<string, string>();
const MOST_NAMES = 2000;

// A plan that is kept is one for any values: it looks into every month, and it sorts what it takes for few rows, which for a busy agent
// is seconds. So what is asked of these is planned for the values at hand, each time.
const PARTITIONED = /"activity_entries"/;

/** A stable name for a statement's text, so that the same text is the same prepared statement on every connection. */
export function statementName(sql: string): string {
  let name = names.get(sql);
  if (name === undefined) {
    name = `b_${createHash('sha256').update(sql).digest('base64url').slice(0, 24)}`;
    if (names.size >= MOST_NAMES) {
      names.clear();
    }
    names.set(sql, name);
  }
  return name;
}

/** A Prisma client whose every query runs inside a session, carries its tenant and owner, and seals what is declared encrypted. */
export function createClient(pool: SealedPool, encryption: Encryption) {
  const adapter = new PrismaPg(pool, {
    statementNameGenerator: ({ sql }) => (PARTITIONED.test(sql) ? '' : statementName(sql)),
  });
  return lateClients(
    new PrismaClient({ adapter, errorFormat: 'minimal', log: [] })
      .$extends(scope)
      .$extends(sealing(encryption))
      .$extends(reading),
  );
}

/** The client inside a session's transaction. */
export type Transaction = Parameters<Parameters<ReturnType<typeof createClient>['$transaction']>[0]>[0];
export type DatabaseClient = ReturnType<typeof createClient>;
