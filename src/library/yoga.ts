// bailiwick/yoga: each operation of GraphQL Yoga in one session, which resolvers find at `context.session`.
//
// What a session is to an operation stands in operation.ts. Who asks, the application says; nothing here reads a request.

import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { getOperationAST } from 'graphql';
import type { Plugin, YogaInitialContext } from 'graphql-yoga';
import {
  endOperation,
  isIntrospection,
  type OperationOptions,
  offerSession,
  openOperation,
  presented,
} from './operation.ts';
import { runInside, sessionOf } from './running.ts';
import type { Session, SessionClient } from './session.ts';

export type { Key, Principal } from './principal.ts';
export type { SessionClient } from './session.ts';

/** What resolvers find. */
export type BailiwickContext = {
  /** The client of the operation's session. Asking for it without a principal is the error UNAUTHENTICATED. */
  readonly session: SessionClient;
};

/**
 * Runs each query in a session that reads, and each mutation in one that is kept as a whole or not at all.
 *
 * Subscriptions and `@defer` have none: a stream outlives every transaction.
 */
export function useBailiwick<Context extends object = YogaInitialContext>(
  options: OperationOptions<Context>,
): Plugin<BailiwickContext> {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const operation = getOperationAST(args.document, args.operationName);
      if (!operation || isIntrospection(operation)) {
        return;
      }
      const readOnly = operation.operation === 'query';
      setExecuteFn(async (executed: ExecutionArgs): Promise<ExecutionResult> => {
        const context = executed.contextValue as Context;
        let session: Session | undefined;
        let withdraw: (() => void) | undefined;
        try {
          session = await openOperation(options, context, readOnly);
          withdraw = offerSession(context, options.at, session);
          const execute = async () => executeFn(executed as typeof args);
          const result = await (session === undefined
            ? execute()
            : runInside(options.pool, sessionOf(session.client).connection, execute));
          if (Symbol.asyncIterator in result) {
            throw new TypeError('an operation in one session has one answer: @defer and @stream have none');
          }
          const { failed, errors } = await endOperation(session, result.errors, readOnly);
          return errors === undefined ? result : { ...result, errors, ...(failed ? { data: null } : {}) };
        } catch (error) {
          // what nobody expects is Yoga's to log and to mask
          const shown = presented(error);
          throw shown.extensions.code === 'INTERNAL' ? error : shown;
        } finally {
          withdraw?.();
          await session?.rollback();
        }
      });
    },
    onSubscribe({ args }) {
      offerSession(
        args.contextValue as object,
        options.at,
        undefined,
        () => new TypeError('a subscription has no session: open one for each event, with withSession'),
      );
    },
  };
}
