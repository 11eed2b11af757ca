// Attacks through the public API by somebody with a good token (G5, G7 to G12, G18, G20, G21, G23; D26): ids and cursors of others,
// mutations of what is not one's own, answers that belong to another request.
//
// Every answer is held by the kit to the closed list of errors and to telling nothing of the database (test/kit/answer.ts).

import { toGlobalId } from '../../../src/api/global-id.ts';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { MEMORIES } from '../../../src/demo/memories.ts';
import { newId } from '../../../src/ids.ts';
import { absent, HIDDEN, ON_ROWS } from '../../api/attempts.ts';
import { codesOf } from '../../kit/answer.ts';
import type { Asking, RunningServer } from '../../kit/server.ts';
import {
  answeredWith,
  brief,
  type Case,
  type GraphqlAttack,
  graphql,
  group,
  INPUT,
  PING,
  refusedWith,
  type Sent,
  write,
} from './asking.ts';
import { ALLOWED, REFUSED } from './attack.ts';
import { DOCUMENTS } from './documents.ts';

const ROWS: Readonly<Record<string, string>> = {
  Agent: AGENTS.scout.id,
  Delegation: DELEGATIONS.scout.id,
  Memory: MEMORIES[0]?.id ?? '',
  Tenant: TENANTS.acme.id,
  User: USERS.alice.id,
  World: WORLDS.garden.id,
  WorldMember: WORLDS.garden.members.alice?.id ?? '',
};

const ids = (of: Readonly<Record<string, string>> = ROWS) =>
  Object.entries(of).map(([type, id]) => toGlobalId(type as 'Agent', id));

const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';

const nothingFound = (actor: ActorName, asked: readonly string[], asking?: Asking) =>
  answeredWith({ nodes: asked.map(() => null) }, actor, NODES, { ids: asked }, asking);

const MIX = Object.keys(ROWS).flatMap((type) =>
  Object.entries(ROWS)
    .filter(([other]) => other !== type)
    .map(([, id]) => toGlobalId(type as 'Agent', id)),
);

const { Tenant: _, World: __, WorldMember: ___, ...PRIVATE } = ROWS;

const idor: Readonly<Record<string, Case>> = {
  'every kind of row by its id, from another tenant': ['G5 D3', nothingFound('mallory', ids())],
  'every kind of row by its id, as a stranger’s agent': [
    'G5 D3',
    nothingFound('mimic', ids(), { delegation: 'mimic' }),
  ],
  'what is private by its id, as a colleague': ['G5 D26', nothingFound('bob', ids(PRIVATE))],
  'what is private by its id, as a colleague’s agent': [
    'G5 D26',
    nothingFound('bobot', ids(PRIVATE), { delegation: 'bobot' }),
  ],
  'what is private by its id, through a delegation that expired': [
    'G5 D12',
    nothingFound('late', ids(PRIVATE), { delegation: 'late' }),
  ],
  'what is private by its id, through a delegation that was revoked': [
    'G5 D17',
    nothingFound('rogue', ids(PRIVATE), { delegation: 'rogue' }),
  ],
  'rows by their id under another type': ['G5', nothingFound('alice', MIX)],
  'rows of types that are not in the API': [
    'G5 P32',
    nothingFound(
      'alice',
      ['AgentInstructions', 'AuditEntry', 'Identity', 'Query'].map((type) =>
        toGlobalId(type as 'Agent', AGENTS.scout.id),
      ),
    ),
  ],
  'memories by searching for what a colleague wrote': [
    'G18',
    answeredWith(
      { searchMemories: { edges: [] } },
      'alice',
      '{ searchMemories(query: "bearing") { edges { cursor } } }',
    ),
  ],
  'memories of a colleague’s agent by a filter': [
    'G18',
    answeredWith(
      { memories: { edges: [] } },
      'alice',
      `{ memories(filter: { agentId: "${toGlobalId('Agent', AGENTS.bobot.id)}" }) { edges { cursor } } }`,
    ),
  ],
  'memories of others in a world that one shares': [
    'G18',
    answeredWith(
      { memories: { edges: [] } },
      'ada',
      `{ memories(filter: { worldId: "${toGlobalId('World', WORLDS.garden.id)}" }) { edges { cursor } } }`,
    ),
  ],
  'a delegation of another owner, named for the request': [
    'D1 D25',
    async ({ query }) => {
      const answer = await query('scout', PING, {}, { delegation: 'bobot' });
      return answer.status === 401 && codesOf(answer)[0] === 'UNAUTHENTICATED' ? REFUSED : brief(answer);
    },
  ],
};

const CURSOR = '{ memories(first: 1) { edges { cursor } } }';

const NEXT = 'query ($after: String) { memories(first: 1, after: $after) { edges { cursor } } }';

async function cursorOf({ query }: RunningServer, actor: ActorName): Promise<string> {
  const { body: answered } = await query<{ memories: { edges: { cursor: string }[] } }>(actor, CURSOR);
  return answered.data?.memories.edges[0]?.cursor ?? '';
}

const sessions: Readonly<Record<string, readonly [rule: string, run: GraphqlAttack['run']]>> = {
  'a cursor made up': [
    'G18',
    refusedWith(INPUT, 'alice', NEXT, { after: Buffer.from('{"id":"0"}').toString('base64url') }),
  ],
  'a cursor of somebody else': [
    'G18',
    async (server) => refusedWith(INPUT, 'bob', NEXT, { after: await cursorOf(server, 'alice') })(server),
  ],
  'a cursor of another list': [
    'G18',
    async (server) =>
      refusedWith(
        INPUT,
        'alice',
        'query ($after: String) { agents(first: 1, after: $after) { edges { cursor } } }',
        { after: await cursorOf(server, 'alice') },
      )(server),
  ],
  'a cursor that was edited': [
    'G18',
    async (server) => {
      const cursor = await cursorOf(server, 'alice');
      return refusedWith(INPUT, 'alice', NEXT, {
        after: `${cursor.slice(0, -2)}${cursor.endsWith('AA') ? 'BB' : 'AA'}`,
      })(server);
    },
  ],
  'the same question at once, to get somebody else’s answer': [
    'G8 G9 G10 G11',
    async ({ query }) => {
      const ask = '{ memories(first: 100) { edges { node { id } } } }';
      const actors: readonly ActorName[] = ['alice', 'bob', 'mallory', 'alice', 'bob', 'mallory'];
      const answers = await Promise.all(
        actors.map((who) => query<{ memories: { edges: { node: { id: string } }[] } }>(who, ask)),
      );
      const wrong = answers.filter((answer, index) => {
        const own = MEMORIES.filter(({ owner }) => owner === actors[index]).map(({ id }) =>
          toGlobalId('Memory', id),
        );
        const seen = answer.body.data?.memories.edges.map(({ node }) => node.id) ?? [];
        return seen.length !== own.length || seen.some((id) => !own.includes(id));
      });
      return wrong[0] === undefined ? REFUSED : brief(wrong[0]);
    },
  ],
  'the same question again after the agent was suspended': [
    'G9 G10 D17 D30',
    async ({ query, migrate }) => {
      const ask = '{ memories(first: 1) { edges { cursor } } }';
      const seen = async () =>
        (await query<{ memories: { edges: unknown[] } }>('scout', ask, {}, { delegation: 'scout' })).body.data
          ?.memories.edges.length;
      const before = await seen();
      const become = (status: string) =>
        migrate((sql) =>
          sql.rows('update entities set status = $1 where tenant_id = $2 and id = $3', [
            status,
            TENANTS.acme.id,
            AGENTS.scout.id,
          ]),
        );
      await become('suspended');
      const during = await seen();
      await become('active');
      return before === 1 && during === 0 ? REFUSED : `saw ${before}, then ${during}`;
    },
  ],
  'one mutation kept although the next one failed': [
    'G20',
    async ({ query, migrate }) => {
      const two = `mutation { createMemory(input: { content: "half of it" }) { __typename } addWorldMember(input: { worldId: "${HIDDEN.world}", userId: "${toGlobalId('User', newId())}" }) { __typename } }`;
      const answer = await query('alice', two);
      const kept = await migrate((sql) => sql.list(`select id from memories where content = 'half of it'`));
      return kept.length === 0 && codesOf(answer).length > 0 && !answer.body.data
        ? REFUSED
        : `kept ${kept.length}: ${brief(answer)}`;
    },
  ],
  'a change made by a query': [
    'G21',
    refusedWith(INPUT, 'alice', 'query { createMemory(input: { content: "x" }) { __typename } }'),
  ],
  'the inside of the server in an error': [
    'G7 P13 P14',
    async ({ query }) => {
      const answer = await query(
        'alice',
        `mutation { addWorldMember(input: { worldId: "${HIDDEN.world}", userId: "${toGlobalId('User', USERS.mallory.id)}" }) { __typename } }`,
      );
      return codesOf(answer)[0] === 'NOT_FOUND' &&
        !/key|constraint|policy|detail|hint|meta/i.test(answer.text)
        ? REFUSED
        : brief(answer);
    },
  ],
  'tokens and contents in the log': [
    'G23',
    async (server) => {
      const { authorization = '' } = await server.credentials('alice');
      const secret = 'the combination is 4711';
      await server.query(
        'alice',
        'query ($q: String!) { searchMemories(query: $q) { edges { cursor } } }',
        { q: secret },
        { headers: { authorization } },
      );
      const written = JSON.stringify(server.log);
      return written.includes(secret) || written.includes(authorization.slice(7, 60))
        ? 'found them'
        : REFUSED;
    },
  ],
};

const STRANGERS: Readonly<Record<string, readonly [actor: ActorName, asking: Asking]>> = {
  'a colleague': ['bob', {}],
  'a stranger': ['mallory', {}],
  'an agent whose delegation was revoked': ['rogue', { delegation: 'rogue' }],
};

/** Mutations of alice's rows: there is no such row, in the very words with which there is none that never was. */
const mutations: readonly GraphqlAttack[] = Object.entries(STRANGERS).flatMap(([who, [actor, asking]]) =>
  Object.entries(ON_ROWS).map(
    ([name, { document, input }]): GraphqlAttack => ({
      ...graphql,
      name: `${name} on a row of alice’s, by ${who}`,
      gain: 'what others rely on, changed; or the knowledge that it is there',
      rule: 'D26 G5 P37',
      async run({ query }) {
        const hidden = await query(actor, document, { input: input(HIDDEN) }, asking);
        const missing = await query(actor, document, { input: input(absent()) }, asking);
        const [field] = Object.values(hidden.body.data ?? {}) as { __typename?: string }[];
        if (field?.__typename !== 'NotFound') {
          return brief(hidden);
        }
        return hidden.text === missing.text ? REFUSED : 'told the hidden from the absent';
      },
    }),
  ),
);

const works =
  (actor: ActorName, ...[text, variables, asking]: Sent) =>
  async ({ query }: RunningServer): Promise<string> => {
    const answer = await query(actor, text, { ...variables }, asking);
    const [field] = Object.values(answer.body.data ?? {});
    return answer.status === 200 &&
      codesOf(answer).length === 0 &&
      field !== null &&
      JSON.stringify(field) !== '{"edges":[]}'
      ? ALLOWED
      : brief(answer);
  };

const controls: Readonly<Record<string, GraphqlAttack['run']>> = {
  'an owner finds a row of every kind by its id': async ({ query }) => {
    const answer = await query<{ nodes: unknown[] }>('alice', NODES, { ids: ids() });
    return answer.body.data?.nodes.every((node) => node !== null) ? ALLOWED : brief(answer);
  },
  'an owner searches what is hers': works(
    'alice',
    '{ searchMemories(query: "lisbon") { edges { cursor } } }',
  ),
  'an owner turns a page': async (server) =>
    works('alice', NEXT, { after: await cursorOf(server, 'alice') })(server),
  'an agent reads through its delegation': works(
    'scout',
    '{ memories(first: 1) { edges { cursor } } }',
    {},
    { delegation: 'scout' },
  ),
  'an operation within all limits': works('alice', '{ agents(first: 20) { edges { node { name } } } }'),
  'a mutation of one’s own': works('alice', write, { input: { content: 'kept' } }),
};

export const GRAPHQL: readonly GraphqlAttack[] = [
  ...DOCUMENTS,
  ...group(idor, 'fetching', 'rows of others by knowing their ids'),
  ...group(sessions, 'getting', 'what belongs to another request, or outlives one'),
  ...mutations,
  ...Object.entries(controls).map(
    ([name, run]): GraphqlAttack => ({
      ...graphql,
      control: true,
      name,
      gain: 'nobody could use the API',
      rule: 'G5',
      run,
    }),
  ),
];
