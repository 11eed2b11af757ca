// The story of the prepared tabs, told as a reader would: against the server that `npm start` starts, tab after tab, each as the
// identity that it names. Every sentence beside a tab is held to what is answered there. How the page shows it: page.test.ts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toGlobalId } from '../../src/api/global-id.ts';
import { readConfig } from '../../src/config.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { SERVICES } from '../../src/demo/services.ts';
import type { Demo, StoryTab } from '../../src/graphiql/story.ts';
import { newId } from '../../src/ids.ts';
import { main, type Running } from '../../src/main.ts';
import { createTestDatabase } from '../kit/database.ts';

type Connection<Node> = { readonly edges: readonly { readonly node: Node }[] };
type Row = { readonly id: string };
type Party = { readonly id: string; readonly kind: string };
type Told = {
  readonly viewer: {
    readonly live: boolean;
    readonly actor: Party;
    readonly owner: Party;
    readonly capabilities: readonly string[];
    readonly chain: readonly { readonly revokedAt?: string }[];
  };
  readonly agents: Connection<Row>;
  readonly memories: Connection<Row & { readonly ownerId?: string }>;
  readonly node: null;
  readonly callService: { readonly __typename: string; readonly status: number; readonly body: string };
  readonly authorizeAction: { readonly effect: string; readonly approval: Row & { readonly state: string } };
  readonly approvals: Connection<
    Row & { readonly agent: { readonly name: string }; readonly arguments: object }
  >;
  readonly permissions: Connection<{ readonly effect: string }>;
  readonly decideApproval: { readonly __typename: string; readonly state?: string };
  readonly activity: Connection<{ readonly service: string; readonly outcome: string }>;
  readonly createMemory: { readonly content: string };
  readonly sharedMemories: Connection<{ readonly ownerId: string }>;
  readonly freezeBaseline: {
    readonly status: string;
    readonly usual: readonly { readonly network: { readonly host: string } }[];
  };
  readonly compareToBaseline: {
    readonly score: number;
    readonly deviating: readonly { readonly network: { readonly host: string } }[];
  };
  readonly accessReceipts: Connection<{ readonly kind: string; readonly rowId: string }>;
  readonly redelegate: { readonly __typename: string; readonly id: string };
  readonly revokeDelegation: { readonly __typename: string; readonly delegationId: string };
};

const dataDir = mkdtempSync(join(tmpdir(), 'bailiwick-story-'));
const database = await createTestDatabase();
let running: Running;
let demo: Demo;

const begin = async () =>
  (await (await fetch(new URL('/development/identities', running.url))).json()) as Demo;

beforeAll(async () => {
  running = await main(
    readConfig({
      DATABASE_URL: database.runtimeUrl,
      MIGRATION_DATABASE_URL: database.migratorUrl,
      DATA_DIR: dataDir,
      PORT: '0',
      MODE: 'development',
      LOG_LEVEL: 'silent',
    }),
  );
  demo = await begin();
});
afterAll(async () => {
  await running.stop();
  rmSync(dataDir, { recursive: true });
  await database.drop();
});

function tabOf(id: string): StoryTab {
  const tab = demo.tabs.find((one) => one.id === id);
  if (tab === undefined) {
    throw new TypeError(`no tab ${id}`);
  }
  return tab;
}

/** Runs a tab, perhaps with something of it changed; its data, and all that was answered as text. */
async function run(
  id: string,
  { as, variables, delegationId }: { as?: string; variables?: object; delegationId?: string } = {},
): Promise<Told & { readonly text: string }> {
  const tab = tabOf(id);
  const identity = demo.identities.find((one) => one.id === (as ?? tab.identity));
  const under = delegationId ?? identity?.delegationId;
  const response = await fetch(running.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${identity?.token}`,
      ...(under ? { 'delegation-id': under } : {}),
    },
    body: JSON.stringify({ query: tab.query, variables: variables ?? tab.variables, operationName: id }),
  });
  const text = await response.text();
  const { data, errors } = JSON.parse(text) as { data: Told; errors?: unknown };
  expect([id, response.status, errors]).toEqual([id, 200, undefined]);
  return { ...data, text };
}

/** Runs a tab that listens: the first event that comes. */
async function hear(id: string): Promise<{ next: Promise<string>; stop: () => void }> {
  const tab = tabOf(id);
  const gone = new AbortController();
  const token = demo.identities.find((one) => one.id === tab.identity)?.token;
  const response = await fetch(running.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query: tab.query, operationName: id }),
    signal: gone.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  // the first message says that the stream has begun
  await reader?.read();
  const next = (async () => {
    let text = '';
    while (!text.includes('event: next')) {
      text += (await reader?.read())?.value ?? '';
    }
    return text;
  })();
  return { next, stop: () => gone.abort() };
}

const idsOf = (rows: Connection<Row>): readonly string[] => rows.edges.map(({ node }) => node.id).sort();
const byOwnId = (id: string): string => Buffer.from(id, 'base64url').toString().split(':')[1] ?? '';

// one test, because each tab begins where the one before has ended
test('each tab, in order and as its identity, answers what the note beside it says', async () => {
  expect(demo.tabs.map(({ id }) => id)).toEqual([
    'WhoAmI',
    'MyAgentsView',
    'UseASecret',
    'AskFirst',
    'WhatTheyAsk',
    'Approve',
    'WhatTheyDid',
    'Listen',
    'ShareInAWorld',
    'AFellowReads',
    'KeepWhatIsUsual',
    'IsThisUsual',
    'WhoHasReadWhat',
    'Redelegate',
    'AStrangerTries',
    'Revoke',
    'NothingLeft',
  ]);

  // "Alice acts in person: actor and owner are the same, and no delegation stands between them."
  const { viewer: alice } = await run('WhoAmI');
  expect([alice.live, alice.actor, alice.chain]).toEqual([true, alice.owner, []]);

  // "Scout acts, alice owns: it reads her rows, exactly as far as her delegation allows."
  const scouts = await run('MyAgentsView');
  const hers = await run('MyAgentsView', { as: 'alice' });
  expect(scouts.viewer.owner).toEqual(alice.owner);
  expect(scouts.viewer.actor).not.toEqual(alice.owner);
  expect([...scouts.viewer.capabilities].sort()).toEqual([...DELEGATIONS.scout.capabilities].sort());
  expect(idsOf(scouts.memories)).toEqual(idsOf(hers.memories));
  expect(idsOf(scouts.memories)).not.toEqual([]);

  // "Scout has alice's tracker called with her token, which it never sees: the answer comes back without it."
  const used = await run('UseASecret');
  expect(used.callService).toMatchObject({ __typename: 'ServiceAnswer', status: 200 });
  expect(used.callService.body).toContain('The water butt leaks');
  expect(used.text).not.toContain(SERVICES.tracker.secret);

  // "Scout asks before it acts. Alice's rules say ASK, so she is asked: about exactly this, once."
  const asked = (await run('AskFirst')).authorizeAction;
  expect([asked.effect, asked.approval.state]).toEqual(['ASK', 'WAITING']);
  expect((await run('AskFirst')).authorizeAction.approval.id).toBe(asked.approval.id);

  // "Alice sees who asks for what, in full, and the rules by which they had to ask."
  const { approvals, permissions } = await run('WhatTheyAsk');
  const { input: given } = tabOf('AskFirst').variables as { input: { arguments: object } };
  const { input: decision } = tabOf('Approve').variables as { input: Row };
  expect(approvals.edges.map(({ node }) => [node.id, node.agent.name, node.arguments])).toEqual(
    expect.arrayContaining([
      [asked.approval.id, AGENTS.scout.name, given.arguments],
      [decision.id, AGENTS.scout.name, expect.anything()],
    ]),
  );
  expect(permissions.edges.map(({ node }) => node.effect)).toContain('ASK');

  // "Alice says yes, once, to this and nothing else. A second time, the answer is ApprovalRefused."
  expect((await run('Approve')).decideApproval).toMatchObject({ __typename: 'Approval', state: 'APPROVED' });
  expect((await run('Approve')).decideApproval.__typename).toBe('ApprovalRefused');

  // "Every call and every decision is in the log of what agents do, which nobody changes."
  const did = (await run('WhatTheyDid')).activity.edges.map(({ node }) => `${node.service} ${node.outcome}`);
  expect(did).toEqual(expect.arrayContaining(['shop ASKED', 'tracker STARTED', 'tracker SUCCEEDED']));

  // "Run this, then tab 4 with other arguments in another window: the request comes in by itself."
  const listening = await hear('Listen');
  const other = { input: { ...given, arguments: { item: 'string', count: 1 } } };
  const second = (await run('AskFirst', { variables: other })).authorizeAction.approval;
  expect(await listening.next).toContain(second.id);
  listening.stop();

  // "Alice tells everybody who takes part in the Garden. Without shared it would stay hers."
  const { createMemory: told } = await run('ShareInAWorld');
  expect(told).toMatchObject({ __typename: 'Memory', shared: true, world: { name: 'Garden' } });

  // "Bob is a member and reads what alice shares there; the rest of hers he does not see."
  const fellow = await run('AFellowReads');
  expect(fellow.sharedMemories.edges.map(({ node }) => node)).toEqual([
    { ownerId: alice.owner.id, content: told.content },
  ]);
  expect(fellow.memories.edges.map(({ node }) => node.ownerId)).not.toContain(alice.owner.id);

  // "Where scout’s calls went so far is usual from now on"
  const { freezeBaseline: kept } = await run('KeepWhatIsUsual');
  expect(kept.status).toBe('FROZEN');
  expect(kept.usual.map(({ network }) => network.host)).toContain('tracker.invalid');

  // "The call to the tracker is as always; of the other one everything is new, and the score says so."
  const { compareToBaseline: compared } = await run('IsThisUsual');
  expect(compared.deviating.map(({ network }) => network.host)).toEqual(['collector.invalid']);
  expect(compared.score).toBeGreaterThan(0.9);

  // "What scout read in tab 2 has left receipts: which row, on which day, by which operation, how often."
  const receipts = (await run('WhoHasReadWhat')).accessReceipts.edges.map(({ node }) => node);
  expect(receipts.filter(({ kind }) => kind === 'Memory').map(({ rowId }) => rowId)).toEqual(
    expect.arrayContaining([...idsOf(scouts.memories)]),
  );

  // "Scout hands on a part of what it holds. Ask for more than that and the answer is DelegationRefused."
  const handed = await run('Redelegate');
  expect(handed.redelegate.__typename).toBe('Delegation');
  const { input } = tabOf('Redelegate').variables as { input: object };
  const more = { input: { ...input, capabilities: ['user:read', 'user:update'] } };
  const refused = await run('Redelegate', { variables: more });
  expect(refused.redelegate.__typename).toBe('DelegationRefused');
  const scribes = { as: 'scribe', delegationId: byOwnId(handed.redelegate.id) };
  const now = await run('MyAgentsView', { as: 'alice' });
  expect(idsOf((await run('AStrangerTries', scribes)).memories)).toEqual(idsOf(now.memories));

  // "Mallory knows the id of alice's memory, and gets null: the same as for an id that never was."
  const stranger = await run('AStrangerTries');
  const absent = await run('AStrangerTries', { variables: { id: toGlobalId('Memory', newId()) } });
  expect([stranger.node, stranger.text]).toEqual([null, absent.text]);
  expect(idsOf(stranger.memories).filter((id) => idsOf(hers.memories).includes(id))).toEqual([]);
  expect((await run('AStrangerTries', { as: 'alice' })).node).not.toBeNull();

  // "Alice ends the delegation, and with it whatever scout handed on. There is nothing to wait for."
  const ended = await run('Revoke');
  expect(ended.revokeDelegation).toMatchObject({
    __typename: 'RevokedDelegation',
    delegationId: (tabOf('Revoke').variables as { input: Row }).input.id,
  });
  const below = await run('NothingLeft', scribes);
  expect([below.viewer.live, idsOf(below.memories)]).toEqual([false, []]);

  // "Scout, the same token, the same delegation: not live, and no row."
  const left = await run('NothingLeft');
  expect([left.viewer.live, left.viewer.capabilities]).toEqual([false, []]);
  expect([idsOf(left.agents), idsOf(left.memories)]).toEqual([[], []]);
  expect(left.viewer.chain).toEqual([expect.objectContaining({ revokedAt: expect.any(String) })]);

  // '"Restart story" begins again.'
  demo = await begin();
  const again = await run('MyAgentsView');
  expect([again.viewer.live, idsOf(again.memories)]).toEqual([true, idsOf(now.memories)]);
  expect(again.viewer.actor.id).toBe(toGlobalId('Agent', AGENTS.scout.id));
  expect(again.viewer.owner.id).toBe(toGlobalId('User', USERS.alice.id));
});
