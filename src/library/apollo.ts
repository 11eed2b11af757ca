// bailiwick/apollo: each operation of Apollo Server 5 in one session, which resolvers find at `contextValue.session`.
//
// What a session is to an operation stands in operation.ts. Apollo's plugins see an answer when its errors are formatted already, so here
// they are put into words a second time.

import type { ApolloServerPlugin, BaseContext, GraphQLRequestContextWillSendResponse } from '@apollo/server';
import type { GraphQLFormattedError } from 'graphql';
import {
  endOperation,
  isIntrospection,
  knownIn,
  type OperationOptions,
  offerSession,
  openOperation,
  presented,
} from './operation.ts';
import type { Session } from './session.ts';

export type { Key, Principal } from './principal.ts';
export type { SessionClient } from './session.ts';
export type { BailiwickContext } from './yoga.ts';

/**
 * Runs each query in a session that reads, and each mutation in one that is kept as a whole or not at all.
 *
 * `@defer` has none: a stream outlives every transaction.
 */
export function bailiwickPlugin<Context extends BaseContext>(
  options: OperationOptions<Context>,
): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      let opening: Promise<Session | undefined> | undefined;
      let withdraw: (() => void) | undefined;
      return {
        async didResolveOperation({ operation, contextValue }) {
          if (operation === undefined || isIntrospection(operation)) {
            return;
          }
          opening = openOperation(options, contextValue, operation.operation === 'query');
          const session = await opening.catch((error: unknown) => {
            throw presented(error);
          });
          withdraw = offerSession(contextValue, options.at, session);
        },
        async willSendResponse(request) {
          // it may have been refused by another plugin while ours was still opening, and why ours failed is said already
          const session = await opening?.catch(() => undefined);
          try {
            await close(request, session);
          } finally {
            withdraw?.();
            await session?.rollback();
          }
        },
      };
    },
  };
}

/** Commits or undoes, before the answer is sent, and has the answer say so. */
async function close(
  { operation, response, errors: thrown }: GraphQLRequestContextWillSendResponse<BaseContext>,
  session: Session | undefined,
): Promise<void> {
  const { body } = response;
  if (body.kind !== 'single') {
    response.body = {
      kind: 'single',
      singleResult: {
        errors: [formatted(new TypeError('an operation in one session has one answer, and no @defer'))],
      },
    };
    return;
  }
  const shown = body.singleResult.errors?.map((error, at) => worded(error, thrown?.[at]));
  const { failed, errors } = await endOperation(
    session,
    shown === undefined ? undefined : (thrown ?? []),
    operation?.operation === 'query',
  );
  const added = failed && errors !== undefined ? errors.slice(thrown?.length ?? 0).map(formatted) : [];
  if (shown !== undefined || added.length > 0) {
    body.singleResult.errors = [...(shown ?? []), ...added];
  }
  if (failed && 'data' in body.singleResult) {
    body.singleResult.data = null;
  }
}

/** In the words of the closed list where the error was the database's or ours, and nobody has given it others. */
function worded(
  error: GraphQLFormattedError,
  thrown: { readonly originalError?: unknown } | undefined,
): GraphQLFormattedError {
  const known =
    error.extensions?.code === 'INTERNAL_SERVER_ERROR' ? knownIn(thrown?.originalError) : undefined;
  if (known === undefined) {
    return error;
  }
  return known.code === 'INTERNAL'
    ? { ...error, message: 'Internal server error' }
    : { ...error, message: known.message, extensions: { ...error.extensions, code: known.code } };
}

function formatted(error: Error): GraphQLFormattedError {
  const { message, extensions } = presented(error, false);
  return { message, extensions };
}
