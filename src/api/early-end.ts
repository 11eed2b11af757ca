// The end of a mutation's session before the end of the mutation: what was done is kept, and the rest goes on without a session.
//
// For what must not happen unless a record of it is kept, cannot be rolled back, or takes longer than a transaction may: calling a
// service of a third party. Only a mutation that is alone in its operation can do this, because an operation is kept as a whole.

import type { ExecutionResult } from 'graphql';
import type { Afterwards, Context } from '../context.ts';
import { BailiwickError } from '../errors.ts';

/** What of an execution happens inside the session, and what after it. */
export type EarlyEnd = {
  /** The result of an execution, or an empty one as soon as it has left its session. */
  orLeft(execution: Promise<ExecutionResult>): Promise<ExecutionResult>;
  /** Lets whoever left go on, now that everything is kept: the result of the whole execution. */
  kept(inside: ExecutionResult): Promise<ExecutionResult>;
  /** Tells whoever left that nothing is kept, and waits until it has given up. */
  lost(error: unknown): Promise<void>;
};

/**
 * Gives a mutation the means to leave its session (`Context.leave`).
 *
 * @param alone Whether it is the only field of its operation.
 * @param afterwards Opens a session of its own for what comes later.
 */
export function earlyEnd(context: Context, alone: boolean, afterwards: Afterwards): EarlyEnd {
  const leaving = Promise.withResolvers<ExecutionResult>();
  const ended = Promise.withResolvers<void>();
  // usually nobody waits for it
  ended.promise.catch(() => undefined);
  let hasLeft = false;
  let whole: Promise<ExecutionResult> | undefined;

  // by a name of its own first (docs/decisions/0036-what-an-operation-leaves-behind-is-young.md)
  const leave = async () => {
    if (!alone) {
      throw new BailiwickError('BAD_USER_INPUT', 'This field must be the only one of its operation');
    }
    hasLeft = true;
    context.session = undefined;
    context.leave = undefined;
    leaving.resolve({});
    await ended.promise;
    return afterwards;
  };
  context.leave = leave;
  return {
    orLeft(execution) {
      whole = execution;
      return Promise.race([execution, leaving.promise]);
    },
    async kept(inside) {
      ended.resolve();
      return hasLeft && whole !== undefined ? await whole : inside;
    },
    async lost(error) {
      ended.reject(error);
      if (hasLeft) {
        await whole;
      }
    },
  };
}
