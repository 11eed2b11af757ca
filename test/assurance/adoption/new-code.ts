// What the shop's application asks once it says for whom: everybody is about their own, and some try what isolation must refuse.

import type { Dice } from '../concurrency/dice.ts';
import {
  adding,
  changing,
  Exposed,
  exactly,
  Hidden,
  insertNumbered,
  now,
  ownerOf,
  type Prepared,
  type Query,
  Refused,
  reading,
  removing,
  rewriting,
  STATUS,
  taking,
  writingMessage,
} from './acts.ts';
import type { Asked } from './requests.ts';
import type { Order, Things } from './things.ts';

/** Takes an order of somebody, and somebody else. */
function others(
  things: Things,
  roll: Dice,
  run: (db: Query, order: Order) => Promise<void>,
): Prepared | undefined {
  return taking(things.orders, roll, (order) => {
    const { id } = things.people.any(roll);
    return id === ownerOf(order)
      ? { as: id, run: async () => undefined }
      : { as: id, run: (db) => run(db, order) };
  });
}

export const NEW: readonly Asked[] = [
  { kind: 'reads an order of mine', weight: 10, prepare: (things, roll) => reading(things, roll, ownerOf) },
  {
    kind: 'lists orders',
    weight: 8,
    prepare: (things, roll, strict) =>
      taking(things.orders, roll, (order) => ({
        as: ownerOf(order),
        async run(db) {
          const { rows } = await db('select user_id from shop.orders limit 500');
          if (rows.length === 0) {
            throw new Hidden('no orders');
          }
          if (strict && rows.some((row) => Number(row.user_id) !== ownerOf(order))) {
            throw new Exposed(`user ${ownerOf(order)} saw orders of others`);
          }
        },
      })),
  },
  {
    kind: 'adds an order of mine',
    weight: 8,
    prepare: (things, roll) => {
      const who = things.people.any(roll);
      return adding(things, roll, who, who.id);
    },
  },
  {
    kind: 'changes an order of mine',
    weight: 8,
    prepare: (things, roll) => changing(things, roll, () => ({ status: STATUS[roll(4)] }), ownerOf),
  },
  { kind: 'removes an order of mine', weight: 4, prepare: (things, roll) => removing(things, roll, ownerOf) },
  {
    kind: 'writes a message in my room',
    weight: 6,
    prepare: (things, roll) => writingMessage(things, roll, true),
  },
  { kind: 'rewrites a memory of mine', weight: 6, prepare: (things, roll) => rewriting(things, roll, true) },
  {
    kind: 'looks for an order of somebody else',
    weight: 4,
    strict: true,
    prepare: (things, roll) =>
      others(things, roll, async (db, { row }) => {
        exactly(await db('select from shop.orders where id = $1', [row.id]), 0);
        exactly(await db('select from shop.order_lines where order_id = $1', [row.id]), 0);
      }),
  },
  {
    kind: 'changes an order of somebody else',
    weight: 4,
    strict: true,
    prepare: (things, roll) =>
      others(things, roll, async (db, { row }) => {
        exactly(await db("update shop.orders set status = 'stolen' where id = $1", [row.id]), 0);
        exactly(await db('delete from shop.order_lines where order_id = $1', [row.id]), 0);
      }),
  },
  {
    kind: 'writes in the name of somebody else',
    weight: 3,
    strict: true,
    prepare: (things, roll) =>
      others(things, roll, async (db, { row }) => {
        const refused = await insertNumbered(db, 'orders', {
          ...{
            tenant_slug: row.tenant_slug,
            user_id: row.user_id,
            total: '1',
            status: 'forged',
            placed_at: now(),
          },
        }).then(
          () => undefined,
          (error: { code?: string }) => error.code,
        );
        if (refused !== '42501') {
          throw new Exposed(`a forged order was answered ${refused ?? 'with its number'}`);
        }
        throw new Refused();
      }),
  },
];
