// Every fault worth making in prisma/policies, one at a time, made in the text: each policy missing, each condition of each
// policy and kernel function dropped, negated or opened, each conjunction turned into a disjunction, each limit raised, each
// clock stopped at the beginning of the transaction, each command of a function left out. A new policy or function is mutated without anybody remembering to.
//
// A mutant knows how to come and how to go. Whether somebody notices is not its business.

import { type Node, type Region, regionsOf, type Token, tokenize } from './conditions.ts';

export type Mutant = {
  /** The same as long as the text at fault is: file, object, what was done. */
  readonly name: string;
  /** `memories.select_own` or `holds`. */
  readonly object: string;
  /** The table whose rows alone it concerns; undefined for a function and for what the kernel may read. */
  readonly table: string | undefined;
  readonly apply: string;
  readonly undo: string;
};

type Statement = {
  readonly object: string;
  readonly table: string | undefined;
  readonly text: string;
  readonly boolean: boolean;
};
type Fault = { readonly what: string; readonly text: string };

/** All mutants of the policy files. */
export function mutantsOf(files: readonly { readonly sql: string }[]): Mutant[] {
  return files.flatMap(({ sql }) => statementsOf(sql).flatMap(mutantsOfStatement));
}

/** The names of the policies and functions that the files make. */
export function objectsOf(files: readonly { readonly sql: string }[]): string[] {
  return files.flatMap(({ sql }) => statementsOf(sql).map(({ object }) => object));
}

function statementsOf(sql: string): Statement[] {
  return splitStatements(sql).flatMap((text): Statement[] => {
    const policy = /^create policy (\w+) on public\.(\w+)/i.exec(text);
    if (policy !== null) {
      const [, name, table] = policy;
      const kernel = text.includes(' to bailiwick_kernel');
      return [{ object: `${table}.${name}`, table: kernel ? undefined : table, text, boolean: false }];
    }
    const made = /^create or replace function bailiwick\.(\w+)/i.exec(text);
    return made === null
      ? []
      : [{ object: made[1] ?? '', table: undefined, text, boolean: /\breturns boolean\b/i.test(text) }];
  });
}

function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let from = 0;
  let quoted = false;
  for (const { text, end } of tokenize(sql)) {
    if (text === '$$') {
      quoted = !quoted;
    } else if (text === ';' && !quoted) {
      statements.push(sql.slice(from, end));
      from = end;
    }
  }
  return statements.map(withoutLeadingComments);
}

const withoutLeadingComments = (text: string) => text.replace(/^(\s|--[^\n]*\n)+/, '');

function mutantsOfStatement(statement: Statement): Mutant[] {
  const { object, table, text } = statement;
  const isPolicy = /^create policy/i.test(text);
  const drop = isPolicy ? `drop policy ${object.split('.')[1]} on public.${object.split('.')[0]};\n` : '';
  const missing: Mutant[] = isPolicy
    ? [{ name: `${object}: missing`, object, table, apply: drop, undo: text }]
    : [];
  const faulty = faultsOf(statement).map(
    ({ what, text: faultyText }): Mutant => ({
      name: `${object}: ${what}`,
      object,
      table,
      apply: drop + faultyText,
      undo: drop + text,
    }),
  );
  return [...missing, ...unique(faulty)];
}

/** The same fault at two places of one object gets a number. */
function unique(mutants: readonly Mutant[]): Mutant[] {
  const seen = new Map<string, number>();
  return mutants.map((mutant) => {
    const times = (seen.get(mutant.name) ?? 0) + 1;
    seen.set(mutant.name, times);
    return times === 1 ? mutant : { ...mutant, name: `${mutant.name} (${times})` };
  });
}

function faultsOf({ text, boolean }: Statement): Fault[] {
  const tokens = tokenize(text);
  const replace = (start: number, end: number, by: string) => text.slice(0, start) + by + text.slice(end);
  return [
    ...regionsOf(tokens, boolean).flatMap((region) => faultsOfRegion(text, region, replace)),
    ...limits(tokens).map(({ token, raised }) => ({
      what: `${context(text, token)} raised to ${raised}`,
      text: replace(token.start, token.end, raised),
    })),
    ...tokens.filter(isClock).map((token) => ({
      what: `stops the clock of ${context(text, token)}`,
      text: replace(token.start, token.end, 'transaction_timestamp'),
    })),
    ...commands(tokens).map(({ start, end }) => ({
      what: `leaves out ${shorten(text.slice(start, end))}`,
      text: replace(start, end, 'null;'),
    })),
    ...words(tokens).map(({ word, start, end }) => ({
      what: `does not know ${word}`,
      text: replace(start, end, ''),
    })),
    ...(boolean ? [] : answers(tokens)).map(({ start, end }) => ({
      what: `answers nothing for ${shorten(text.slice(start, end))}`,
      text: replace(start, end, nothingOf(text)),
    })),
  ];
}

/** What a function answers that answers nothing: null, or no row. */
function nothingOf(text: string): string {
  const columns = /\breturns table \((.*?)\)/.exec(text)?.[1];
  return columns === undefined
    ? `null::${/\breturns (\S+)/.exec(text)?.[1]}`
    : `${columns.replaceAll(/\w+ (\w+)/g, 'null::$1')} where false`;
}

type Replace = (start: number, end: number, by: string) => string;

function faultsOfRegion(text: string, { kind, node }: Region, replace: Replace): Fault[] {
  const faults: Fault[] = [];
  const visit = (part: Node, parent: 'and' | 'or' | undefined): void => {
    const said = shorten(text.slice(part.start, part.end));
    if (part.op === 'leaf' && !['true', 'false'].includes(said)) {
      // what changes nothing for the others: true in a conjunction, false in a disjunction; a guard alone never fires
      const neutral = parent === 'and' || (parent === undefined && kind === 'filter') ? '(true)' : '(false)';
      const negated = `(not (${text.slice(part.start, part.end)}))`;
      faults.push({ what: `forgets ${said}`, text: replace(part.start, part.end, neutral) });
      faults.push({ what: `negates ${said}`, text: replace(part.start, part.end, negated) });
      if (parent === 'or' && kind === 'filter') {
        faults.push({ what: `opens at ${said}`, text: replace(part.start, part.end, '(true)') });
      }
    }
    if (part.op === 'and') {
      const alternatives = part.children.map(({ start, end }) => `(${text.slice(start, end)})`).join(' or ');
      faults.push({ what: `takes any of ${said}`, text: replace(part.start, part.end, `(${alternatives})`) });
    }
    for (const child of part.children) {
      visit(child, part.op === 'leaf' ? undefined : part.op);
    }
  };
  visit(node, undefined);
  return faults;
}

/** Numbers and intervals that are limits of something, and the bound they are raised to. */
function limits(tokens: readonly Token[]): { token: Token; raised: string }[] {
  return tokens.flatMap((token, at) => {
    const before = tokens[at - 1]?.text ?? '';
    const interval = /^'(\d+) (\w+)'$/.exec(token.text);
    if (interval !== null && before === 'interval') {
      return [{ token, raised: `'${Number(interval[1]) * 2 + 1} ${interval[2]}'` }];
    }
    const compared =
      ['<', '>', '<=', '>=', 'and', '+', '-'].includes(before) ||
      (before === 'between' && token.text !== '0');
    return /^\d+$/.test(token.text) && compared
      ? [{ token, raised: String(Number(token.text) * 2 + 1) }]
      : [];
  });
}

const isClock = ({ text }: Token) => ['statement_timestamp', 'clock_timestamp'].includes(text);

/** PERFORM, EXECUTE and RAISE: what a function does besides answering. */
function commands(tokens: readonly Token[]): { start: number; end: number }[] {
  return tokens.flatMap((token, at) => {
    if (!['perform', 'execute', 'raise'].includes(token.text)) {
      return [];
    }
    const last = tokens.slice(at).find(({ text }) => text === ';');
    return last === undefined ? [] : [{ start: token.start, end: last.end }];
  });
}

/** The words of a vocabulary, each with its comma. */
function words(tokens: readonly Token[]): { word: string; start: number; end: number }[] {
  const list = tokens.findIndex(
    ({ text }, at) => text === 'array' && /^'\w+:\w+'$/.test(tokens[at + 2]?.text ?? ''),
  );
  return list < 0
    ? []
    : tokens.slice(list).flatMap((token, at, rest) => {
        const next = rest[at + 1];
        const last = next?.text === ']';
        const end = next?.text === ',' ? next.end : token.end;
        const start = last ? (rest[at - 1]?.start ?? token.start) : token.start;
        return /^'\w+:\w+'$/.test(token.text) ? [{ word: token.text, start, end }] : [];
      });
}

/** What a function returns, where that is no condition; of one in SQL, each part of its text. */
function answers(tokens: readonly Token[]): { start: number; end: number }[] {
  return tokens.flatMap((token, at) => {
    const sql = token.text === 'select' && tokens[at - 1]?.text === '$$';
    if (!(sql || token.text === 'return') || tokens[at + 1]?.text === ';') {
      return [];
    }
    const length = tokens.slice(at).findIndex(({ text }) => text === ';' || text === '$$');
    const parts = tokens.slice(at + 1, at + length);
    const joined = outermost(parts, '||');
    const bounds = [-1, ...(sql ? joined : []), parts.length];
    if (parts.length === 1 && parts[0]?.text === 'null') {
      return [];
    }
    return bounds.slice(1).flatMap((end, n) => {
      const from = parts[(bounds[n] ?? -1) + 1];
      const to = parts[end - 1];
      return from === undefined || to === undefined ? [] : [{ start: from.start, end: to.end }];
    });
  });
}

/** Where a word stands that is in no parentheses. */
function outermost(tokens: readonly Token[], word: string): number[] {
  let depth = 0;
  return tokens.flatMap(({ text }, n) => {
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    return depth === 0 && text === word ? [n] : [];
  });
}

const shorten = (text: string) => {
  const line = text
    .replaceAll(/--[^\n]*/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= 90 ? line : `${line.slice(0, 60)} … ${line.slice(-26)}`;
};

const context = (text: string, { start, end }: Token) => shorten(text.slice(Math.max(start - 24, 0), end));
