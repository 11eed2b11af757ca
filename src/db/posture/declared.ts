// What the policy files declare, read from their text: policies, grants, functions, and what the runtime may call.
//
// The database is compared with this, so that a policy, a grant or a function body that no file declares is seen. It is no
// SQL parser: it knows the plain forms in which the files are written, and refuses to read past a policy, a grant or a
// function in any other form. The conditions of policies are not read: PostgreSQL keeps them in words of its own, and
// that they are unchanged since they were applied is checked by other means (policies.ts).

import { type PolicyFile, readPolicies } from '../policies.ts';

export type Declared = {
  readonly policies: readonly DeclaredPolicy[];
  readonly grants: readonly DeclaredGrant[];
  readonly functions: readonly DeclaredFunction[];
  /** Signatures of the functions that bailiwick_runtime may execute. */
  readonly executable: readonly string[];
};

/** `command` as in pg_policy.polcmd: r, a, w, d or * for all. */
export type DeclaredPolicy = {
  readonly table: string;
  readonly name: string;
  readonly command: string;
  readonly permissive: boolean;
};
/** `privilege` in capitals, as aclexplode says it; `column` null for the whole table. */
export type DeclaredGrant = {
  readonly role: string;
  readonly table: string;
  readonly privilege: string;
  readonly column: string | null;
};
/** `volatility` and `parallel` as in pg_proc; `owner` is null where the migrator owns it. */
export type DeclaredFunction = {
  readonly signature: string;
  readonly body: string;
  readonly volatility: string;
  readonly parallel: string;
  readonly definer: boolean;
  readonly owner: string | null;
};

const COMMANDS: Readonly<Record<string, string>> = {
  all: '*',
  select: 'r',
  insert: 'a',
  update: 'w',
  delete: 'd',
};

type Draft = {
  readonly policies: DeclaredPolicy[];
  readonly grants: DeclaredGrant[];
  readonly functions: Map<string, DeclaredFunction>;
  readonly executable: string[];
  /** As which role the file's statements run at this point; null: the migrator. */
  role: string | null;
};
type Reader = (draft: Draft, match: readonly string[], body: string) => void;

/** The forms that are read, and what is taken from them. */
const FORMS: readonly (readonly [form: RegExp, read: Reader])[] = [
  [
    /^create policy (\w+) on ([\w.]+)(?: as (permissive|restrictive))?(?: for (\w+))? /,
    ({ policies }, [, name = '', table = '', kind, command = 'all']) => {
      policies.push({
        table,
        name,
        command: COMMANDS[command] ?? command,
        permissive: kind !== 'restrictive',
      });
    },
  ],
  [
    /^grant execute on function (.+) to bailiwick_runtime$/,
    ({ executable }, [, functions = '']) => {
      executable.push(...list(functions).map((item) => item.replaceAll(' ', '')));
    },
  ],
  [/^grant [\w, ]+ on schema /, () => undefined],
  [
    /^grant (.+?) on (?:table )?([\w.]+(?:, [\w.]+)*) to (\w+)$/,
    ({ grants }, match) => void grants.push(...grantsOf(match)),
  ],
  [
    /^create (?:or replace )?function ([\w.]+)\((.*?)\) returns (.*) as \$body\$$/,
    ({ functions, role }, match, body) => {
      const declared = functionOf(match, body, role);
      functions.set(declared.signature, declared);
    },
  ],
  [
    /^alter function ([\w.]+)\((.*?)\) owner to (\w+)$/,
    ({ functions }, [, name = '', types = '', owner = '']) => {
      const signature = `${name}(${list(types).join(',')})`;
      const declared = functions.get(signature);
      if (declared !== undefined) {
        functions.set(signature, { ...declared, owner });
      }
    },
  ],
  [
    /^(?:set local role (\w+)|reset role)$/,
    (draft, [, role = null]) => {
      draft.role = role;
    },
  ],
];
/** What must not be passed over. */
const MATTERS = /^(create policy|create (or replace )?function|grant|set (local )?role) /;

/**
 * Reads the policy files.
 *
 * @throws {TypeError} naming the file and the statement that is in no known form.
 */
export function readDeclared(files: readonly PolicyFile[] = readPolicies()): Declared {
  const draft: Draft = { policies: [], grants: [], functions: new Map(), executable: [], role: null };
  for (const file of files) {
    for (const { text, body } of statements(file.sql)) {
      const form = FORMS.find(([pattern]) => pattern.test(text));
      if (form !== undefined) {
        form[1](draft, text.match(form[0]) ?? [], body);
      } else if (MATTERS.test(text)) {
        throw new TypeError(`${file.name}.sql has a statement in no form known here: ${text.slice(0, 120)}`);
      }
    }
  }
  const { policies, grants, functions, executable } = draft;
  return { policies, grants, functions: [...functions.values()], executable };
}

function grantsOf([, privileges = '', tables = '', role = '']: readonly string[]): DeclaredGrant[] {
  return list(tables).flatMap((table) =>
    list(privileges).flatMap((item): DeclaredGrant[] => {
      const [, privilege = '', columns] = item.match(/^(\w+)(?: ?\((.*)\))?$/) ?? [];
      const of = { role, table, privilege: privilege.toUpperCase() };
      return columns === undefined
        ? [{ ...of, column: null }]
        : list(columns).map((column) => ({ ...of, column }));
    }),
  );
}

function functionOf(
  [, name = '', args = '', attributes = '']: readonly string[],
  body: string,
  owner: string | null,
): DeclaredFunction {
  const types = list(args).map((arg) => arg.replace(/^\w+ /, '').replace(/ default .*$/, ''));
  return {
    signature: `${name}(${types.join(',')})`,
    body,
    volatility: / immutable\b/.test(attributes) ? 'i' : / stable\b/.test(attributes) ? 's' : 'v',
    parallel: / parallel safe\b/.test(attributes)
      ? 's'
      : / parallel restricted\b/.test(attributes)
        ? 'r'
        : 'u',
    definer: / security definer\b/.test(attributes),
    owner,
  };
}

/** Splits at commas outside parentheses. */
function list(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

// A comment, a quoted text, a dollar-quoted text, a semicolon, or a stretch of anything else.
const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"[^"]*"|(\$\w*\$)([\s\S]*?)\1|;|[^-/'"$;]+|[-/$]/g;

type Statement = {
  /** On one line, without comments, in lower case outside quotes; a dollar-quoted text stands as `$body$`. */
  readonly text: string;
  /** The statement's last dollar-quoted text, exactly; empty if there is none. */
  readonly body: string;
};

function* statements(sql: string): Generator<Statement> {
  let text = '';
  let body = '';
  for (const [token, tag, quoted] of sql.matchAll(TOKEN)) {
    if (token === ';') {
      yield { text: text.replace(/\s+/g, ' ').trim(), body };
      text = '';
      body = '';
    } else if (tag !== undefined) {
      text += '$body$';
      body = quoted ?? '';
    } else if (/^['"]/.test(token)) {
      text += token;
    } else if (!/^(--|\/\*)/.test(token)) {
      text += token.toLowerCase();
    }
  }
}
