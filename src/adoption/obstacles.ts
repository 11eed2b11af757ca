// What is in the way of a table's isolation: in the table itself, in its rows, in its paths, and in the roles of the database. Each with how grave
// it is and how it is mended; docs/adoption.md lists them by their codes.

import { type Kept, listed } from './declaration.ts';
import { columnOf, type Inventory, rowKeyOf, type Table, tableOf } from './inventory.ts';
import { trigger } from './names.ts';
import { type Counts, keyOf } from './places.ts';

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

export const absent = (name: string): Finding => ({
  risk: 'stop',
  code: 'no-such-table',
  what: `table ${name} is declared and not there`,
  repair: 'correct its name, or leave it out',
});
export const misdeclared = (what: string): Finding => ({
  risk: 'stop',
  code: 'misdeclared',
  what,
  repair: 'correct the declaration',
});
export const keyless = (key: string): Finding => ({
  risk: 'stop',
  code: 'key-not-unique',
  what: `${key} identifies people, agents, worlds or tenants here, and no unique index says that it is once in the table`,
  repair: `create unique index concurrently on that column, or declare another key`,
});
export const undeclared: Finding = {
  risk: 'stop',
  code: 'undeclared',
  what: 'nothing is said of this table, so it would stay open to everybody',
  repair: 'declare whose its rows are, or exempt it and say why',
};

export const open: Finding = {
  risk: 'high',
  code: 'open',
  what: 'it says who there is, and everybody may read it',
  repair:
    'list it among the tables too, as in accounts: { kind: "account", owner: "id" }, or exempt it and say why',
};

export const openTenants: Finding = {
  ...open,
  repair: 'take its grants away, or exempt it among the tables and say why: a tenant belongs to no owner',
};

/** What of a table itself is in the way. */
export function findingsOf(table: Table, kept: Kept): Finding[] {
  const found: Finding[] = [];
  const add = (risk: Risk, code: string, what: string, repair: string) =>
    found.push({ risk, code, what, repair });
  if (rowKeyOf(table) === undefined) {
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
      `each row that is given an owner fires ${triggers.join(', ')}, unless a superuser adopts it`,
      'see that they may run for every row once, or let them look at what has changed',
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
  return [...found, ...sealingFindings(table, kept)];
}

/** What is in the way of sealing its columns. */
function sealingFindings(table: Table, { owner, tenant, world, encrypted = [] }: Kept): Finding[] {
  const placing = [owner, tenant, world]
    .flatMap(listed)
    .map((source) =>
      typeof source === 'string'
        ? source
        : 'by' in source
          ? source.by
          : 'through' in source
            ? source.through[0]?.column
            : undefined,
    );
  return encrypted.flatMap((one): Finding[] => {
    const { type, limited } = columnOf(table, one) ?? {};
    if (type === undefined) {
      return [misdeclared(`table ${table.name} has no column ${one}`)];
    }
    if (rowKeyOf(table)?.includes(one) || placing.includes(one)) {
      return [
        misdeclared(
          `${one} identifies rows or says whose they are, which could not be told of what is sealed`,
        ),
      ];
    }
    if (limited === true || !/^(text|character varying)$/.test(type)) {
      const what = `${one} is ${type}${limited ? ' of so many characters' : ''}, which holds no envelope`;
      return [
        {
          risk: 'stop',
          code: 'not-encryptable',
          what,
          repair: 'make it text, or add a column of type text for it',
        },
      ];
    }
    return table.indexed.includes(one)
      ? [
          {
            risk: 'high',
            code: 'searched',
            what: `an index begins with ${one}: what is sealed is not found by its value, and differs each time`,
            repair: 'look for it by something else, and drop the index, before it is sealed',
          },
        ]
      : [];
  });
}

/** Paths along which every row would be looked for from end to end. */
export function slowPaths(inventory: Inventory, table: Table, { owner, tenant, world }: Kept): Finding[] {
  const slow = new Map<string, string>();
  const note = (at: Table | undefined, column: string, because: string) => {
    if (at !== undefined && columnOf(at, column) !== undefined && !at.indexed.includes(column)) {
      slow.set(`${at.name} (${column})`, because);
    }
  };
  for (const source of [owner, tenant, world].flatMap(listed)) {
    if (typeof source === 'object' && 'through' in source) {
      let from: Table | undefined = table;
      for (const hop of source.through) {
        if (from !== undefined && tableOf(inventory, hop.table) !== undefined) {
          note(from, hop.column, `when a row of ${hop.table} moves, all of ${from.name} is read`);
        }
        from = tableOf(inventory, hop.table);
        note(from, keyOf(hop), `for each row of ${table.name}, all of ${hop.table} is read`);
      }
    }
  }
  return [...slow].map(([where, why]) => ({
    risk: 'high',
    code: 'unindexed',
    what: `no index begins with ${where}: ${why}`,
    repair: `create index concurrently on ${where}`,
  }));
}

/** What of its rows is in the way. */
export function rowFindings({ owner, tenant, world, foreign }: Counts, kept: Kept | undefined): Finding[] {
  const found: Finding[] = [];
  const quarantined = typeof kept?.unplaced === 'object' ? kept.unplaced.quarantine : undefined;
  for (const [what, placing] of Object.entries({ owner, tenant })) {
    if (placing !== undefined && placing.unplaced > 0 && what === 'tenant' && kept !== undefined) {
      found.push({
        risk: 'low',
        code: 'no-tenant',
        what: `${counted(placing.unplaced, 'row')} without a tenant, which are in their owner’s`,
        repair: 'none is needed, unless another tenant was meant',
      });
    } else if (placing !== undefined && placing.unplaced > 0) {
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

export function roleFindings({ roles, version }: Inventory): Finding[] {
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

/** 1234567 as 1 234 567. */
export const grouped = (value: number): string =>
  Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
export const counted = (count: number, word: string) =>
  `${grouped(Math.max(0, count))} ${word}${count === 1 ? '' : 's'}`;
