// Receipts of reading: which rows an operation of an agent has read, written down before its answer leaves. Who sees them:
// prisma/policies/30-access-receipts.sql.
//
// What is read is noted where rows come back from Prisma, so that no resolver can forget it; a row that was read and not shown is noted
// too. The server writes them in its own name and in a transaction of their own, because the one that read cannot write; they are sent
// together with its COMMIT, so that they take no round trip more (sealed-connection.ts).

import { Prisma } from '../../generated/prisma/client.ts';
import { newId, type RequestId } from '../ids.ts';
import type { NamedStatement } from './exchange.ts';
import { type ModelName, shapeOf } from './models.ts';
import { opening } from './pool.ts';
import type { OpenContext } from './sealed-connection.ts';
import { issueTicket, type TicketKey } from './ticket.ts';

/** Whose reading matters to an owner. What agents ask for and do is their own, and has a log. */
const KINDS: ReadonlySet<ModelName> = new Set<ModelName>([
  'Agent',
  'Memory',
  'Permission',
  'ServiceCredential',
  'ServiceSecret',
  'User',
  'World',
]);

/** Notes a row, where its reading matters. */
export function noteRow(model: ModelName, id: string, read: Map<string, Set<string>>): void {
  if (KINDS.has(model)) {
    const ids = read.get(model) ?? new Set();
    read.set(model, ids.add(id));
  }
}

/** Notes the rows of an answer, and those that are nested in them. */
function note(model: ModelName, answer: unknown, read: Map<string, Set<string>>): void {
  const { lists, singles } = shapeOf(model);
  const relations = [...lists, ...singles];
  for (const row of [answer].flat() as (Record<string, unknown> | null)[]) {
    if (row === null || typeof row !== 'object') {
      continue;
    }
    if (typeof row.id === 'string') {
      noteRow(model, row.id, read);
    }
    for (const [field, related] of relations) {
      const nested = Object.getOwnPropertyDescriptor(row, field)?.value;
      if (nested !== null && nested !== undefined) {
        note(related, nested, read);
      }
    }
  }
}

/** The extension that notes what is read through a Prisma client. */
export const reading = Prisma.defineExtension({
  name: 'reading',
  query: {
    $allModels: {
      async $allOperations({ model, args, query }) {
        const answer: unknown = await query(args);
        const read = opening.getStore()?.read;
        if (read !== undefined) {
          note(model, answer, read);
        }
        return answer as never;
      },
    },
  },
});

/** What written receipts say was asked for, where nobody said it. */
const UNSAID = 'other';
const LONGEST_OPERATION = 200;

const LEAVE = {
  name: 'bailiwick_receipts',
  // a transaction of its own, opened and ended by the one statement; an expression of this form is evaluated in its order
  text: 'select case when bailiwick.open($1, $2) is not null then bailiwick.leave_receipts($3)::text end',
};

/**
 * How to write down what a session has read: makes the statement for it, undefined where nothing is to be. Its own row an agent may read
 * as often as it likes.
 *
 * The server's own ticket bears the time of the one that opened the session, and so is believed as that one was, whatever becomes of the
 * clock meanwhile; it outlives the longest session.
 *
 * @param issuedAt When that one was issued, in milliseconds.
 * @param fields The root fields that were asked for.
 */
export function receiptsOf(
  { tenantId, ownerId, actorId, chain, requestId }: OpenContext,
  read: ReadonlyMap<string, ReadonlySet<string>>,
  ticketKey: TicketKey,
  issuedAt: number,
  fields: readonly string[] = [UNSAID],
): () => NamedStatement | undefined {
  return () => {
    const operation = [...new Set(fields)].sort().join(' ').slice(0, LONGEST_OPERATION);
    const receipts = [...read].flatMap(([kind, ids]) =>
      [...ids]
        .filter((id) => id !== actorId)
        .map((row_id) => ({
          tenant_id: tenantId,
          owner_id: ownerId,
          agent_id: actorId,
          operation,
          kind,
          row_id,
          delegation_id: chain.at(-1),
          request_id: requestId,
        })),
    );
    if (receipts.length === 0) {
      return undefined;
    }
    const claims = { kind: 'service', service: 'identity', requestId: newId<RequestId>() } as const;
    return { ...LEAVE, values: [...issueTicket(claims, ticketKey, issuedAt), JSON.stringify(receipts)] };
  };
}
