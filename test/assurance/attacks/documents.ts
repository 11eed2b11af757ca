// Attacks by what is sent (G1 to G4, G6, G13 to G17, G19, G22): documents made to hurt, inputs that say too much, bodies that a
// foreign page could send, features that are not there.

import { toGlobalId } from '../../../src/api/global-id.ts';
import { LIMITS } from '../../../src/api/limits.ts';
import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { HIDDEN } from '../../api/attempts.ts';
import { repeat } from '../../api/surviving.ts';
import { codesOf } from '../../kit/answer.ts';
import type { RunningServer } from '../../kit/server.ts';
import {
  answeredWith,
  brief,
  type Case,
  type GraphqlAttack,
  group,
  INPUT,
  PING,
  refusedWith,
  write,
} from './asking.ts';
import { REFUSED } from './attack.ts';

const agent = '{ agents { edges { node { ';

const deep = `${agent}${'parent { '.repeat(20)}name${' }'.repeat(24)}`;

const LIMIT = 'LIMIT_EXCEEDED';

const heavy: Readonly<Record<string, Case>> = {
  'more tokens than a document may have': [
    'G3',
    refusedWith(LIMIT, 'alice', `{ ${repeat(LIMITS.tokens, () => '__typename')} }`),
  ],
  'fragments that nest five thousand deep': [
    'G3',
    refusedWith(
      LIMIT,
      'alice',
      `{ ...F0 } ${repeat(5000, (i) => `fragment F${i} on Query { ...F${i + 1} }`)} fragment F5000 on Query { __typename }`,
    ),
  ],
  'a literal that nests twenty thousand deep': [
    'G3',
    refusedWith(LIMIT, 'alice', `{ nodes(ids: ${'['.repeat(20_000)}${']'.repeat(20_000)}) { id } }`),
  ],
  'fields that nest twenty thousand deep': [
    'G3',
    refusedWith(LIMIT, 'alice', `{ ${'a { '.repeat(20_000)}b${' }'.repeat(20_000)} }`),
  ],
  'thousands of unknown directives': [
    'G3',
    refusedWith(LIMIT, 'alice', `{ ${repeat(3000, () => '__typename @x @y')} }`),
  ],
  'thousands of variables': [
    'G3',
    refusedWith(LIMIT, 'alice', `query (${repeat(3000, (i) => `$v${i}: Int`)}) { __typename }`),
  ],
  'fields deeper than allowed': ['G3', refusedWith(LIMIT, 'alice', deep)],
  'depth hidden in a fragment called __schema': [
    'G3',
    refusedWith(
      LIMIT,
      'alice',
      `query IntrospectionQuery { ...__schema } fragment __schema on Query ${deep}`,
    ),
  ],
  'more aliases than allowed': [
    'G2',
    refusedWith(LIMIT, 'alice', `{ ${repeat(51, (i) => `a${i}: __typename`)} viewer { live } }`),
  ],
  'more aliases than allowed, as nobody': [
    'G2',
    refusedWith(LIMIT, 'nobody', `{ ${repeat(100, (i) => `a${i}: __typename`)} }`),
  ],
  'aliases multiplied by fragments': [
    'G2',
    refusedWith(
      LIMIT,
      'alice',
      `{ ...F ...F ...F ...F ...F ...F viewer { live } } fragment F on Query { ${repeat(10, (i) => `a${i}: __typename`)} }`,
    ),
  ],
  'more directives than allowed': [
    'G3',
    refusedWith(
      LIMIT,
      'alice',
      `{ ${repeat(51, () => '... @include(if: true) { __typename }')} viewer { live } }`,
    ),
  ],
  'pages inside pages': [
    'G3 G4',
    refusedWith(
      LIMIT,
      'alice',
      `query ($n: Int = 100) { agents(first: $n) { edges { node { memories(first: $n) { edges { node { id kind content tags } } } } } } }`,
    ),
  ],
  'a page of a thousand': [
    'G3',
    refusedWith(LIMIT, 'alice', '{ memories(first: 1000) { edges { cursor } } }'),
  ],
  'a page of a thousand inside another': [
    'G3',
    refusedWith(
      LIMIT,
      'alice',
      '{ agents(first: 1) { edges { node { memories(first: 1000) { edges { cursor } } } } } }',
    ),
  ],
  'a page of less than nothing': [
    'G3',
    refusedWith(INPUT, 'alice', '{ memories(first: -1) { edges { cursor } } }'),
  ],
  'a hundred and one nodes': [
    'G5',
    refusedWith(LIMIT, 'alice', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: Array(101).fill(toGlobalId('Agent', AGENTS.scout.id)),
    }),
  ],
  'twenty thousand ids that are none': [
    'G17',
    refusedWith(LIMIT, 'alice', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: Array(20_000).fill('x'),
    }),
  ],
  'JSON that nests thirty deep': [
    'G17',
    refusedWith(
      INPUT,
      'alice',
      `mutation { createMemory(input: { content: "x", metadata: ${'{ a: '.repeat(30)}1${' }'.repeat(30)} }) { __typename } }`,
    ),
  ],
  'a hundred errors for one answer': [
    'G3 G7',
    async ({ query }) => {
      const answer = await query('alice', `{ ${repeat(101, (i) => `nope${i}`)} }`);
      return (answer.body.errors?.length ?? 0) <= LIMITS.errors && codesOf(answer)[0] === INPUT
        ? REFUSED
        : brief(answer);
    },
  ],
};

const json = (text: string) => ({ input: { content: 'x', metadata: JSON.parse(text) as unknown } });

const inputs: Readonly<Record<string, Case>> = {
  'another tenant as an input': [
    'G19',
    refusedWith(INPUT, 'alice', write, { input: { content: 'x', tenantId: TENANTS.globex.id } }),
  ],
  'another owner as an input': [
    'G19',
    refusedWith(INPUT, 'alice', write, { input: { content: 'x', ownerId: USERS.bob.id } }),
  ],
  'another maker as an input': [
    'G19 D23',
    refusedWith(INPUT, 'alice', write, { input: { content: 'x', createdBy: USERS.bob.id } }),
  ],
  'the delegation as an input': [
    'G19 D25',
    refusedWith(INPUT, 'scout', write, { input: { content: 'x', delegationId: DELEGATIONS.scout.id } }),
  ],
  'a role as an input': [
    'G19',
    refusedWith(INPUT, 'alice', 'mutation { updateProfile(input: { role: ADMIN }) { __typename } }'),
  ],
  'a ceiling with other things of an agent': [
    'G19',
    refusedWith(
      INPUT,
      'alice',
      `mutation { updateAgent(input: { id: "${HIDDEN.agent}", ceiling: [] }) { __typename } }`,
    ),
  ],
  'an owner as a filter': [
    'G18 G19',
    refusedWith(INPUT, 'alice', 'query ($f: MemoryFilter) { memories(filter: $f) { edges { cursor } } }', {
      f: { ownerId: USERS.bob.id },
    }),
  ],
  'an operator of the database as a filter': [
    'G18',
    refusedWith(INPUT, 'alice', 'query ($f: MemoryFilter) { memories(filter: $f) { edges { cursor } } }', {
      f: { kind: { contains: 'a' } },
    }),
  ],
  'a column of one’s own choice to order by': [
    'G18',
    refusedWith(
      INPUT,
      'alice',
      '{ memories(orderBy: { field: CONTENT, direction: ASC }) { edges { cursor } } }',
    ),
  ],
  'the prototype of all objects': [
    'G17',
    refusedWith(INPUT, 'alice', write, json('{"__proto__":{"polluted":true}}')),
  ],
  'the constructor of all objects': [
    'G17',
    refusedWith(INPUT, 'alice', write, json('{"a":{"constructor":{"prototype":{"polluted":true}}}}')),
  ],
  'U+0000 in a text': ['G17', refusedWith(INPUT, 'alice', write, { input: { content: 'a\u0000b' } })],
  'U+0000 in a key': [
    'G17',
    refusedWith(INPUT, 'alice', write, { input: { content: 'x', metadata: { 'a\u0000': 1 } } }),
  ],
  'U+0000 in a search': [
    'G17',
    refusedWith(INPUT, 'alice', '{ searchMemories(query: "a\\u0000") { edges { cursor } } }'),
  ],
  'a number as an id': [
    'G17',
    refusedWith(INPUT, 'alice', 'query ($id: ID!) { node(id: $id) { id } }', { id: { a: 1 } }),
  ],
  'SQL as an id': [
    'G5',
    refusedWith(INPUT, 'alice', 'query ($id: ID!) { node(id: $id) { id } }', {
      id: Buffer.from(`Agent:${AGENTS.scout.id}' or true`).toString('base64url'),
    }),
  ],
  'SQL in a search': [
    'G18 D26',
    answeredWith(
      { searchMemories: { edges: [] } },
      'bob',
      `{ searchMemories(query: "lisbon' or true; --") { edges { cursor } } }`,
    ),
  ],
};

const body = (query: unknown, rest: object = {}) => JSON.stringify({ query, ...rest });

const posted =
  (sent: BodyInit, status: number, headers: Record<string, string> = {}, path = '/graphql') =>
  async (server: RunningServer) => {
    const answer = await server.post(sent, { headers, path });
    return answer.status === status && codesOf(answer).length === 1 ? REFUSED : brief(answer);
  };

const typed = (sent: BodyInit, type: string) => posted(sent, 415, { 'content-type': type });

const fetched =
  (method: string, status: number, path = '/graphql') =>
  async (server: RunningServer) => {
    const headers = await server.credentials('alice');
    const response = await fetch(`${server.origin}${path}?query=${encodeURIComponent(PING)}`, {
      method,
      headers,
    });
    const text = await response.text();
    return response.status === status && !text.includes('live') ? REFUSED : `${response.status} ${text}`;
  };

const transport: Readonly<Record<string, Case>> = {
  'a batch of operations': ['G1', posted(`[${body(PING)},${body(PING)}]`, 400)],
  'a batch of one': ['G1', posted(`[${body(PING)}]`, 400)],
  'a form, which a foreign page can send': [
    'G13',
    typed(new URLSearchParams({ query: PING }).toString(), 'application/x-www-form-urlencoded'),
  ],
  'plain text, which a foreign page can send': ['G13', typed(body(PING), 'text/plain')],
  'an upload': [
    'G13 G16',
    typed(
      '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{}\r\n--x--',
      'multipart/form-data; boundary=x',
    ),
  ],
  'a bare document': ['G13', typed(PING, 'application/graphql')],
  'a query in the address, by GET': ['G14', fetched('GET', 405)],
  'a query in the address, by PUT': ['G14', fetched('PUT', 405)],
  'a query in the address, by POST': [
    'G14',
    posted('{}', 400, {}, `/graphql?query=${encodeURIComponent(PING)}`),
  ],
  'the question whether a foreign page may ask': ['G13 G22', fetched('OPTIONS', 405)],
  'a body beyond the limit': ['G17', posted(body(`${PING} # ${'x'.repeat(2_000_000)}`), 413)],
  'JSON that nests a hundred thousand deep': ['G17', posted('[['.repeat(50_000), 400)],
  'a persisted operation that was never allowed': [
    'G15',
    posted(
      JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }),
      400,
    ),
  ],
  'a subscription': ['G12', posted(body('subscription { viewer { live } }'), 400)],
  'two operations and no name': [
    'G20',
    posted(body('query A { viewer { live } } query B { viewer { live } }'), 400),
  ],
  'entities of a federation': [
    'G22',
    refusedWith(INPUT, 'alice', '{ _entities(representations: []) { __typename } }'),
  ],
  'the service of a federation': ['G22', refusedWith(INPUT, 'alice', '{ _service { sdl } }')],
  'the schema': ['G6', refusedWith(INPUT, 'alice', '{ __schema { types { name } } }')],
  'a type of the schema': ['G6', refusedWith(INPUT, 'nobody', '{ __type(name: "Agent") { name } }')],
  'the schema in a fragment': [
    'G6',
    refusedWith(
      INPUT,
      'alice',
      '{ ...F viewer { live } } fragment F on Query { __schema { types { name } } }',
    ),
  ],
  'a name of the schema by a near miss': [
    'G6',
    async ({ query }) => {
      const answer = await query('alice', '{ agents(frist: 1) { edges { cursor } } }');
      return codesOf(answer)[0] === INPUT && !/did you mean|"first"/i.test(answer.text)
        ? REFUSED
        : brief(answer);
    },
  ],
  'a query as nobody': ['G5', refusedWith('UNAUTHENTICATED', 'nobody', PING)],
  'a deferred answer': ['G4', refusedWith(INPUT, 'alice', '{ viewer { live ... @defer { requestId } } }')],
};

export const DOCUMENTS: readonly GraphqlAttack[] = [
  ...group(heavy, 'sending', 'a server that is busy with one caller alone'),
  ...group(inputs, 'sending', 'rows in another name, or meaning where there must be none'),
  ...group(transport, 'sending', 'a way in that no check stands at'),
];
