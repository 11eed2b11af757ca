// An adopter's own triggers while rows are given owners: as a superuser adopts they do not fire; as the owner of the tables does, what they
// change in such a row is undone. Updates of the application are the application's in both.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DECLARED, openStore, type Store, uuid } from './adopted.ts';
import { AGENT_STORE } from './legacy.ts';

const TRIGGERS = `${AGENT_STORE}
  alter table memories add column updated int not null default 0, add column seen int not null default 0;
  create table happened (what text);
  create function touched() returns trigger language plpgsql as 'begin new.updated := new.updated + 1; return new; end';
  create trigger touched before update on memories for each row execute function touched();
  -- tells elsewhere, and counts in another row of the same table
  create function told() returns trigger language plpgsql security definer as $$ begin
    insert into store.happened values (new.id::text);
    update store.memories set seen = seen + 1 where id = '${uuid('m1')}' and new.id <> id;
    return null;
  end $$;
  create trigger told after update on memories for each row when (old.seen = new.seen) execute function told();`;

describe.each([
  // 62 rows: each is told once; the 61 others count in the first, which is an update of its own and therefore touched
  { operator: 'superuser', backfilled: { updated: 0, seen: 0, happened: 0 } },
  { operator: 'owner', backfilled: { updated: 61, seen: 61, happened: 62 } },
] as const)('adopted by the $operator', ({ operator, backfilled }) => {
  let store: Store;
  beforeAll(async () => {
    store = await openStore(TRIGGERS, operator);
    await store.declare(DECLARED(store.role, `happened: { exempt: 'holds nothing of anybody' },`));
  });
  afterAll(() => store.drop());
  const said = async () => {
    const [found] = await store.rows<{ updated: number; seen: number; happened: number }>(
      `select sum(updated)::int as updated, sum(seen)::int as seen, (select count(*)::int from store.happened) as happened from store.memories`,
    );
    return found ?? { updated: -1, seen: -1, happened: -1 };
  };

  test('giving rows their owners changes nothing in them', async () => {
    if (operator === 'owner') {
      // whether triggers can be kept from firing is the server's, in which a superuser has adopted elsewhere: here as if it could not
      await store.adopted('backfill --table participants');
      await store.rows('update bailiwick_adoption.installation set quiet = false');
    }
    await store.adopted('backfill');
    expect(await said()).toEqual(backfilled);
  });

  test('an update of the application is the application’s, also where it moves rows', async () => {
    await store.old(`update store.memories set content = '{"a": 1}' where id = '${uuid('m2')}'`);
    const { updated, seen, happened } = backfilled;
    expect(await said()).toEqual({ updated: updated + 2, seen: seen + 1, happened: happened + 1 });
    await store.old(`update store.agents set account_id = '${uuid('a4')}' where id = '${uuid('g3')}'`);
    const after = await said();
    // rows that were placed anew by that are not touched; those that count in the first one are
    expect(after.updated - after.seen).toBe(updated - seen + 1);
    const moved = await store.rows(
      `select from store.memories where agent_id = '${uuid('g3')}' and bailiwick_owner = bailiwick_adoption.id('user', '${uuid('a4')}')`,
    );
    expect(moved.length).toBeGreaterThan(0);
    // and for the owner they are told of, once for each path along which they follow
    expect(after.happened - happened - 1).toBeGreaterThanOrEqual(operator === 'superuser' ? 0 : moved.length);
    expect(after.happened - happened - 1 === 0).toBe(operator === 'superuser');
  });

  test('and all of it can be taken out again', async () => {
    await store.adopted('shadow');
    await store.adopted('strict --period 0s');
    expect(await store.old('select from store.memories')).toEqual([]);
    await store.adopted('remove --yes');
    expect(await store.old('select from store.memories')).toHaveLength(62);
  });
});
