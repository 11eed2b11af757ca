// How often a read waits for the database, counted on the wire, as a slow network would multiply it. The driver would send what is
// asked side by side in one go; Prisma sends a statement of a transaction when the one before is answered, so each is a wait.
// What each operation costs in statements stands in cost.test.ts.

import { execute, parse } from 'graphql';
import { pino } from 'pino';
import { expect } from 'vitest';
import { CursorKey } from '../../src/api/cursor.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import type { Context } from '../../src/context.ts';
import { withSession } from '../../src/db/session.ts';
import { AGENTS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { nowhere } from '../../src/outgoing/call.ts';
import { schema } from '../../src/schema.ts';
import { claims, openLane } from '../db/lane.ts';
import { openWire } from '../db/wire.ts';
import { test as base } from '../kit/cast.ts';

/** Nothing here is about time, and the first reading loads much. */
const PATIENT = { statementMs: 5000, transactionMs: 10_000 };

type Waits = { readonly waits: number; readonly statements: number };

const test = base.extend('waits', { scope: 'file' }, ({ database }) => {
  /** Reads as alice, twice, because a first statement has more to say; what the second reading cost. */
  return async (text: string): Promise<Waits> => {
    const wire = await openWire(database.runtimeUrl);
    const lane = await openLane(database, { url: wire.url, ...PATIENT });
    let cost: Waits = { waits: 0, statements: 0 };
    for (let time = 0; time < 2; time += 1) {
      const of = claims('alice');
      wire.listen();
      await withSession(lane.database, of, { readOnly: true }, async (session) => {
        const contextValue: Context = {
          requestId: of.requestId,
          caller: { kind: 'anonymous' },
          log: pino({ level: 'silent' }),
          cursorKey: new CursorKey(Buffer.alloc(32)),
          outgoing: nowhere,
          session,
          leave: undefined,
        };
        const { data, errors } = await execute({ schema, document: parse(text), contextValue });
        expect([errors, Object.values(data ?? {}).includes(null)]).toEqual([undefined, false]);
        cost = { waits: 0, statements: session.course.statements };
      });
      cost = { ...cost, waits: wire.heard().roundTrips };
    }
    return cost;
  };
});

const agent = '{ edges { node { name memories(first: 5) { edges { node { kind world { name } } } } } } }';

test('a read of one connection waits three times, however deep it goes', async ({ waits }) => {
  expect(await waits(`{ agents(first: 5) ${agent} }`)).toEqual({ waits: 3, statements: 1 });
});

test('a read of five connections waits once for each, and for opening and closing', async ({ waits }) => {
  const five = `{
    a: agents(first: 5) ${agent}
    b: worlds(first: 5) { edges { node { name } } }
    c: memories(first: 5) { edges { node { kind } } }
    d: members(first: 5) { edges { node { role } } }
    e: delegationsGranted(first: 5) { edges { node { state } } }
  }`;
  expect(await waits(five)).toEqual({ waits: 7, statements: 5 });
});

test('nodes of four types wait once for each type, however many there are', async ({ waits }) => {
  const ids = [
    toGlobalId('Agent', AGENTS.scout.id),
    toGlobalId('World', WORLDS.garden.id),
    ...MEMORIES.filter(({ owner }) => owner === 'alice').map(({ id }) => toGlobalId('Memory', id)),
    toGlobalId('Delegation', DELEGATIONS.scout.id),
  ];
  expect(await waits(`{ nodes(ids: ${JSON.stringify(ids)}) { id } }`)).toEqual({ waits: 6, statements: 4 });
});

test('what needs an answer to go on waits for it: a search for its hits, viewer for its tenant', async ({
  waits,
}) => {
  expect(await waits('{ searchMemories(query: "tomatoes", first: 5) { edges { node { kind } } } }')).toEqual({
    waits: 4,
    statements: 2,
  });
  expect(await waits('{ viewer { live tenant { name } } }')).toEqual({ waits: 4, statements: 2 });
});
