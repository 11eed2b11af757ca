// Leaving a session before the end of a mutation: nobody goes on before everything is kept, nor when it is not.

import { setImmediate as turn } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import { expect, test } from 'vitest';
import { earlyEnd } from '../../src/api/early-end.ts';
import type { Afterwards, Context } from '../../src/context.ts';

const contextOf = () => ({ session: {}, leave: undefined }) as unknown as Context;
const unused: Afterwards = () => Promise.reject(new Error('nothing is done afterwards here'));
const RESULT: ExecutionResult = { data: { done: true } };

/** A mutation that leaves and goes on; what it has done so far is in `steps`. */
function leaving(context: Context, steps: string[]): Promise<ExecutionResult> {
  return (async () => {
    steps.push('inside');
    try {
      await context.leave?.();
    } catch (error) {
      steps.push(`gave up: ${String(error)}`);
      return { data: null, errors: [] };
    }
    steps.push(context.session === undefined ? 'outside' : 'still inside');
    return RESULT;
  })();
}

test('a mutation that is not alone does not leave', async () => {
  const context = contextOf();
  earlyEnd(context, false, unused);
  await expect(context.leave?.()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  expect(context.session).toBeDefined();
});

test('what was not kept is told to whoever left, and waited for until it has given up', async () => {
  const context = contextOf();
  const steps: string[] = [];
  const end = earlyEnd(context, true, unused);
  expect(await end.orLeft(leaving(context, steps))).toEqual({});
  await end.lost(new Error('not committed'));
  expect(steps).toEqual(['inside', 'gave up: Error: not committed']);
});

test('whoever leaves goes on when everything is kept and not before, and the answer is that of the whole', async () => {
  const context = contextOf();
  const steps: string[] = [];
  const end = earlyEnd(context, true, unused);
  const inside = await end.orLeft(leaving(context, steps));
  await turn();
  expect(steps).toEqual(['inside']);
  expect(await end.kept(inside)).toBe(RESULT);
  expect(steps).toEqual(['inside', 'outside']);
});

test('who does not leave is not waited for twice, and a failure of the session stays one', async () => {
  const context = contextOf();
  const end = earlyEnd(context, true, unused);
  expect(await end.orLeft(Promise.resolve(RESULT))).toBe(RESULT);
  expect(await end.kept(RESULT)).toBe(RESULT);
  const other = earlyEnd(contextOf(), true, unused);
  await other.orLeft(Promise.resolve(RESULT));
  await other.lost(new Error('not committed'));
});
