// What encryption adds to a page that a client waits for: twenty memories with 2 KiB of content, plain and sensitive in turns,
// through the whole server over HTTP. Run as `node bench/encryption/page.ts`.
//
// Once with the content alone, which is one envelope to a memory, and once with every field, the metadata among them: two.
//
// The server is as `main` starts it, with an embedded PostgreSQL of its own in a temporary folder; alice asks for one page after the
// other, so nothing waits for anything but the answer. Which of the two comes first changes from pair to pair. That every answer
// holds what was written is checked.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { developmentIssuer } from '../../src/development.ts';
import { main } from '../../src/main.ts';
import { median, text } from './figures.ts';

const PAGE = 20;
const BYTES = 2048;
const WARM = 200;
const PAIRS = 1000;
const GOAL = 15;

const KINDS = ['plain', 'sensitive'] as const;
type Kind = (typeof KINDS)[number];
type Memory = { readonly content: string; readonly metadata: { readonly n: number } };

const CREATE = `mutation Create($input: CreateMemoriesInput!) { createMemories(input: $input) { __typename } }`;
const FIELDS = {
  'content alone': 'id content',
  'every field': 'id kind sensitive content tags metadata createdAt updatedAt',
} as const;
type Fields = keyof typeof FIELDS;
const READ = (fields: Fields) => `query Page($kind: String!) {
  memories(first: ${PAGE}, filter: { kind: $kind }) { edges { node { ${FIELDS[fields]} } } }
}`;

const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
// for root the database runs as another user, who must be able to pass through
await chmod(folder, 0o711);
const dataDir = join(folder, 'data');
const server = await main(
  readConfig({ DATA_DIR: dataDir, PORT: '0', MODE: 'development', LOG_LEVEL: 'silent' }),
);

const issuer = developmentIssuer({ dataDir, development: true });
const token = await issuer.mint({ subject: 'alice', tenant: 'acme', scopes: SCOPES });
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

async function ask(query: string, variables: object): Promise<{ data: Record<string, unknown> }> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
  });
  const answer = (await response.json()) as { data: Record<string, unknown>; errors?: unknown };
  if (answer.errors !== undefined) {
    throw new Error(JSON.stringify(answer.errors));
  }
  return answer;
}

const written = new Map<Kind, readonly Memory[]>();
for (const kind of KINDS) {
  const memories = Array.from({ length: PAGE }, (_, n) => ({ content: text(BYTES), metadata: { n } }));
  written.set(kind, memories);
  const sensitive = kind === 'sensitive';
  await ask(CREATE, { input: { memories: memories.map((memory) => ({ ...memory, kind, sensitive })) } });
}

type Page = { readonly edges: readonly { readonly node: Memory }[] };

/** Milliseconds until a page is there. Newest come first. */
async function read(kind: Kind, fields: Fields): Promise<number> {
  const query = READ(fields);
  const begin = performance.now();
  const { data } = await ask(query, { kind });
  const took = performance.now() - begin;
  const { edges } = data.memories as Page;
  const right = written.get(kind)?.toReversed();
  if (edges.length !== PAGE || edges.some(({ node }, n) => node.content !== right?.[n]?.content)) {
    throw new Error(`${kind}: not what was written`);
  }
  return took;
}

const names = Object.keys(FIELDS) as Fields[];
const times = new Map(names.map((fields) => [fields, { plain: [] as number[], sensitive: [] as number[] }]));
try {
  for (let pair = -WARM; pair < PAIRS; pair += 1) {
    for (const [fields, taken] of times) {
      for (const kind of pair % 2 === 0 ? KINDS : KINDS.toReversed()) {
        const took = await read(kind, fields);
        if (pair >= 0) {
          taken[kind].push(took);
        }
      }
    }
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

const row = (...cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const lines = [...times].map(([fields, taken]) => {
  const [plain, sensitive] = [median(taken.plain), median(taken.sensitive)];
  const differences = taken.sensitive.map((ms, n) => ms - (taken.plain[n] ?? Number.NaN));
  return row(
    fields,
    `${plain.toFixed(2)} ms`,
    `${sensitive.toFixed(2)} ms`,
    (sensitive / plain).toFixed(3),
    `${(100 * (sensitive / plain - 1)).toFixed(1)} %`,
    `${median(differences).toFixed(2)} ms`,
  );
});
process.stdout.write(
  [
    `${PAIRS} pairs of pages of ${PAGE} memories with ${BYTES} bytes, Node ${process.version}, ${availableParallelism()} cores`,
    '',
    row('medians', 'plain', 'sensitive', 'ratio', `added (goal: below ${GOAL} %)`, 'of a pair'),
    row('---', '---', '---', '---', '---', '---'),
    ...lines,
    '',
  ].join('\n'),
);
