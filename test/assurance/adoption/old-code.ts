// What the shop's application asks as it was before: nobody says for whom, and every row is in reach.

import { randomUUID } from 'node:crypto';
import {
  adding,
  among,
  changing,
  exactly,
  Hidden,
  insert,
  insertNumbered,
  now,
  type Query,
  reading,
  removing,
  rewriting,
  roomAt,
  STATUS,
  taking,
  userAt,
  writingMessage,
} from './acts.ts';
import type { Row } from './digests.ts';
import type { Asked } from './requests.ts';

export const OLD: readonly Asked[] = [
  { kind: 'reads an order', weight: 12, prepare: (things, roll) => reading(things, roll) },
  {
    kind: 'lists the messages of a room',
    weight: 10,
    prepare: (things, roll) => {
      const room = roomAt(among(things.tenants * 10, roll));
      return {
        async run(db) {
          const { rowCount } = await db(
            'select * from shop.messages where room_id = $1 order by sent_at desc limit 20',
            [room],
          );
          if (rowCount === 0) {
            throw new Hidden('no messages');
          }
        },
      };
    },
  },
  {
    kind: 'adds an order with its lines',
    weight: 8,
    transaction: true,
    prepare: (things, roll) => adding(things, roll, things.people.any(roll)),
  },
  {
    kind: 'changes an order',
    weight: 8,
    prepare: (things, roll) =>
      changing(things, roll, () => ({ status: STATUS[roll(4)], total: `${roll(900)}.25` })),
  },
  {
    kind: 'gives an order to somebody else',
    weight: 6,
    prepare: (things, roll) =>
      changing(things, roll, () => {
        const { id, slug } = things.people.any(roll);
        return { user_id: id, tenant_slug: slug };
      }),
  },
  {
    kind: 'removes an order with its lines',
    weight: 4,
    transaction: true,
    prepare: (things, roll) => removing(things, roll),
  },
  {
    kind: 'adds a person',
    weight: 3,
    always: true,
    prepare: (things, roll) => {
      const slug = `t${1 + roll(things.tenants)}`;
      const row: Row = { tenant_slug: slug, team_id: null, email: `new${things.next()}@shop.example` };
      let id: number | undefined;
      return {
        async run(db) {
          id = await insertNumbered(db, 'users', row);
        },
        done() {
          if (id !== undefined) {
            things.ledger.wrote('users', { id, ...row });
            things.people.give({ id, slug });
          }
        },
      };
    },
  },
  {
    kind: 'adds an agent',
    weight: 2,
    prepare: (things, roll) => {
      const row: Row = {
        id: randomUUID(),
        user_id: things.people.any(roll).id,
        name: `New ${things.next()}`,
        created_at: now(),
      };
      return {
        run: (db) => insert(db, 'agents', row),
        done: () => things.ledger.wrote('agents', row),
      };
    },
  },
  {
    kind: 'sells an agent with all it has',
    weight: 1,
    prepare: (things, roll) =>
      taking(things.agents, roll, (agent) => {
        const row: Row = { ...agent, user_id: things.people.any(roll).id };
        return {
          async run(db) {
            exactly(await db('update shop.agents set user_id = $2 where id = $1', [row.id, row.user_id]), 1);
          },
          becomes() {
            things.ledger.wrote('agents', row);
            return row;
          },
        };
      }),
  },
  { kind: 'writes a message', weight: 8, prepare: (things, roll) => writingMessage(things, roll, false) },
  {
    kind: 'changes two messages',
    weight: 5,
    transaction: true,
    prepare: (things, roll) => {
      const body = `Changed ${things.next()}`;
      const change = () =>
        taking(things.messages, roll, (message) => {
          const row: Row = { ...message, body };
          return {
            async run(db: Query) {
              exactly(await db('update shop.messages set body = $2 where id = $1', [row.id, body]), 1);
            },
            becomes() {
              things.ledger.wrote('messages', row);
              return row;
            },
          };
        });
      // in whatever order they come: whoever locks more than one row at a time has to reckon with that
      const both = [change(), change()].filter((one) => one !== undefined);
      return {
        async run(db) {
          for (const { run } of both) {
            await run(db);
          }
        },
        done: () => {
          for (const { done } of both) {
            done?.();
          }
        },
        over: () => {
          for (const { over } of both) {
            over?.();
          }
        },
      };
    },
  },
  {
    kind: 'removes a message',
    weight: 3,
    prepare: (things, roll) =>
      things.messages.size < 100
        ? undefined
        : taking(things.messages, roll, (row) => ({
            async run(db) {
              exactly(await db('delete from shop.messages where id = $1', [row.id]), 1);
            },
            becomes() {
              things.ledger.removed('messages', row);
              return undefined;
            },
          })),
  },
  { kind: 'rewrites a memory', weight: 8, prepare: (things, roll) => rewriting(things, roll, false) },
  {
    kind: 'writes a document under another',
    weight: 4,
    transaction: true,
    prepare: (things, roll) => {
      const parent = 4 * Math.floor(among(things.tenants * 10, roll) / 4) + 1;
      const id = `doc-new-${things.next()}`;
      const row: Row = {
        id,
        tenant_slug: userAt(things, parent).slug,
        owner_id: null,
        parent_id: `doc-${parent}`,
        title: 'New',
      };
      const version: Row = { document_id: id, version: 1, body: 'text' };
      return {
        async run(db) {
          await insert(db, 'documents', row);
          await insert(db, 'document_versions', version);
        },
        done() {
          things.ledger.wrote('documents', row);
          things.ledger.wrote('document_versions', version);
        },
      };
    },
  },
  {
    kind: 'writes a note',
    weight: 3,
    prepare: (things, roll) => {
      const row: Row = {
        import_number: `new-${things.next()}`,
        author_id: things.people.any(roll).id,
        body: 'note',
      };
      return { run: (db) => insert(db, 'notes', row), done: () => things.ledger.wrote('notes', row) };
    },
  },
  {
    kind: 'logs what was done with a message',
    weight: 4,
    prepare: (things, roll) => {
      const message = 3 * Math.floor(among(things.tenants * 10, roll) / 3) + 1;
      const row: Row = {
        ...{ id: 3_000_000_000 + things.next(), at: ['2023-06-01', '2024-06-01', '2026-06-01'][roll(3)] },
        ...{ user_id: null, message_id: message, key_id: null, what: 'read' },
      };
      return { run: (db) => insert(db, 'events', row), done: () => things.ledger.wrote('events', row) };
    },
  },
];
