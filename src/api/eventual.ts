// Which operations may be answered by a standby, and that they say so: decision 30.
//
// The client asks, by `"extensions": { "consistency": "eventual" }` beside the operation, and the operator has set up a standby; both are needed, and neither is enough. What is asked must be a query
// of a person in person, with a token of an issuer, for nothing but rows of their own. Everything else is answered by the primary, and
// never refused. That nothing about the caller is late is src/db/replica.ts's business.

import { type ExecutionArgs, type ExecutionResult, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { type Database, type Session, type SessionOptions, withSession } from '../db/session.ts';
import type { TicketClaims, TokenClaims } from '../db/ticket.ts';
import type { ServerContext } from './request.ts';

type Work = (session: Session) => Promise<ExecutionResult | undefined>;

/** The word by which a client says that rows a little late will do. */
const EVENTUAL = 'eventual';

/** Fields whose rows are the caller's own, whatever is shared with them; and the types that can be had through them. */
const ROOTS: ReadonlySet<string> = new Set(['activity', 'agents', 'memories', '__typename']);
const TYPES: ReadonlySet<string> = new Set([
  'Query',
  'PageInfo',
  ...['ActivityEntry', 'Agent', 'Memory'].flatMap((type) => [type, `${type}Connection`, `${type}Edge`]),
]);

/**
 * Runs an operation in a session, on the standby where that is asked for and may be.
 *
 * @returns its result, if it has one; where it was asked for, `extensions.servedBy` says who has answered.
 */
export async function serve(
  database: Database,
  args: ExecutionArgs,
  claims: TicketClaims,
  options: SessionOptions,
  work: Work,
): Promise<ExecutionResult | undefined> {
  if (!options.readOnly || !isAsked(args)) {
    return withSession(database, claims, options, work);
  }
  const late =
    database.replica !== undefined && isInPerson(claims) && asksForOwn(args)
      ? await database.replica.read(database, claims, options, withoutErrors(work))
      : undefined;
  const result = late === undefined ? await withSession(database, claims, options, work) : late.result;
  const servedBy = late === undefined ? 'primary' : 'replica';
  return result && { ...result, extensions: { ...result.extensions, servedBy } };
}

function isAsked({ contextValue }: ExecutionArgs): boolean {
  const { outcome } = (contextValue as ServerContext).state;
  return 'params' in outcome && outcome.params.extensions?.consistency === EVENTUAL;
}

/** Whose every proof the primary knows, and through nobody. */
function isInPerson(claims: TicketClaims): claims is TokenClaims {
  return (
    claims.kind === 'token' &&
    claims.delegation === undefined &&
    claims.onBehalfOf === undefined &&
    claims.viewAs === undefined &&
    (claims.priorActors ?? []).length === 0
  );
}

/** Whether nothing is selected anywhere in the document but what may be late. */
function asksForOwn({ schema, document }: ExecutionArgs): boolean {
  const types = new TypeInfo(schema);
  let own = true;
  visit(
    document,
    visitWithTypeInfo(types, {
      Field({ name }) {
        // what has fields of its own is looked at by its fields
        const parent = types.getParentType()?.name ?? '';
        own &&= TYPES.has(parent) && (parent !== 'Query' || ROOTS.has(name.value));
      },
    }),
  );
  return own;
}

/** What has failed on the standby may be in order on the primary. */
function withoutErrors(work: Work): Work {
  return async (session) => {
    const result = await work(session);
    if (result?.errors !== undefined) {
      throw new Error('an operation on the standby has errors', { cause: result.errors[0] });
    }
    return result;
  };
}
