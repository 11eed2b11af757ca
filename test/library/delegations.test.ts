// Delegations of an adopter's people: granted and ended inside their sessions, and what an agent then sees.

import type pg from 'pg';
import { expect, test } from 'vitest';
import { DelegationRefused, delegate, type Grant, revoke, withSession } from '../../src/library/bailiwick.ts';
import { ANN, BEN, HELPER, ids, ORDERS, openShop, ROVER, SCOUT } from './shop.ts';

const shop = openShop();

const soon = () => new Date(Date.now() + 60_000);
const reading = (more: Partial<Grant> = {}): Grant => ({
  to: { agent: SCOUT },
  capabilities: ['order:read'],
  expiresAt: soon(),
  ...more,
});
const as = <Result>(user: number, work: (client: pg.PoolClient) => Promise<Result>) =>
  withSession(shop().pool(), { user }, work, { key: shop().key });

test('an agent sees nothing as itself, its owner’s rows through a delegation, and nothing after it is revoked', async () => {
  const { key, pool } = shop();
  const one = pool({ max: 1 });
  const scout = (delegation?: string) => withSession(one, { agent: SCOUT, delegation }, ids, { key });
  expect(await scout()).toEqual([]);
  const id = await as(ANN, (client) => delegate(client, reading({ purpose: 'to count them' })));
  expect(await scout(id.toUpperCase())).toEqual(ORDERS.ann);
  await expect(withSession(one, { agent: ROVER, delegation: id }, ids, { key })).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  await expect(
    withSession(
      one,
      { agent: SCOUT, delegation: id },
      (client) => client.query("insert into orders (item) values ('x')"),
      { key },
    ),
  ).rejects.toMatchObject({ code: '42501' });
  expect(await withSession(one, { user: ANN, scopes: ['delegation:update'] }, ids, { key })).toEqual([]);
  expect(await as(BEN, (client) => revoke(client, id))).toBeNull();
  expect(await as(ANN, (client) => revoke(client, 'x'))).toBeNull();
  const ended = await as(ANN, (client) => revoke(client, id));
  expect(ended).toBeInstanceOf(Date);
  expect(await scout(id)).toEqual([]);
  expect(await as(ANN, (client) => revoke(client, id))).toEqual(ended);
});

test('an agent passes on less than it has, and no more', async () => {
  const { key, pool } = shop();
  const id = await as(ANN, (client) =>
    delegate(client, reading({ capabilities: ['order:read', 'order:create'], redelegate: 1 })),
  );
  const sooner = (more: Partial<Grant>) => reading({ expiresAt: new Date(Date.now() + 30_000), ...more });
  const [context, below] = await withSession(
    pool(),
    { agent: SCOUT, delegation: id },
    async (client, seen) => {
      for (const [more, reason] of [
        [{ to: { agent: ROVER } }, 'delegate'],
        [{ to: { agent: SCOUT } }, 'cycle'],
        [{ to: { agent: HELPER }, capabilities: ['order:read', 'order:delete'] }, 'capabilities'],
        [{ to: { agent: HELPER }, redelegate: 1 }, 'redelegate'],
      ] as const) {
        await expect(delegate(client, sooner(more))).rejects.toMatchObject({ reason });
      }
      return [seen, await delegate(client, sooner({ to: { agent: HELPER } }))] as const;
    },
    { key },
  );
  expect(context).toMatchObject({ actorKind: 'agent', chain: [id] });
  const helper = () => withSession(pool(), { agent: HELPER, delegation: below }, ids, { key });
  expect(await helper()).toEqual(ORDERS.ann);
  await as(ANN, (client) => revoke(client, id));
  expect(await helper()).toEqual([]);
});

test('what may not be granted is refused with the rule that stands against it, and the session goes on', async () => {
  await as(ANN, async (client) => {
    for (const [more, reason] of [
      [{ to: { agent: ROVER } }, 'delegate'],
      [{ to: { agent: 4711 } }, 'delegate'],
      [{ capabilities: ['nothing:read'] }, 'capabilities'],
      [{ capabilities: [] }, 'capabilities'],
      [{ expiresAt: new Date(0) }, 'lifetime'],
      [{ redelegate: 9 }, 'redelegate'],
      [{ world: 'nowhere' }, 'world'],
    ] as const) {
      const refused = delegate(client, reading(more));
      await expect(refused).rejects.toBeInstanceOf(DelegationRefused);
      await expect(refused).rejects.toMatchObject({ code: 'FORBIDDEN', reason });
    }
    expect(await ids(client)).toEqual(ORDERS.ann);
  });
  await expect(delegate(shop().pool() as unknown as pg.PoolClient, reading())).rejects.toThrow(
    'no client of a session',
  );
});
