// The second layer alone: with row security off, every operation of every model stays with the caller's tenant and owner.
//
// Goes through the models of the generated client, so that a new one is met here before it is served. What the two layers
// are to each other stands in layers.test.ts.

import { expect } from 'vitest';
import { Rollback, type Session } from '../../src/db/session.ts';
import { ACTORS, TENANTS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { openLane } from './lane.ts';
import {
  test as base,
  CALLERS,
  concernOf,
  delegate,
  fieldsOf,
  listsOf,
  MODELS,
  newRow,
  tableOf,
} from './unguarded.ts';

/** What is asked here is much for one transaction, and a machine may be busy. */
const PATIENT = { statementMs: 5000, transactionMs: 20_000 };

// one for the file: a client of Prisma's costs more to make than most of what is asked of it here
const test = base.extend('lane', { scope: 'file' }, ({ unguarded }, { onCleanup }) =>
  openLane(unguarded, PATIENT, onCleanup),
);

const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id).sort();
const column = (field: string) => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

test.for(MODELS)('no read of %s leaves the caller', async (model, { unguarded, lane }) => {
  for (const [actor, acting] of CALLERS) {
    await lane.read(
      actor,
      async (session) => {
        const rows = delegate(session, model);
        const { concerned, foreign } = await concernOf(unguarded, model, session);
        expect(foreign.length).toBeGreaterThan(0);
        expect(ids(await rows.findMany())).toEqual(concerned);
        const widened = { OR: [{ id: { not: newId() } }, {}], NOT: { AND: [{ id: newId() }] }, AND: [{}] };
        expect(ids(await rows.findMany({ where: widened, select: { id: true } }))).toEqual(concerned);
        expect(await rows.count()).toBe(concerned.length);
        expect(await rows.count({ where: widened })).toBe(concerned.length);
        expect(await rows.aggregate({ _count: { id: true } })).toEqual({ _count: { id: concerned.length } });
        expect(await rows.groupBy({ by: ['tenantId'], _count: { id: true } })).toEqual(
          concerned.length === 0 ? [] : [{ tenantId: session.tenantId, _count: { id: concerned.length } }],
        );
        // at once, so that Prisma may batch them
        const byKey = (keys: { tenantId: string; id: string }[]) =>
          Promise.all(keys.map((tenantId_id) => rows.findUnique({ where: { tenantId_id } })));
        expect((await byKey(foreign)).filter((row) => row !== null)).toEqual([]);
        expect(await rows.findFirst({ where: { id: { in: ids(foreign) } } })).toBeNull();
        const own = await byKey(concerned.map((id) => ({ tenantId: session.tenantId, id })));
        expect(own.map((row) => row?.id)).toEqual(concerned);
      },
      acting,
    );
  }
});

test.for(MODELS)('no write to %s leaves the caller', async (model, { unguarded, lane }) => {
  const stamp = fieldsOf(model).find(({ type }) => type === 'DateTime')?.name ?? '';
  const mark = new Date('2026-11-11T11:11:11.000Z');
  const table = tableOf(model);
  const marked = `select id::text from ${table} where ${column(stamp)} = '${mark.toISOString()}'`;
  for (const [actor, acting] of CALLERS) {
    const work = async (session: Session) => {
      const rows = delegate(session, model);
      const { concerned, foreign } = await concernOf(unguarded, model, session);
      expect(await rows.updateMany({ data: { [stamp]: mark } })).toEqual({ count: concerned.length });
      expect(ids(await session.db.$queryRawUnsafe<{ id: string }[]>(marked))).toEqual(concerned);
      expect(ids(await rows.updateManyAndReturn({ data: { [stamp]: mark } }))).toEqual(concerned);
      for (const tenantId_id of foreign.slice(0, 3)) {
        const where = { tenantId_id };
        await expect(rows.update({ where, data: { [stamp]: mark } })).rejects.toMatchObject({
          code: 'P2025',
        });
        await expect(rows.delete({ where })).rejects.toMatchObject({ code: 'P2025' });
      }
      expect(await rows.deleteMany()).toEqual({ count: concerned.length });
      const left = await session.db.$queryRawUnsafe<{ id: string }[]>(`select id::text from ${table}`);
      expect(ids(left)).toEqual(ids(foreign));
      throw new Rollback(undefined);
    };
    await lane.run(actor, work, acting);
  }
});

test.for(MODELS)('a new row of %s is in the name of its maker', async (model, { lane }) => {
  const names = new Set(fieldsOf(model).map(({ name }) => name));
  const needsDelegation = fieldsOf(model).some(
    ({ name, isRequired }) => name === 'delegationId' && isRequired,
  );
  for (const [actor, acting] of CALLERS) {
    const work = async (session: Session) => {
      const rows = delegate(session, model);
      // what is made through a delegation alone has no maker without one
      if (needsDelegation && session.chain.length === 0) {
        await expect(rows.create({ data: newRow(model) })).rejects.toThrow('Invalid');
        throw new Rollback(undefined);
      }
      const truth = Object.entries({
        tenantId: session.tenantId,
        ownerId: session.ownerId,
        createdBy: session.actorId,
        delegationId: session.chain.at(-1) ?? null,
        requestId: session.requestId,
      }).filter(([name]) => names.has(name));
      const made = [
        await rows.create({ data: newRow(model) }),
        ...(await rows.createManyAndReturn({ data: [newRow(model), newRow(model)] })),
      ];
      for (const row of made) {
        expect(row).toMatchObject(Object.fromEntries(truth));
      }
      const many = { ...newRow(model), id: newId() };
      expect(await rows.createMany({ data: many })).toEqual({ count: 1 });
      const [stored] = await session.db.$queryRawUnsafe<object[]>(
        `select to_jsonb(t) as row from ${tableOf(model)} t where id = '${many.id}'`,
      );
      expect(stored).toMatchObject({
        row: Object.fromEntries(truth.map(([name, value]) => [column(name), value])),
      });
      throw new Rollback(undefined);
    };
    await lane.run(actor, work, acting);
  }
});

test.for(MODELS)("a row of %s is neither made in another's name nor moved there", async (model, { lane }) => {
  const names = new Set(fieldsOf(model).map(({ name }) => name));
  const forged = Object.entries({
    tenantId: TENANTS.globex.id,
    ownerId: ACTORS.bob.id,
    createdBy: ACTORS.bob.id,
    delegationId: newId(),
    requestId: newId(),
  }).filter(([name]) => names.has(name));
  await lane.run('alice', async (session) => {
    const rows = delegate(session, model);
    for (const [name, value] of forged) {
      const row = { ...newRow(model), [name]: value };
      const where = { tenantId_id: { tenantId: session.tenantId, id: newId() } };
      for (const attempt of [
        () => rows.create({ data: row }),
        () => rows.createMany({ data: [newRow(model), row] }),
        () => rows.createManyAndReturn({ data: [newRow(model), row] }),
        () => rows.update({ where, data: { [name]: value } }),
        () => rows.updateMany({ data: { [name]: value } }),
        () => rows.updateManyAndReturn({ data: { [name]: { set: value } } }),
      ]) {
        await expect((async () => attempt())()).rejects.toThrow(`${model}.${name} comes from the context`);
      }
    }
    throw new Rollback(undefined);
  });
});

test.for(MODELS)(
  'what is read along with %s does not leave the caller',
  async (model, { unguarded, lane }) => {
    const lists = listsOf(model);
    const all = Object.fromEntries(lists.map(({ name }) => [name, true]));
    for (const [actor, acting] of CALLERS) {
      await lane.read(
        actor,
        async (session) => {
          const concerned = new Map<string, string[]>();
          for (const { type } of lists) {
            concerned.set(type, (await concernOf(unguarded, type, session)).concerned);
          }
          for (const relationLoadStrategy of lists.length > 0 ? ['join', 'query'] : []) {
            const load = (selection: object) =>
              delegate(session, model).findMany({
                relationLoadStrategy,
                orderBy: { id: 'asc' },
                ...selection,
              });
            const rows = await load({ include: { ...all, _count: { select: all } } });
            for (const row of rows) {
              for (const { name, type } of lists) {
                const nested = ids(row[name] as { id: string }[]);
                expect(nested.filter((id) => !concerned.get(type)?.includes(id))).toEqual([]);
                expect(row._count).toMatchObject({ [name]: nested.length });
              }
            }
            const counted = await load({ select: { id: true, _count: true } });
            expect(counted.map(({ _count }) => _count)).toEqual(rows.map(({ _count }) => _count));
          }
        },
        acting,
      );
    }
  },
);

test('what is read along on the far side of a relation to one does not leave the caller', async ({
  lane,
}) => {
  await lane.read('bob', async ({ db, ownerId }) => {
    const memberships = await db.worldMember.findMany({
      where: { entityId: ownerId },
      select: {
        world: {
          select: {
            name: true,
            memories: true,
            delegations: true,
            _count: true,
            entity: { include: { owned: true } },
          },
        },
      },
    });
    expect(memberships.map(({ world }) => world.name).sort()).toEqual(['Garden', 'Workshop']);
    for (const { world } of memberships) {
      const unshared = world.memories.filter(({ shared }) => !shared);
      expect([...unshared, ...world.delegations].filter((row) => row.ownerId !== ownerId)).toEqual([]);
      expect(world._count.memories).toBe(world.memories.length);
      expect(world._count.delegations).toBe(world.delegations.length);
    }
  });
});
