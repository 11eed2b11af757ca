// ACCESS.txt: what the probe found and what is granted, laid out so that people who do not write code can check it.
//
// Takes the sentence of each block from the policy file of that table, so that the claim and what was observed stand side
// by side. Decides nothing and hides nothing: whatever has no mark of its own is printed as a question mark.

import type { PolicyFile } from '../../src/db/policies.ts';
import type { Sql } from '../kit/as.ts';
import { BLOCKS, type Block, statement, title, VERBS, type Verb } from './attempts.ts';
import { cell, type Findings } from './probe.ts';
import { isSomebody, RELATIONS, type Relation, VOICES, type Voice } from './voices.ts';

/** What the runtime role was granted, as the catalog has it. */
export type Grants = {
  readonly columns: readonly {
    table: string;
    column: string;
    select: boolean;
    insert: boolean;
    update: boolean;
  }[];
  readonly functions: readonly { signature: string; callable: boolean }[];
};

const WIDTH = 110;
const LABEL = 36;
const GROUP = 11;

/** Reads the grants on our tables and on the kernel's functions. */
export async function readGrants(sql: Sql): Promise<Grants> {
  const columns = await sql.rows<Grants['columns'][number]>(
    `select c.relname as "table", a.attname as "column",
            has_column_privilege('bailiwick_runtime', c.oid, a.attnum, 'select') as "select",
            has_column_privilege('bailiwick_runtime', c.oid, a.attnum, 'insert') as "insert",
            has_column_privilege('bailiwick_runtime', c.oid, a.attnum, 'update') as "update"
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      order by c.relname, a.attnum`,
  );
  const functions = await sql.rows<Grants['functions'][number]>(
    `select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as signature,
            has_function_privilege('bailiwick_runtime', p.oid, 'execute') as callable
       from pg_proc p where p.pronamespace = 'bailiwick'::regnamespace order by 1`,
  );
  return { columns, functions };
}

/** The text of ACCESS.txt. */
export function printAccess(findings: Findings, grants: Grants, policies: readonly PolicyFile[]): string {
  const blocks = BLOCKS.map((block) => printBlock(block, findings, grants, policies));
  return `${[legend(), ...blocks, functions(grants)].join('\n\n')}\n`;
}

function legend(): string {
  return [
    'Who may do what with whose rows, as a real database did it. Printed by test/policies/access.test.ts: npm run access',
    '',
    'A line is somebody who asks. A group of four marks is a row they ask for, and what they try with it.',
    '  S see   I insert one like it   U update   D delete',
    '  + yes   . hidden: there is no such row for them   x denied   ! no context, hence nothing   - no such case',
    '',
    ...Object.values(RELATIONS).map(([column, meaning]) => `  ${column.padEnd(11)}${meaning}`),
    '',
    'alice and bob are users of the tenant acme, ada is its administrator, mallory is a user of globex. scout is an agent of',
    "alice's and scribe its sub-agent, late and rogue are agents of hers too; bobot is bob's, mimic mallory's. An agent comes",
    'through a delegation, and then its rights are the intersection of all that stand above it; or as itself. What each',
    'delegation of the cast allows stands in src/demo/delegations.ts. Every token here carries every scope there is. When the',
    'server looks up with which key a token is signed, it does so as itself and for nobody.',
  ].join('\n');
}

function printBlock(
  block: Block,
  findings: Findings,
  grants: Grants,
  policies: readonly PolicyFile[],
): string {
  const names = block.relations.map((relation) => RELATIONS[relation][0].padEnd(GROUP));
  const verbs = block.relations.map(() => VERBS.join(' ').padEnd(GROUP));
  const heading = title(block);
  return [
    heading,
    ...wrap(sentence(block.table, policies)),
    `  ${''.padEnd(LABEL)}${names.join('')}`.trimEnd(),
    `  ${''.padEnd(LABEL)}${verbs.join('')}`.trimEnd(),
    ...VOICES.filter(({ label }) => label !== undefined).map((voice) => {
      const groups = block.relations.map((relation) =>
        VERBS.map((verb) => mark(block, voice, relation, verb, findings))
          .join(' ')
          .padEnd(GROUP),
      );
      return `  ${(voice.label ?? '').padEnd(LABEL)}${groups.join('')}`.trimEnd();
    }),
    ...columns(block.table, grants),
  ].join('\n');
}

function mark(block: Block, voice: Voice, relation: Relation, verb: Verb, findings: Findings): string {
  if (statement(block, voice, relation, verb) === undefined) {
    return '-';
  }
  const found = findings.get(cell(title(block), voice.name, relation, verb)) ?? '';
  const plain = { '1': '+', '0': '.', '42501': 'x', '28000': '!' }[found] ?? '?';
  return !isSomebody(voice) && (plain === '.' || plain === 'x') ? '!' : plain;
}

/** The first two sentences of the comment at the head of the table's policy file. */
function sentence(table: string, policies: readonly PolicyFile[]): string {
  const file = policies.find(({ sql }) => sql.startsWith(`-- ${table}\n`));
  const lines = (file?.sql ?? '').split('\n').slice(1);
  const comment = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('-- ')),
  );
  const text = comment.map((line) => line.slice(3)).join(' ');
  return /^.*?\. .*?\.(?= |$)/.exec(text)?.[0] ?? `No policy file begins with "-- ${table}".`;
}

function columns(table: string, grants: Grants): string[] {
  const ours = grants.columns.filter((column) => column.table === table);
  const list = (verb: 'select' | 'insert' | 'update') => {
    const names = ours.filter((column) => column[verb]).map(({ column }) => column);
    return names.length === 0 ? 'none' : names.length === ours.length ? 'all' : names.join(', ');
  };
  return [
    ...wrap(`columns to see: ${list('select')}`),
    ...wrap(`columns to insert: ${list('insert')}`),
    ...wrap(`columns to update: ${list('update')}`),
  ];
}

function functions({ functions: all }: Grants): string {
  const named = (callable: boolean) =>
    all.filter((one) => one.callable === callable).map(({ signature }) => signature);
  return [
    'functions of the kernel',
    '  Whoever asks may call these; each takes its authority from the context, never from an argument:',
    ...named(true).map((signature) => `    ${signature}`),
    '  Nobody who asks may call these:',
    ...named(false).map((signature) => `    ${signature}`),
  ].join('\n');
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
