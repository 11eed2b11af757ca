// What is encrypted, answered by one statement where its keys are remembered: the same as resolvers answer, and an envelope to nobody.

import { expect } from 'vitest';
import * as documents from '../../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../../src/api/global-id.ts';
import { type ActorName, WORLDS } from '../../../src/demo/cast.ts';
import { type Answer, dataOf } from '../../kit/answer.ts';
import { test } from '../../kit/server.ts';

const FIELDS = 'id sensitive content metadata kind';
const PAGE = `{ memories(first: 4) { edges { node { ${FIELDS} } } } }`;
const BELOW = `{ worlds(first: 3) { edges { node { name memories(first: 4) { edges { node { ${FIELDS} } } } } } } }`;
const ONE = 'query One($id: ID!) { node(id: $id) { ... on Memory { content metadata } } }';

/** The same document in a form that resolvers answer. */
const resolved = (document: string) =>
  document.replace(/((node|worlds|memories|sharedMemories)\([^)]*\)) \{/, '$1 @include(if: true) {');

const isDirect = (statement: string) => statement.startsWith('select p.');
/** Without what differs from request to request, and from form to form. */
const without = ({ text }: Answer<unknown>) =>
  text.replaceAll(/"requestId":"[^"]+"/g, '').replaceAll(/"locations":\[[^\]]*\],/g, '');

const SECRET = 'The combination of the safe is 17-4-38';

type Ask = (
  actor: ActorName,
  document: string,
  variables?: Record<string, unknown>,
) => Promise<Answer<unknown>>;

/** Writes a sensitive memory of alice's. */
async function write(ask: unknown, input: Record<string, unknown> = {}): Promise<string> {
  const create = ask as (
    actor: ActorName,
    document: typeof documents.CreateMemoryDocument,
    variables: documents.CreateMemoryMutationVariables,
  ) => Promise<Answer<documents.CreateMemoryMutation>>;
  const memory = { content: SECRET, sensitive: true, metadata: { at: 'home' }, ...input };
  const { createMemory: made } = dataOf(
    await create('alice', documents.CreateMemoryDocument, { input: memory }),
  );
  return (made as { id: string }).id;
}

/** Asks both ways; what they say, and whether the first was one statement. */
async function both(
  server: { cost(answer: Answer<unknown>): { readonly statements: readonly string[] } },
  ask: Ask,
  document: string,
  variables?: Record<string, unknown>,
  actor: ActorName = 'alice',
) {
  const slow = await ask(actor, resolved(document), variables);
  const answer = await ask(actor, document, variables);
  expect(server.cost(slow).statements.some(isDirect)).toBe(false);
  expect(without(answer)).toBe(without(slow));
  return { text: answer.text, direct: server.cost(answer).statements.every(isDirect) };
}

test('pages and rows with what is encrypted are one statement once the keys are remembered', async ({
  server,
  query,
}) => {
  const id = await write(query, { worldId: toGlobalId('World', WORLDS.garden.id) });
  await write(query, { metadata: null });
  for (const [document, variables] of [[PAGE], [BELOW], [ONE, { id }]] as const) {
    const { text, direct } = await both(server, query, document, variables);
    expect(text).toContain(SECRET);
    expect(direct).toBe(true);
  }
});

test('an agent that may read memories opens them as its owner does, and one that may not sees none', async ({
  server,
  query,
}) => {
  const id = await write(query);
  for (const [delegation, seen] of [
    ['scout', true],
    ['late', false],
  ] as const) {
    const actor = delegation === 'late' ? 'late' : 'scout';
    const ask: Ask = (_, document, variables) => query(actor, document, variables, { delegation });
    const { text } = await both(server, ask, ONE, { id });
    expect(text.includes(SECRET)).toBe(seen);
    expect(text).not.toContain('bwe1');
  }
});

test('a value that does not open where it stands is left to resolvers, who say so', async ({
  server,
  query,
}) => {
  const [id, other] = [await write(query), await write(query)];
  const raw = (of: string) => Buffer.from(of, 'base64').toString().split(':')[1] as string;
  const envelopes = await server.migrate((sql) =>
    sql.rows<{ content: string }>('select content from memories where id = $1', [raw(other)]),
  );
  // one that nobody has asked for in vain yet, which makes it be tried less often
  const again = ONE.replace('One', 'Again');
  const before = await both(server, query, again, { id });
  expect([before.direct, before.text.includes(SECRET)]).toEqual([true, true]);
  await server.migrate((sql) =>
    sql.touched('update memories set content = $2 where id = $1', [raw(id), envelopes[0]?.content]),
  );
  const moved = await both(server, query, again, { id });
  expect(moved.text).toContain('does not open');
  expect(moved.text).not.toContain('bwe1');
  expect(moved.direct).toBe(false);
});
