// The agent store: tables shaped like elizaOS's, GraphQL Yoga over plain node-postgres. What it is before its adoption and after, and an agent
// that works for its account under a delegation.

import { delegate, revoke, withSession } from 'bailiwick';
import { expect, test } from 'vitest';
import { operate } from './http.ts';
import { asApplication, type Example, tellAdoption, tellReturn } from './story.ts';

const key = (kind: string, n: number) => `${kind}0000000-0000-4000-8000-00000000000${n}`;
const [ANN, BEN, CLEO] = [key('a', 1), key('a', 2), key('a', 3)];
const [SCOUT, BOBOT] = [key('b', 1), key('b', 2)];
const BEDS = key('d', 1);

type Texts = readonly { readonly text: string }[];
const texts = (some: Texts | undefined) => some?.map(({ text }) => text);

/** What somebody recalls of these words; undefined where there is no answer. */
const recall = async (url: string, headers: Record<string, string>, words: string) =>
  texts(
    (await operate<{ recall: Texts }>(url, headers, `{ recall(words: "${words}") { text } }`)).data?.recall,
  );

const store: Example = {
  folder: 'agent-store',
  role: 'store_app',
  tables: [
    'accounts',
    'agents',
    'entities',
    'rooms',
    'participants',
    'memories',
    'central_messages',
    'tasks',
    'cache',
  ],
  people: [ANN, BEN, CLEO],
  everything: async (url, user) =>
    (
      await operate(
        url,
        { 'x-user': user },
        '{ agents { name } rooms { name messages { content } } memories { text } tasks { name } }',
      )
    ).data,
  nothing: { agents: [], rooms: [], memories: [], tasks: [] },
  leak: (url) => recall(url, { 'x-user': ANN }, 'crane'),
  leaked: ['The crane code is 9001'],
  reported: { table: 'memories', clause: 'tenant' },
  async writes(url, nth) {
    const as = <Data>(user: string, query: string) => operate<Data>(url, { 'x-user': user }, query);
    const text = `The peas are up ${nth}`;
    const remember = `mutation { remember(agentId: "${SCOUT}", roomId: "${BEDS}", text: "${text}") { id text } }`;
    const { data } = await as<{ remember: { id: string } }>(ANN, remember);
    expect(data).toEqual({ remember: { id: expect.any(String), text } });
    const say = `mutation { say(roomId: "${BEDS}", text: "Yes, they are") { content } }`;
    expect(await as(ANN, say)).toEqual({ data: { say: { content: 'Yes, they are' } } });
    const forget = `mutation { forget(id: "${data?.remember.id}") }`;
    for (const other of [BEN, CLEO]) {
      expect(await as(other, '{ memories { text } }')).not.toMatchObject({
        data: { memories: expect.arrayContaining([{ text }]) },
      });
      expect(await as(other, forget)).toEqual({ data: { forget: false } });
      expect(await as(other, remember)).toEqual({ data: { remember: null } });
      expect(await as(other, say)).toEqual({ data: { say: null } });
    }
    expect(await as(ANN, '{ memories { text } }')).toMatchObject({
      data: { memories: expect.arrayContaining([{ text }]) },
    });
  },
  async discards(url) {
    const forget = `mutation { forget(id: "${key('f', 2)}") }`;
    const { data } = await operate<{ forget: boolean }>(url, { 'x-user': ANN }, forget);
    return data?.forget === true;
  },
};

const stage = tellAdoption(store);

test('an agent under a delegation reads exactly its owner’s memories and nothing else, and after it is revoked nothing', async () => {
  const url = await stage().serve('app.adopted.ts');
  await asApplication(stage().appUrl, async (pool) => {
    const delegation = await withSession(pool, { user: ANN }, (client) =>
      delegate(client, {
        to: { agent: SCOUT },
        capabilities: ['memory:read'],
        expiresAt: new Date(Date.now() + 60_000),
      }),
    );
    const scout = { 'x-agent': SCOUT, 'x-delegation': delegation, 'x-user': ANN };
    expect((await recall(url, scout, ''))?.filter((text) => !text.startsWith('The peas'))).toEqual([
      'Founded on a Tuesday',
      'Gus waters on Mondays',
      'Somebody left the tap open',
      'The beans are late',
      'The code of the shed is 4711',
    ]);
    expect(await store.everything(url, ANN)).not.toEqual(store.nothing);
    const { data } = await operate(
      url,
      scout,
      '{ agents { name } rooms { name } memories { text } tasks { name } }',
    );
    expect(data).toEqual(store.nothing);
    await expect(
      withSession(pool, { agent: SCOUT, delegation }, (client) => client.query('delete from memories')),
    ).resolves.toMatchObject({ rowCount: 0 });
    const all = '{ recall(words: "") { text } }';
    expect(await operate(url, { ...scout, 'x-agent': BOBOT }, all)).toMatchObject({
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
    await withSession(pool, { user: ANN }, (client) => revoke(client, delegation));
    expect(await operate(url, scout, all)).toEqual({ data: { recall: [] } });
  });
});

test('without anybody there is no session, and no answer', async () => {
  const url = await stage().serve('app.adopted.ts');
  const { errors } = await operate(url, {}, '{ agents { name } }');
  expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
});

tellReturn(store, stage);
