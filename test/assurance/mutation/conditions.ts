// Finds the conditions in SQL and PL/pgSQL text, and what joins them: enough of a parser to break each one separately.
//
// A region is a place where PostgreSQL expects a condition (if, elsif, case when, where, join on, using, with check, the
// result of a function that returns boolean). A condition falls apart into conjunctions and disjunctions, down to leaves.
// Subqueries stay whole in a leaf; their own WHERE is a region again. Written for the style of prisma/policies, not for all SQL.

export type Token = { readonly text: string; readonly start: number; readonly end: number };

export type Region = { readonly kind: 'guard' | 'filter'; readonly node: Node };

/** Part of a condition, by its place in the text. */
export type Node = {
  readonly op: 'and' | 'or' | 'leaf';
  readonly start: number;
  readonly end: number;
  readonly children: readonly Node[];
};

const TOKEN = /--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\$\$|[a-z_][\w.]*|\d+|<>|<=|>=|->>|->|\|\||::|\s+|./giy;

/** The tokens of a text without blanks and comments; words in lower case. */
export function tokenize(text: string, from = 0, to = text.length): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = from;
  for (let match = TOKEN.exec(text); match !== null && match.index < to; match = TOKEN.exec(text)) {
    const [found] = match;
    if (!/^(\s|--)/.test(found)) {
      tokens.push({ text: found.toLowerCase(), start: match.index, end: match.index + found.length });
    }
  }
  return tokens;
}

/** After a word that opens a region: the words that end it at the same depth. */
const REGIONS: Readonly<Record<string, { kind: Region['kind']; until: readonly string[] }>> = {
  if: { kind: 'guard', until: ['then'] },
  elsif: { kind: 'guard', until: ['then'] },
  when: { kind: 'guard', until: ['then'] },
  where: {
    kind: 'filter',
    until: ['returning', 'order', 'group', 'union', 'limit', 'for', 'then', 'on'],
  },
  on: { kind: 'filter', until: ['join', 'left', 'where', 'order', 'group'] },
  using: { kind: 'filter', until: ['with'] },
  check: { kind: 'filter', until: [] },
};

/** Every region of a statement. `boolean`: whether its `return` gives a condition too. */
export function regionsOf(tokens: readonly Token[], boolean: boolean): Region[] {
  return tokens.flatMap((token, at) => {
    const before = tokens[at - 1]?.text;
    const after = tokens[at + 1]?.text;
    const answers = boolean && (token.text === 'return' || (token.text === 'select' && before === '$$'));
    const opens = answers ? { kind: 'filter' as const, until: [] } : REGIONS[token.text];
    const isNone =
      (token.text === 'if' && before === 'end') ||
      // `create policy … on`, `comment on`, `on conflict`
      (token.text === 'on' && !joins(tokens, at)) ||
      (['using', 'check'].includes(token.text) && after !== '(') ||
      (token.text === 'when' && before === 'exception');
    if (opens === undefined || isNone) {
      return [];
    }
    const end = regionEnd(tokens, at + 1, opens.until);
    return end > at + 1 ? [{ kind: opens.kind, node: parse(tokens.slice(at + 1, end)) }] : [];
  });
}

/** Whether an `on` belongs to a join: a table and perhaps an alias stand between the two. */
function joins(tokens: readonly Token[], at: number): boolean {
  return tokens.slice(Math.max(at - 3, 0), at).some(({ text }) => text === 'join');
}

const step = (text: string) =>
  text === '(' || text === '[' || text === 'case'
    ? 1
    : text === ')' || text === ']' || text === 'end'
      ? -1
      : 0;

function regionEnd(tokens: readonly Token[], from: number, until: readonly string[]): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at += 1) {
    const { text } = tokens[at] as Token;
    if (depth === 0 && (text === ';' || text === '$$' || until.includes(text))) {
      return at;
    }
    depth += step(text);
    if (depth < 0) {
      return at;
    }
  }
  return tokens.length;
}

/** A condition as a tree. */
export function parse(tokens: readonly Token[]): Node {
  const bare = unparenthesized(tokens);
  const inner = insideNot(bare);
  for (const op of ['or', 'and'] as const) {
    const parts = split(inner, op);
    if (parts.length > 1) {
      return { op, ...extent(inner), children: parts.map(parse) };
    }
  }
  const deeper = inner === bare ? undefined : parse(inner);
  return deeper === undefined || deeper.op === 'leaf'
    ? { op: 'leaf', ...extent(bare), children: [] }
    : deeper;
}

function extent(tokens: readonly Token[]): { start: number; end: number } {
  return { start: tokens[0]?.start ?? 0, end: tokens.at(-1)?.end ?? 0 };
}

function unparenthesized(tokens: readonly Token[]): readonly Token[] {
  const wrapped = tokens[0]?.text === '(' && closing(tokens, 0) === tokens.length - 1;
  return wrapped ? unparenthesized(tokens.slice(1, -1)) : tokens;
}

/** What stands in `not (…)`, in `coalesce(…, false)` or in both; else the tokens themselves. */
function insideNot(tokens: readonly Token[]): readonly Token[] {
  const [first, second] = tokens;
  const to = (at: number) => closing(tokens, at) === tokens.length - 1;
  if (first?.text === 'coalesce' && second?.text === '(' && to(1)) {
    return tokens.at(-2)?.text === 'false' && tokens.at(-3)?.text === ',' ? tokens.slice(2, -3) : tokens;
  }
  if (first?.text === 'not' && second?.text === '(' && to(1)) {
    return tokens.slice(2, -1);
  }
  const coalesced = first?.text === 'not' && second?.text === 'coalesce' && to(2);
  return coalesced ? insideNot(tokens.slice(1)) : tokens;
}

function closing(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at += 1) {
    depth += step((tokens[at] as Token).text);
    if (depth === 0) {
      return at;
    }
  }
  return -1;
}

/** The parts between `and` or `or` at the outermost depth; the `and` of a BETWEEN joins nothing. */
function split(tokens: readonly Token[], op: 'and' | 'or'): (readonly Token[])[] {
  const parts: (readonly Token[])[] = [];
  let depth = 0;
  let from = 0;
  let between = false;
  tokens.forEach(({ text }, at) => {
    depth += step(text);
    if (depth === 0 && text === 'between') {
      between = true;
    } else if (depth === 0 && text === 'and' && between) {
      between = false;
    } else if (depth === 0 && text === op) {
      parts.push(tokens.slice(from, at));
      from = at + 1;
    }
  });
  return [...parts, tokens.slice(from)];
}
