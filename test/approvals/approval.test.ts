// Asking, deciding and redeeming through the API: an agent asks its owner, and does what was approved, once.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { approvalDigest } from '../../src/approvals/digest.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { APPROVALS } from '../../src/demo/permissions.ts';
import { newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

type Query = RunningServer['query'];
const AS_SCOUT: Asking = { delegation: 'scout' };
const WAITING = toGlobalId(
  'Approval',
  APPROVALS.find(({ owner, decision }) => owner === 'alice' && !decision)?.id ?? '',
);

let turn = 0;
/** An action that nobody has asked for before. */
const action = (more: object = {}) => {
  turn += 1;
  return { service: 'mail', action: 'messages.send', arguments: { to: 'bob@example.org', turn }, ...more };
};
type Action = ReturnType<typeof action>;

const authorize = async (query: Query, input: documents.AuthorizeActionInput, asking = AS_SCOUT) =>
  dataOf(await query('scout', documents.AuthorizeActionDocument, { input }, asking)).authorizeAction;

async function ask(query: Query, input: Action): Promise<string> {
  const { approval } = await authorize(query, input);
  expect(approval).toMatchObject({ state: 'WAITING' });
  return approval?.id ?? '';
}

const decide = async (query: Query, id: string, decision: 'APPROVE' | 'REJECT', note?: string) =>
  dataOf(
    await query('alice', documents.DecideApprovalDocument, {
      input: { id, decision: decision as documents.ApprovalDecision, note: note ?? null },
    }),
  ).decideApproval;

const redeem = async (
  query: Query,
  id: string,
  { service, action: name, arguments: given }: Action,
  asking = AS_SCOUT,
) =>
  dataOf(
    await query(
      'scout',
      documents.RedeemApprovalDocument,
      { input: { id, service, action: name, arguments: given } },
      asking,
    ),
  ).redeemApproval;

test('nobody but the owner decides, and for everybody else there is no such request', async ({ query }) => {
  const input = { id: WAITING, decision: 'APPROVE' as documents.ApprovalDecision };
  const absent = { ...input, id: toGlobalId('Approval', newId()) };
  for (const [actor, asking] of [
    ['scout', AS_SCOUT],
    ['scout', {}],
    ['bob', {}],
    ['ada', {}],
    ['mallory', {}],
    ['alice', { scopes: ['approval:read'] }],
  ] as const) {
    const answer = await query(actor, documents.DecideApprovalDocument, { input }, asking);
    expect([actor, dataOf(answer).decideApproval.__typename]).toEqual([actor, 'NotFound']);
    const none = await query(actor, documents.DecideApprovalDocument, { input: absent }, asking);
    expect(answer.text).toBe(none.text);
  }
});

test('nothing is redeemed but by the agent that asked, for exactly what was approved, through the same chain', async ({
  query,
}) => {
  const asked = action();
  const id = await ask(query, asked);
  expect(await redeem(query, id, asked)).toMatchObject({ why: 'WAITING' });
  expect(await decide(query, id, 'APPROVE')).toMatchObject({ state: 'APPROVED' });
  for (const other of [
    { ...asked, service: 'post' },
    { ...asked, action: 'messages.delete' },
    { ...asked, arguments: { ...asked.arguments, to: 'eve@example.org' } },
    { ...asked, arguments: { ...asked.arguments, cc: 'eve@example.org' } },
  ]) {
    expect(await redeem(query, id, other)).toMatchObject({ why: 'DIGEST' });
  }
  const input = { id, service: asked.service, action: asked.action, arguments: asked.arguments };
  for (const [actor, asking] of [
    ['scout', {}],
    ['scout', { delegation: 'scoutInGarden' }],
    ['scribe', { delegation: 'scribe' }],
    ['alice', {}],
    ['bobot', { delegation: 'bobot' }],
    ['mimic', { delegation: 'mimic' }],
  ] as const) {
    const answer = await query(actor, documents.RedeemApprovalDocument, { input }, asking);
    expect([actor, dataOf(answer).redeemApproval.__typename]).toEqual([actor, 'NotFound']);
  }
  expect(await redeem(query, id, asked)).toMatchObject({ __typename: 'Approval', state: 'REDEEMED' });
  expect(await redeem(query, id, asked)).toMatchObject({ why: 'REDEEMED' });
});

test('of two that redeem the same approval at once exactly one may act', async ({ query }) => {
  const asked = action();
  const id = await ask(query, asked);
  await decide(query, id, 'APPROVE');
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => redeem(query, id, asked)));
  expect(outcomes.filter(({ __typename }) => __typename === 'Approval')).toHaveLength(1);
  expect(outcomes.filter((outcome) => 'why' in outcome && outcome.why === 'REDEEMED')).toHaveLength(3);
});

test('what was rejected stays so with its note, also for an agent that asks again', async ({ query }) => {
  const asked = action();
  const id = await ask(query, asked);
  expect(await decide(query, id, 'REJECT', 'Not on a Sunday')).toMatchObject({ state: 'REJECTED' });
  expect(await decide(query, id, 'APPROVE')).toMatchObject({ why: 'DECIDED' });
  expect(await redeem(query, id, asked)).toMatchObject({ why: 'REJECTED' });
  expect((await authorize(query, asked)).approval).toMatchObject({
    id,
    state: 'REJECTED',
    note: 'Not on a Sunday',
  });
});

test('what came too late is neither decided nor redeemed', async ({ query, server }) => {
  const expire = (id: string) =>
    server.migrate((sql) =>
      sql.rows(
        `update approvals set expires_at = now() - interval '1 second', created_at = now() - interval '1 hour' where id = $1`,
        [fromGlobalId(id).id],
      ),
    );
  const late = action();
  const undecided = await ask(query, late);
  await expire(undecided);
  expect(await decide(query, undecided, 'APPROVE')).toMatchObject({ why: 'EXPIRED' });
  const unused = action();
  const approved = await ask(query, unused);
  await decide(query, approved, 'APPROVE');
  await expire(approved);
  expect(await redeem(query, approved, unused)).toMatchObject({ why: 'EXPIRED' });
  // asked anew it is another request
  expect((await authorize(query, unused)).approval?.id).not.toBe(approved);
});

test('an approval is worth nothing once the rules that asked for it have changed', async ({ query }) => {
  const asked = action({ service: 'shop', action: 'orders.place' });
  const before = await ask(query, asked);
  const approved = await ask(query, { ...asked, arguments: { ...asked.arguments, turn: -1 } });
  await decide(query, approved, 'APPROVE');
  const rule = { service: 'shop', action: 'orders.*', effect: 'ASK' as documents.PermissionEffect };
  dataOf(await query('alice', documents.CreatePermissionDocument, { input: rule }));
  expect(await decide(query, before, 'APPROVE')).toMatchObject({ why: 'CHANGED' });
  expect(
    await redeem(query, approved, { ...asked, arguments: { ...asked.arguments, turn: -1 } }),
  ).toMatchObject({ why: 'CHANGED' });
  const again = (await authorize(query, asked)).approval;
  expect(again?.id).not.toBe(before);
  expect(await decide(query, again?.id ?? '', 'APPROVE')).toMatchObject({ state: 'APPROVED' });
});

test('where the rules allow or deny, nobody is asked', async ({ query, server }) => {
  const count = () => server.migrate((sql) => sql.value('select count(*)::int from approvals'));
  const before = await count();
  expect(await authorize(query, action({ service: 'weather', action: 'forecast' }))).toMatchObject({
    effect: 'ALLOW',
    rule: { service: 'weather', action: '*' },
    approval: null,
  });
  expect(await authorize(query, action({ service: 'bank', action: 'accounts.close' }))).toMatchObject({
    effect: 'DENY',
    rule: { action: 'accounts.*' },
    approval: null,
  });
  expect(await count()).toBe(before);
});

test('an agent that asks twice has asked once', async ({ query }) => {
  const asked = action();
  const id = await ask(query, asked);
  expect(await ask(query, asked)).toBe(id);
});

test('the owner sees what is asked and is bound to what is shown; the agent sees its own requests and nobody else’s', async ({
  query,
  server,
}) => {
  const asked = action();
  const id = await ask(query, { ...asked, purpose: 'She wanted to know' } as Action);
  const page = dataOf(
    await query('alice', documents.ApprovalsDocument, {
      first: 1,
      filter: { state: 'WAITING' as documents.ApprovalState },
    }),
  ).approvals;
  expect(page.edges.map(({ node }) => node)).toEqual([
    expect.objectContaining({
      id,
      agentId: toGlobalId('Agent', AGENTS.scout.id),
      ...asked,
      purpose: 'She wanted to know',
      digest: approvalDigest(asked),
      state: 'WAITING',
    }),
  ]);
  const of = async (actor: 'bob' | 'ada' | 'mallory' | 'scribe', asking: Asking = {}) =>
    dataOf(await query(actor, documents.ApprovalsDocument, {}, asking)).approvals.edges.map(
      ({ node }) => node.id,
    );
  expect(await of('bob')).toEqual([]);
  expect(await of('ada')).toEqual([]);
  expect(await of('scribe', { delegation: 'scribe' })).toEqual([]);
  expect(await of('mallory')).not.toContain(id);
  // whoever gets other arguments into the row, with the digest of these, gets nobody to approve them
  const { rows } = await server.migrate(async (sql) => ({
    rows: await sql.rows<{ arguments: string }>(`select "arguments"::text from approvals where id = $1`, [
      fromGlobalId(id).id,
    ]),
  }));
  expect(rows[0]?.arguments).toMatch(/^"bwe1\./);
  const other = await ask(query, action());
  await server.migrate((sql) =>
    sql.rows('update approvals set digest = repeat($2, 64) where id = $1', [fromGlobalId(other).id, 'a']),
  );
  const shown = await query('alice', documents.ApprovalsDocument, { first: 1 });
  expect(codesOf(shown)).toEqual(['INTERNAL']);
  const decided = await query('alice', documents.DecideApprovalDocument, {
    input: { id: other, decision: 'APPROVE' as documents.ApprovalDecision },
  });
  expect(codesOf(decided)).toEqual(['INTERNAL']);
  const turned = await query(
    'alice',
    'mutation($id: ID!) { decideApproval(input: { id: $id, decision: REJECT }) { __typename } }',
    { id: other },
  );
  expect(turned.body.data).toEqual({ decideApproval: { __typename: 'Approval' } });
});

test('every question, decision and use is recorded with who, for whom and through what', async ({
  query,
  server,
}) => {
  const asked = action();
  const id = await ask(query, asked);
  await decide(query, id, 'APPROVE');
  await redeem(query, id, asked);
  const trace = await server.migrate((sql) =>
    sql.rows<{ event: string; actor_id: string; owner_id: string }>(
      'select event, actor_id, owner_id from audit_entries where target_id = $1 order by id',
      [fromGlobalId(id).id],
    ),
  );
  const [scout, alice] = [AGENTS.scout.id, USERS.alice.id];
  expect(trace).toEqual([
    { event: 'approval.asked', actor_id: scout, owner_id: alice },
    { event: 'approval.approved', actor_id: alice, owner_id: alice },
    { event: 'approval.redeemed', actor_id: scout, owner_id: alice },
  ]);
});

test('an agent has at most fifty requests waiting, and they are small enough to be looked at', async ({
  query,
}) => {
  const large = await query(
    'scout',
    documents.AuthorizeActionDocument,
    { input: action({ arguments: { text: 'x'.repeat(70_000) } }) },
    AS_SCOUT,
  );
  expect(codesOf(large)).toEqual(['LIMIT_EXCEEDED']);
  const all = [];
  for (let n = 0; n < 60; n += 1) {
    const input = action({ action: 'messages.draft' });
    all.push(codesOf(await query('scout', documents.AuthorizeActionDocument, { input }, AS_SCOUT)));
  }
  expect(all.filter((codes) => codes.length === 0).length).toBeGreaterThan(30);
  expect(all.at(-1)).toEqual(['LIMIT_EXCEEDED']);
});
