// What stands between tables as they are and isolation: what is in the way, what would be done in each phase under which lock, and where
// the rows would go. Compares a declaration with an inventory and with counts; reads no database itself.

import { type Adoption, isExempt, type Kept, type Principals } from './declaration.ts';
import { columnOf, type Inventory, type Table, tableOf } from './inventory.ts';
import { ADDED, trigger } from './names.ts';
import { type Counts, isKey, keyOf } from './places.ts';

/** How grave: nothing goes on; it needs a decision; it should be known. */
export const RISKS = ['stop', 'high', 'low'] as const;
export type Risk = (typeof RISKS)[number];

export type Finding = {
  readonly risk: Risk;
  /** A name of the kind, for machines and for docs/adoption.md. */
  readonly code: string;
  readonly what: string;
  readonly repair: string;
};

export type Phase = 'backfill' | 'shadow' | 'strict';

export type Step = {
  readonly phase: Phase;
  readonly what: string;
  /** As PostgreSQL calls it; for batches, of the rows. */
  readonly lock: string;
  /** How long it is held. */
  readonly lasts: string;
};

export type TablePlan = {
  readonly table: string;
  readonly is: 'tenants' | 'people' | 'agents' | 'worlds' | 'rows' | 'exempt' | 'undeclared';
  readonly estimatedRows: number;
  readonly bytes: number;
  readonly counts?: Counts | undefined;
  readonly findings: readonly Finding[];
  readonly steps: readonly Step[];
};

export type Plan = {
  readonly findings: readonly Finding[];
  readonly tables: readonly TablePlan[];
};

/** All findings of a plan, of the database and of its tables. */
export const findingsIn = ({ findings, tables }: Plan): readonly Finding[] => [
  ...findings,
  ...tables.flatMap((table) => table.findings),
];

/**
 * @param counts Of the tables whose rows were counted.
 * @param wrong What was declared and is not there, by table.
 */
export function planOf(
  adoption: Adoption,
  inventory: Inventory,
  counts: ReadonlyMap<string, Counts>,
  wrong: ReadonlyMap<string, string> = new Map(),
): Plan {
  const principals = new Map<string, { is: TablePlan['is']; of: Principals }>([
    [adoption.users.table, { is: 'people', of: adoption.users }],
    ...(adoption.agents ? [[adoption.agents.table, { is: 'agents', of: adoption.agents }] as const] : []),
    ...(adoption.worlds ? [[adoption.worlds.table, { is: 'worlds', of: adoption.worlds }] as const] : []),
  ]);
  const tenants = 'table' in adoption.tenants ? adoption.tenants : undefined;
  const names = new Set([
    ...inventory.tables.map(({ name }) => name),
    ...Object.keys(adoption.tables),
    ...principals.keys(),
    ...(tenants === undefined ? [] : [tenants.table]),
  ]);
  const tables = [...names].sort().map((name): TablePlan => {
    const table = tableOf(inventory, name);
    const declared = adoption.tables[name];
    const principal = principals.get(name);
    const counted = counts.get(name);
    const is =
      principal?.is ?? (declared === undefined ? 'undeclared' : isExempt(declared) ? 'exempt' : 'rows');
    const kept = declared !== undefined && !isExempt(declared) ? declared : undefined;
    const fault = wrong.get(name);
    const key = principal?.of ?? (tenants?.table === name ? tenants : undefined);
    const findings = [
      ...(table === undefined ? [absent(name)] : []),
      ...(fault === undefined ? [] : [misdeclared(fault)]),
      ...(table !== undefined && key !== undefined && !isKey(table, keyOf(key)) ? [keyless(keyOf(key))] : []),
      ...(declared === undefined && key === undefined ? [undeclared] : []),
      ...(declared === undefined && key !== undefined ? [principal === undefined ? openTenants : open] : []),
      ...(table !== undefined && kept !== undefined ? findingsOf(table, kept) : []),
      ...(counted === undefined ? [] : rowFindings(counted, kept)),
    ];
    return {
      table: name,
      is: tenants?.table === name && is === 'undeclared' ? 'tenants' : is,
      estimatedRows: table?.estimatedRows ?? 0,
      bytes: table?.bytes ?? 0,
      counts: counted,
      findings,
      steps: table !== undefined && kept !== undefined ? stepsOf(table, kept, counted) : [],
    };
  });
  return { findings: roleFindings(inventory), tables };
}

const absent = (name: string): Finding => ({
  risk: 'stop',
  code: 'no-such-table',
  what: `table ${name} is declared and not there`,
  repair: 'correct its name, or leave it out',
});
const misdeclared = (what: string): Finding => ({
  risk: 'stop',
  code: 'misdeclared',
  what,
  repair: 'correct the declaration',
});
const keyless = (key: string): Finding => ({
  risk: 'stop',
  code: 'key-not-unique',
  what: `${key} identifies people, agents, worlds or tenants here, and no unique index says that it is once in the table`,
  repair: `create unique index concurrently on that column, or declare another key`,
});
const undeclared: Finding = {
  risk: 'stop',
  code: 'undeclared',
  what: 'nothing is said of this table, so it would stay open to everybody',
  repair: 'declare whose its rows are, or exempt it and say why',
};

const open: Finding = {
  risk: 'high',
  code: 'open',
  what: 'it says who there is, and everybody may read it',
  repair:
    'list it among the tables too, as in accounts: { kind: "account", owner: "id" }, or exempt it and say why',
};

const openTenants: Finding = {
  ...open,
  repair: 'take its grants away, or exempt it among the tables and say why: a tenant belongs to no owner',
};

/** What of a table itself is in the way. */
function findingsOf(table: Table, kept: Kept): Finding[] {
  const found: Finding[] = [];
  const add = (risk: Risk, code: string, what: string, repair: string) =>
    found.push({ risk, code, what, repair });
  if (
    table.primaryKey.length === 0 &&
    !table.unique.some((columns) => columns.every((one) => columnOf(table, one)?.nullable === false))
  ) {
    add(
      'stop',
      'no-key',
      'rows cannot be taken in batches and taken up again after an interruption: there is no primary key',
      'add a primary key, or a unique index over columns that are never null',
    );
  }
  const policies = table.policies.filter((name) => !name.startsWith('bailiwick_'));
  if (policies.length > 0) {
    add(
      'stop',
      'has-policies',
      `it has policies already: ${policies.join(', ')}; policies add up, so nothing could be isolated`,
      'drop them when this table is given its owners',
    );
  }
  for (const { name, copy } of table.views) {
    add(
      'high',
      copy ? 'copied' : 'seen-through',
      `${copy ? 'the materialized view' : 'the view'} ${name} ${copy ? 'holds a copy of its rows' : 'reads it with its owner’s rights'}, past row security`,
      copy
        ? 'take its grants away, or add owner and tenant to it'
        : `alter view ${name} set (security_invoker = true)`,
    );
  }
  const triggers = table.updateTriggers.filter((name) => name !== trigger);
  if (triggers.length > 0) {
    add(
      'high',
      'triggers',
      `each row that is given an owner fires ${triggers.join(', ')}`,
      'see that they may run for every row once, or have them left out (session_replication_role) for the backfill',
    );
  }
  if (table.publications.length > 0) {
    add(
      'low',
      'published',
      `every row that is given an owner is sent to ${table.publications.join(', ')}`,
      'see that subscribers have the new columns first',
    );
  }
  if (table.beyondRows.length > 0) {
    add(
      'high',
      'beyond-rows',
      `${table.beyondRows.join(', ')} may empty it or put triggers on it, which row security does not keep anybody from`,
      `revoke truncate, trigger, references on ${table.name} from ${table.beyondRows.map((one) => (one === 'everybody' ? 'public' : one)).join(', ')}`,
    );
  }
  for (const one of kept.encrypted ?? []) {
    const type = columnOf(table, one)?.type;
    if (type === undefined) {
      add('stop', 'misdeclared', `table ${table.name} has no column ${one}`, 'correct the declaration');
    } else if (!/^(text|jsonb?|character varying)$/.test(type)) {
      add(
        'stop',
        'not-encryptable',
        `${one} is ${type}, which holds no envelope`,
        'add a column of type text for it',
      );
    }
  }
  return found;
}

/** What of its rows is in the way. */
function rowFindings({ owner, tenant, world, foreign }: Counts, kept: Kept | undefined): Finding[] {
  const found: Finding[] = [];
  const quarantined = typeof kept?.unplaced === 'object' ? kept.unplaced.quarantine : undefined;
  for (const [what, placing] of Object.entries({ owner, tenant })) {
    if (placing !== undefined && placing.unplaced > 0) {
      const few = `${counted(placing.unplaced, 'row')} without ${what === 'owner' ? 'an owner' : 'a tenant'}`;
      const several =
        placing.ambiguous > 0 ? `, ${placing.ambiguous} of them because a path leads to several` : '';
      found.push({
        risk: quarantined === undefined ? 'stop' : 'high',
        code: 'unplaced',
        what: `${few}${several}${quarantined === undefined ? '' : `, which become ${quarantined}’s`}`,
        repair: 'add a source that places them, or declare who gets them: unplaced: { quarantine: … }',
      });
    }
  }
  for (const [what, placing] of Object.entries({ owner, tenant, world })) {
    if (placing !== undefined && placing.unknown > 0) {
      const aside = quarantined !== undefined && what !== 'world';
      found.push({
        risk: what === 'world' ? 'high' : aside ? 'high' : 'stop',
        code: 'unknown',
        what: `${counted(placing.unknown, 'row')} whose ${what} is not there${
          aside ? `, which become ${quarantined}’s` : what === 'world' ? ', which are in none then' : ''
        }`,
        repair: 'delete them, or put them right with a mapping',
      });
    }
  }
  if (foreign > 0) {
    found.push({
      risk: quarantined === undefined ? 'stop' : 'high',
      code: 'foreign-owner',
      what: `${counted(foreign, 'row')} whose tenant is not that of their owner${
        quarantined === undefined ? '' : `, which become ${quarantined}’s`
      }`,
      repair: 'decide which is right: nothing can be of two tenants',
    });
  }
  return found;
}

function roleFindings({ roles, version }: Inventory): Finding[] {
  const major = Number.parseInt(version, 10);
  return [
    ...(major >= 15
      ? []
      : [
          {
            risk: 'stop',
            code: 'too-old',
            what: `PostgreSQL ${version} has no views with the rights of their caller`,
            repair: 'from version 15 on',
          } as const,
        ]),
    ...roles
      .filter(({ exempt }) => exempt)
      .map(
        ({ name, superuser }): Finding => ({
          risk: 'high',
          code: 'exempt-role',
          what: `for role ${name} row security never holds: it is ${superuser ? 'a superuser' : 'made to bypass it'}`,
          repair: 'let the application log in as another role',
        }),
      ),
    ...roles
      .filter(({ exempt, owner }) => owner && !exempt)
      .map(
        ({ name }): Finding => ({
          risk: 'high',
          code: 'owner-role',
          what: `role ${name} logs in and owns tables: it is bound, and could unbind itself`,
          repair: 'let the application log in as a role that owns nothing',
        }),
      ),
  ];
}

/** What is done to a table, in order. */
function stepsOf(table: Table, kept: Kept, counts: Counts | undefined): Step[] {
  const rows = counts?.rows ?? table.estimatedRows;
  const columns = [ADDED.tenant, ADDED.owner, ...(kept.world === undefined ? [] : [ADDED.world])];
  const moment = 'a moment, with a lock timeout and tried again';
  return [
    {
      phase: 'backfill',
      what: `add columns ${columns.join(', ')}, empty`,
      lock: 'ACCESS EXCLUSIVE',
      lasts: moment,
    },
    {
      phase: 'backfill',
      what: 'a trigger that says whose new rows are',
      lock: 'SHARE ROW EXCLUSIVE',
      lasts: moment,
    },
    {
      phase: 'backfill',
      what: `say whose ${counted(rows, 'row')} are, in batches`,
      lock: 'rows of one batch',
      lasts: 'one batch',
    },
    {
      phase: 'backfill',
      what: 'an index on tenant and owner, concurrently',
      lock: 'SHARE UPDATE EXCLUSIVE',
      lasts: 'one scan; nobody waits',
    },
    {
      phase: 'backfill',
      what: 'owner and tenant are never empty: not yet validated',
      lock: 'ACCESS EXCLUSIVE',
      lasts: moment,
    },
    {
      phase: 'backfill',
      what: 'validate it',
      lock: 'SHARE UPDATE EXCLUSIVE',
      lasts: 'one scan; nobody waits',
    },
    {
      phase: 'shadow',
      what: 'policies that count and hide nothing',
      lock: 'ACCESS EXCLUSIVE',
      lasts: moment,
    },
    { phase: 'strict', what: 'policies that hide, in their place', lock: 'ACCESS EXCLUSIVE', lasts: moment },
  ];
}

const counted = (count: number, word: string) =>
  `${Math.max(0, count).toLocaleString('en-US').replaceAll(',', ' ')} ${word}${count === 1 ? '' : 's'}`;
