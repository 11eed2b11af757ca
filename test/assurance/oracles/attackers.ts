// Who attacks, what each has of its own to attack with, and which of the hidden rows are hidden from it after all.
//
// The voices and their rows are those of the access matrix (test/policies): complete rows that would be inserted if no
// policy stood in the way, so that an attempt gets as far as anything of theirs can.

import { ACTORS, type ActorName, TENANTS } from '../../../src/demo/cast.ts';
import { as, type Database } from '../../kit/as.ts';
import { Said } from '../../policies/arrangement.ts';
import { BLOCKS } from '../../policies/attempts.ts';
import { keeper, personOf, type Relation, tenantOf, VOICES, type Voice } from '../../policies/voices.ts';
import type { Catalog } from './catalog.ts';
import { appear, type Hidden } from './hidden.ts';
import type { Row } from './statements.ts';

export type Attacker = {
  readonly voice: Voice & { readonly actor: ActorName };
  readonly tenantId: string;
  readonly actorId: string;
  /** Whose rows it may touch: the person it acts for, or itself. */
  readonly ownerId: string;
  /** Rows it might insert, complete but for provenance. */
  own(table: string): readonly Row[];
  /** The hidden rows that are out of its sight. */
  readonly hidden: readonly Hidden[];
  /** All of them, in its sight or not. */
  readonly all: readonly Hidden[];
  /** Those of a table that are, all of them or one to stand for all. */
  sample(table: string): readonly Hidden[];
  /** Whether every hidden row is tried, and every kind of condition. */
  readonly thorough: boolean;
  /** Whether all hidden rows of a table are. */
  blindTo(table: string): boolean;
};

/** Relations in which a row can be the attacker's own. */
const OWN: readonly Relation[] = ['own', 'owner', 'garden'];

/** The attacker of that name. */
export async function attacker(
  database: Database,
  catalog: Catalog,
  hidden: readonly Hidden[],
  name: string,
  thorough: boolean,
): Promise<Attacker> {
  const voice = VOICES.find((one) => one.name === name);
  const actor = voice?.actor;
  if (voice === undefined || actor === undefined) {
    throw new TypeError(`nobody is called ${name}`);
  }
  const seen = await visible(database, catalog, hidden, { ...voice, actor });
  const unseen = hidden.filter((one) => !seen.has(one));
  return {
    voice: { ...voice, actor },
    tenantId: TENANTS[tenantOf(actor)].id,
    actorId: ACTORS[actor].id,
    ownerId: ACTORS[voice.delegation === undefined ? actor : personOf(actor)].id,
    own: remembered((table) => ownRows(voice, table)),
    all: hidden,
    hidden: unseen,
    sample: (table) => unseen.filter((one) => one.table === table).slice(0, thorough ? undefined : 1),
    thorough,
    blindTo: (table) => !hidden.some((one) => one.table === table && seen.has(one)),
  };
}

/** Rows are made with the time of day in them, so they are made once. */
function remembered<Result>(make: (table: string) => Result): (table: string) => Result {
  const made = new Map<string, Result>();
  return (table) => {
    const result = made.get(table) ?? make(table);
    made.set(table, result);
    return result;
  };
}

const JUST_NOW = new Said('bailiwick.id_at(statement_timestamp())');

function ownRows(voice: Voice, table: string): Row[] {
  const rows = BLOCKS.filter((block) => block.table === table).flatMap((block) =>
    OWN.filter((relation) => block.relations.includes(relation)).flatMap((relation) => {
      const who = keeper(voice, relation);
      const row = who && block.make(who, relation, voice);
      // an entry of the log is of the moment in which it is written, however long all of it takes
      const timed = table === 'activity_entries' ? { id: JUST_NOW } : {};
      return row ? [{ tenant_id: TENANTS[tenantOf(who)].id, ...row, ...timed }] : [];
    }),
  );
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
}

/** Which of the hidden rows the attacker sees once they are there. */
async function visible(
  database: Database,
  { tables }: Catalog,
  hidden: readonly Hidden[],
  voice: Attacker['voice'],
): Promise<Set<Hidden>> {
  const readable = new Set(tables.filter((table) => table.select).map(({ name }) => name));
  return as(database, voice.actor, { ...voice, given: appear }, async (sql) => {
    const seen = new Set<Hidden>();
    for (const one of hidden.filter(({ table }) => readable.has(table))) {
      const where = [one.row.tenant_id, one.row.id];
      if ((await sql.touched(`select from ${one.table} where tenant_id = $1 and id = $2`, where)) > 0) {
        seen.add(one);
      }
    }
    return seen;
  });
}
