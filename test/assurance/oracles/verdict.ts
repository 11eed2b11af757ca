// What the answers tell. Each constraint, table, column and function is in one of three classes; whatever answers at all
// stands in one of the two lists below with its reason, and what stands there must still answer.
//
// A list is no excuse: the first needs an id that nobody can guess and that the API never takes from a client as the id of
// something new (api.long.test.ts); the second is what is wrong, or open, and known.

import type { Catalog } from './catalog.ts';
import { type Stage, type Tried, telling } from './experiment.ts';
import type { Hidden } from './hidden.ts';
import { checkName, requiredName } from './values.ts';

type Class = 'no answer' | 'answers to who knows the id' | 'oracle';

const MADE_HERE =
  'a row with a chosen id collides with one that has it; ids have 74 random bits, and the API makes them itself';

/** Answers only to somebody who already knows a random id, and only to SQL: the API has no such statement. */
export const KNOWING: Readonly<Record<string, string>> = {
  activity_entries_pkey: MADE_HERE,
  agents_pkey: MADE_HERE,
  approvals_pkey: MADE_HERE,
  baselines_pkey: MADE_HERE,
  credentials_pkey: `${MADE_HERE}; through bailiwick.issue_key and start_session, in the tenant of whoever may make keys or start sessions`,
  audit_entries_pkey: `${MADE_HERE}; through bailiwick.audit, whose entries have ids of their own`,
  delegations_pkey: MADE_HERE,
  entities_pkey: MADE_HERE,
  entities_tenant_id_id_owner_id_key: MADE_HERE,
  'bailiwick.add_data_key': `${MADE_HERE}; it answers that nothing was kept, as where there is a key already`,
  memories_pkey: MADE_HERE,
  permissions_pkey: MADE_HERE,
  service_credentials_pkey: MADE_HERE,
  service_credentials_tenant_id_id_owner_id_key: MADE_HERE,
  service_secrets_pkey: MADE_HERE,
  service_secrets_tenant_id_id_owner_id_key: MADE_HERE,
  world_members_pkey: MADE_HERE,
  worlds_pkey: MADE_HERE,
  agents_tenant_id_id_owner_id_fkey:
    'an agent that may make agents can hang one on another entity of its owner; the API makes the entity itself',
  worlds_tenant_id_id_owner_id_fkey:
    'an agent that may make worlds can hang one on another entity of its owner; the API makes the entity itself',
  memories_tenant_id_agent_id_owner_id_fkey:
    'an agent that may write memories and not read agents can name another agent of its owner; the API looks first',
  service_credentials_tenant_id_agent_id_owner_id_fkey:
    'a token that may keep credentials and not read agents can name another agent of its owner; the API looks first',
};

/** Answers to whoever asks. */
export const ORACLES: Readonly<Record<string, string>> = {
  world_members_tenant_id_entity_id_fkey:
    'whoever adds somebody to a world by id learns whether that id is a user of the tenant: docs/isolation.md',
  'locks on worlds':
    'SELECT FOR UPDATE of an own world waits while somebody is writing something into it that is out of sight',
  'bailiwick.worlds':
    "names the ids of all the owner's worlds to an agent that may do something else, but not read worlds",
};

type Kind = 'unique' | 'exclusion' | 'foreign key' | 'check' | 'not null' | 'other';

/** What was found out about one constraint, function, table or column. */
export type Finding = {
  readonly name: string;
  readonly kind: Kind;
  readonly attempts: number;
  /** Whether any attempt got as far as being refused by it. */
  readonly reached: boolean;
  readonly telling: readonly Tried[];
};

/** Every constraint there is with what was tried on it, and whatever else was tried. */
export function findings({ keys, foreignKeys, checks, tables }: Catalog, tried: readonly Tried[]): Finding[] {
  const constraints: { name: string; kind: Kind; table: string }[] = [
    ...keys.map(({ exclusion, ...key }) => ({ ...key, kind: exclusion ? 'exclusion' : 'unique' }) as const),
    ...foreignKeys.map((key) => ({ ...key, kind: 'foreign key' }) as const),
    ...checks.map((check) => ({ ...check, name: checkName(check), kind: 'check' }) as const),
    ...tables.flatMap((table) =>
      table.columns
        .filter(({ required }) => required)
        .map(
          ({ name }) => ({ name: requiredName(table, name), kind: 'not null', table: table.name }) as const,
        ),
    ),
  ];
  const subjects = Map.groupBy(tried, subjectOf);
  const known = new Set(constraints.map(({ name }) => name));
  const others = [...subjects.keys()].filter((name) => !known.has(name));
  return [
    // what cannot be reached at all is tried as a table
    ...constraints.map(({ name, kind, table }) =>
      finding(name, kind, subjects.get(name) ?? subjects.get(table) ?? []),
    ),
    ...others.map((name) => finding(name, 'other', subjects.get(name) ?? [])),
  ];
}

function finding(name: string, kind: Kind, tried: readonly Tried[]): Finding {
  // a not-null names its column and not itself
  const wanted = name.split('.').at(-1);
  const marked = (answer: string) =>
    kind === 'not null' ? answer.includes('"code":"23502"') : constraintIn(answer) === wanted;
  return {
    name,
    kind,
    attempts: tried.length,
    reached: tried.some(({ answers }) => Object.values(answers).some(marked)),
    telling: tried.filter((one) => telling(one).length > 0),
  };
}

/** The constraint that an answer names: of a part of a table, that of the table. */
const constraintIn = (answer: string): string | undefined =>
  /"constraint":"(\w+)"/.exec(answer)?.[1]?.replace(/^(activity_entries)_(\d{4}_\d\d|past|other)_/, '$1_');

/** What an attempt is about; where a function ran into a constraint, that constraint. */
function subjectOf(one: Tried): string {
  const words = telling(one).map((state) => one.answers[state] ?? '');
  const constraint = words.map(constraintIn).find((name) => name !== undefined);
  return one.about.startsWith('bailiwick.') && constraint !== undefined ? constraint : one.about;
}

function classOf({ name, telling: found }: Finding): Class {
  return found.length === 0 ? 'no answer' : name in KNOWING ? 'answers to who knows the id' : 'oracle';
}

/** A line for the report. */
export function line(found: Finding): string {
  const reach = found.kind === 'other' ? '' : found.reached ? ', reached' : ', never reached';
  return `${found.kind} ${found.name}: ${classOf(found)} (${found.attempts} attempts${reach})`;
}

/** What a reader needs to see of an attempt that told something. */
function reproduction(one: Tried): string {
  const [state = 'absent'] = telling(one);
  return [
    `${one.about}, ${one.how}, by ${one.attacker}`,
    `  ${one.text.replaceAll(/\s+/g, ' ').trim()}  ${JSON.stringify(one.values)}`,
    `  while absent: ${one.answers.absent}`,
    `  ${state}: ${one.answers[state]}`,
  ].join('\n');
}

/** Codes of statements that PostgreSQL did not understand: such an attempt is none, whatever the state. */
const NO_SQL = /"code":"(42(?!501)|0A|22P02|08)/;

/** Attempts that cannot tell anything. A condition raises on rows in sight that share the value, but not on every column. */
function pointless(tried: readonly Tried[]): Tried[] {
  const { conditions = [], others = [] } = Object.groupBy(tried, ({ about }) =>
    about.startsWith('conditions on ') ? 'conditions' : 'others',
  );
  const tables = Map.groupBy(conditions, ({ about, attacker }) => `${about} ${attacker}`);
  const raising = ({ answers }: Tried) => answers.absent?.includes('"code"') ?? true;
  return [
    ...others.filter(({ answers }) => NO_SQL.test(answers.absent ?? '')),
    ...[...tables.values()].filter((list) => list.every(raising)).flatMap((list) => list.slice(0, 1)),
  ];
}

/** What must not be, in words: an oracle that is not known, one that needs no id after all, a secret in an answer. */
export function complaints({ catalog, hidden }: Stage, tried: readonly Tried[]): string[] {
  const telling = findings(catalog, tried).filter((one) => one.telling.length > 0);
  const of = (list: Readonly<Record<string, string>>) =>
    telling.filter(({ name }) => name in list).flatMap((one) => one.telling);
  const unknown = telling.filter(({ name }) => !(name in KNOWING) && !(name in ORACLES));
  const open = new Set(of(ORACLES));
  return [
    ...unknown.flatMap(({ telling: [first] }) => (first ? [`an oracle: ${reproduction(first)}`] : [])),
    ...withoutAnId(of(KNOWING), hidden).map((one) => `needs no id: ${reproduction(one)}`),
    ...pointless(tried).map((one) => `is no attempt: ${reproduction(one)}`),
    ...leaks(tried, hidden)
      .filter((one) => !open.has(one))
      .map((one) => `says too much: ${reproduction(one)}`),
  ];
}

/** How many constraints of each class there are. */
export function figures(found: readonly Finding[]): Record<string, number> {
  const constraints = found.filter(({ kind }) => kind !== 'other');
  const count = (what: Class) => constraints.filter((one) => classOf(one) === what).length;
  return {
    'no answer': count('no answer'),
    'answers to who knows the id': count('answers to who knows the id'),
    oracles: count('oracle'),
  };
}

/** Attempts that told something although their words hold no id of a hidden row. */
function withoutAnId(tried: readonly Tried[], hidden: readonly Hidden[]): Tried[] {
  const ids = new Set(hidden.map(({ row }) => row.id));
  return tried.filter(({ values }) => !values.some((value) => ids.has(value as string)));
}

/** Answers that say something of a hidden row that the attacker has not said itself. */
function leaks(tried: readonly Tried[], hidden: readonly Hidden[]): Tried[] {
  const secrets = hidden.flatMap(({ row }) =>
    Object.entries(row).flatMap(([column, value]) =>
      value !== null && (column === 'id' || /hidden|initech|carol/i.test(value)) ? [value] : [],
    ),
  );
  return tried.filter(({ answers, values, unseen = secrets }) => {
    const unsaid = unseen.filter((secret) => !values.includes(secret));
    return Object.values(answers).some((answer) => unsaid.some((secret) => answer.includes(secret)));
  });
}
