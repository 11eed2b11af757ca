// One GraphQL operation, one session: what the plugins for Yoga and for Apollo Server have in common.
//
// A query reads in a session that cannot write. A mutation is kept as a whole or not at all: an error in any of its fields undoes
// everything and takes the data out of the answer. It is committed before the answer leaves. Knows no engine.

import { GraphQLError } from 'graphql';
import type { Pool, PoolClient } from 'pg';
import { translate } from '../db/failures.ts';
import { BailiwickError } from '../errors.ts';
import type { Principal } from './principal.ts';
import { openSession, type Session } from './session.ts';
import type { SessionOptions } from './terms.ts';

export type OperationOptions<Context> = Omit<SessionOptions, 'readOnly'> & {
  readonly pool: Pool;
  /** Who asks; undefined for nobody, whose resolvers get no session. */
  readonly principal: (
    context: Context,
  ) => Principal | null | undefined | PromiseLike<Principal | null | undefined>;
  /** The name under which resolvers find the client; session where it is left out. */
  readonly at?: string | undefined;
};

/** The parts of a document that are looked at, in every version of GraphQL.js. */
type Operation = {
  readonly operation: string;
  readonly selectionSet: {
    readonly selections: readonly { readonly kind: string; readonly name?: { readonly value: string } }[];
  };
};

type Errors = readonly GraphQLError[] | undefined;

/** Asks about the schema only, which needs no session because it shows no rows. */
export function isIntrospection({ operation, selectionSet }: Operation): boolean {
  return (
    operation === 'query' &&
    selectionSet.selections.every(
      ({ kind, name }) => kind === 'Field' && name?.value.startsWith('__') === true,
    )
  );
}

/** Opens the session of an operation; undefined for nobody. */
export async function openOperation<Context>(
  { pool, principal, key, limitMs, waitMs }: OperationOptions<Context>,
  context: Context,
  readOnly: boolean,
): Promise<Session | undefined> {
  const who = (await principal(context)) ?? undefined;
  return who === undefined ? undefined : await openSession(pool, who, { key, limitMs, waitMs, readOnly });
}

const serving = new WeakSet<object>();
const offered = new WeakSet<object>();

/**
 * Puts the client on the context of one operation, or, without a session, an error for whoever asks for it.
 *
 * @returns to be called when the operation has ended.
 * @throws {TypeError} where the context has something of this name, or belongs to another operation that is going on.
 */
export function offerSession(
  context: object,
  at = 'session',
  session: Session | undefined,
  without: () => Error = unauthenticated,
): () => void {
  if (at in context && !offered.has(context)) {
    throw new TypeError(
      `the context has a ${at} of its own: give the plugin another name for its client (at: '…')`,
    );
  }
  if (serving.has(context)) {
    throw new TypeError('two operations have one context value: each needs its own');
  }
  serving.add(context);
  offered.add(context);
  Object.defineProperty(context, at, {
    configurable: true,
    // neither copied nor printed with the context
    enumerable: false,
    get(): PoolClient {
      if (session === undefined) {
        throw without();
      }
      return session.client;
    },
  });
  return () => {
    serving.delete(context);
  };
}

function unauthenticated(): GraphQLError {
  return presented(new BailiwickError('UNAUTHENTICATED'), false);
}

/**
 * Ends the session as the answer says: undone where a mutation has an error, else kept.
 *
 * @returns what became of the answer's errors, and whether its data is still true.
 */
export async function endOperation(
  session: Session | undefined,
  errors: Errors,
  readOnly: boolean,
): Promise<{ readonly failed: boolean; readonly errors: Errors }> {
  const inWords = errors?.map((error) => told(error));
  if (inWords !== undefined && !readOnly) {
    await session?.rollback();
    return { failed: true, errors: inWords };
  }
  try {
    await session?.commit();
    return { failed: false, errors: inWords };
  } catch (error) {
    const { code } = error as BailiwickError;
    if (code === 'INTERNAL' && inWords === undefined) {
      // for the engine to log and to mask
      throw error;
    }
    return { failed: true, errors: [...(inWords ?? []), presented(error, false)] };
  }
}

/** The error of a resolver: in the words of the closed list where it is the database's or ours, else as it is, for the engine to mask. */
export function told(error: GraphQLError): GraphQLError {
  const known = knownIn(error.originalError);
  return known === undefined || known.code === 'INTERNAL'
    ? error
    : carrying(
        new GraphQLError(known.message, {
          ...(error.nodes === undefined ? {} : { nodes: error.nodes }),
          ...(error.path === undefined ? {} : { path: error.path }),
          extensions: { code: known.code },
        }),
        known,
      );
}

/** What stands for an operation that was not carried out. */
export function presented(error: unknown, whole = true): GraphQLError {
  if (error instanceof GraphQLError) {
    return error;
  }
  const known = error instanceof BailiwickError ? error : translate(error);
  const http = whole ? { http: { status: known.status } } : {};
  return carrying(new GraphQLError(known.message, { extensions: { code: known.code, ...http } }), known);
}

/** With its cause for loggers, and not for the client. */
function carrying(error: GraphQLError, cause: Error): GraphQLError {
  return Object.defineProperty(error, 'cause', { value: cause, enumerable: false, configurable: true });
}

/** An error of ours or of PostgreSQL's among an error and its causes: query builders wrap them. */
export function knownIn(error: unknown): BailiwickError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof BailiwickError) {
      return at;
    }
    if ('severity' in at && 'code' in at) {
      return translate(at);
    }
  }
  return undefined;
}
