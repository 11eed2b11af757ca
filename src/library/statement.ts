// What a statement does to the transaction or the connection it runs on, by its first words; everything else is PostgreSQL's to judge.
//
// A session is one transaction on a borrowed connection. What would end the one, or stay on the other for its next user, is told apart
// here. It is a courtesy with clear words: whatever slips through is found by its traces, and the connection is destroyed.

export type Meaning =
  | { readonly is: 'other' | 'commit' | 'rollback' | 'rollback to' }
  | { readonly is: 'begin'; readonly readOnly: boolean | undefined }
  | { readonly is: 'refused'; readonly why: string };

const STAYS: Readonly<Record<string, string>> = {
  listen: 'LISTEN needs a connection of its own, outside of sessions',
  prepare:
    'PREPARE stays on the connection: give the statement a name in the driver ({ name, text, values })',
  deallocate: 'the connection’s prepared statements are not the session’s',
  discard: 'the connection’s state is not the session’s',
};
const OTHER: Meaning = { is: 'other' };
// longer than any beginning that means something here
const MOST = 12;

export function meaningOf(text: string): Meaning {
  const [first = '', ...rest] = words(text, MOST);
  switch (first) {
    case 'begin':
      return beginning(without(rest, 'work', 'transaction'));
    case 'start':
      return rest[0] === 'transaction' ? beginning(rest.slice(1)) : OTHER;
    case 'commit':
    case 'end':
      return ending('commit', without(rest, 'work', 'transaction'));
    case 'rollback':
    case 'abort':
      return ending('rollback', without(rest, 'work', 'transaction'));
    case 'set':
      return lasting(rest);
    default:
      return Object.hasOwn(STAYS, first) ? refused(STAYS[first] ?? first) : OTHER;
  }
}

/** The modes of BEGIN that are those of a session already, or mean nothing in it. */
function beginning(modes: readonly string[]): Meaning {
  let rest = modes.join(' ');
  let readOnly: boolean | undefined;
  while (rest !== '') {
    const mode =
      /^(isolation level read (?:un)?committed|read only|read write|(?:not )?deferrable)(?: |$)/.exec(rest);
    if (mode === null) {
      return refused(
        `a session is READ COMMITTED, so that a revocation holds from the next statement on, and cannot be ${rest.toUpperCase()}`,
      );
    }
    if (mode[1]?.startsWith('read ')) {
      readOnly = mode[1] === 'read only';
    }
    rest = rest.slice(mode[0].length);
  }
  return { is: 'begin', readOnly };
}

function ending(is: 'commit' | 'rollback', rest: readonly string[]): Meaning {
  switch (rest.join(' ')) {
    case '':
    case 'and no chain':
      return { is };
    case 'and chain':
      return refused('AND CHAIN would begin a transaction that is nobody’s');
    default:
      return is === 'rollback' && rest[0] === 'to'
        ? { is: 'rollback to' }
        : rest[0] === 'prepared'
          ? refused('two-phase commit does not go with a session')
          : OTHER;
  }
}

/** SET without LOCAL is undone at the end of a session, except for who one is. */
function lasting(rest: readonly string[]): Meaning {
  const what = without(rest, 'session').join(' ');
  return /^role\b|^authorization\b/.test(what) || /^session authorization\b/.test(rest.join(' '))
    ? refused('the role would stay on the connection: use SET LOCAL')
    : OTHER;
}

function refused(why: string): Meaning {
  return { is: 'refused', why };
}

function without(list: readonly string[], ...optional: readonly string[]): readonly string[] {
  return optional.includes(list[0] ?? '') ? list.slice(1) : list;
}

/** The first words in lower case, past white space, comments (which nest), commas and empty statements. */
function words(text: string, most: number): string[] {
  const found: string[] = [];
  let at = 0;
  while (found.length < most) {
    at = skipped(text, at);
    const word = /[a-z_]+/iy;
    word.lastIndex = at;
    const [match] = word.exec(text) ?? [];
    if (match === undefined) {
      break;
    }
    found.push(match.toLowerCase());
    if (found.length === 1 && /^(select|with|insert|update|delete)$/.test(found[0] ?? '')) {
      break;
    }
    at += match.length;
  }
  return found;
}

function skipped(text: string, from: number): number {
  let at = from;
  for (;;) {
    if (/[\s,;]/.test(text[at] ?? '')) {
      at += 1;
    } else if (text.startsWith('--', at)) {
      const end = text.slice(at).search(/[\r\n]/);
      at = end < 0 ? text.length : at + end;
    } else if (text.startsWith('/*', at)) {
      at = afterComment(text, at);
    } else {
      return at;
    }
  }
}

function afterComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith('/*', at)) {
      depth += 1;
      at += 1;
    } else if (text.startsWith('*/', at)) {
      depth -= 1;
      at += 1;
      if (depth === 0) {
        return at + 1;
      }
    }
  }
  return text.length;
}
