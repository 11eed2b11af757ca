// Everything that the kernel says about access, after whatever may have gone wrong, to all whom it may concern: why, what of each row, and
// what each agent can do. Data, no assertions: a fault in what explains must make another answer of one of these (test/assurance/mutation).

import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { twins } from '../assurance/attacks/worlds.ts';
import { type Acting, as, type Database, type Sql } from '../kit/as.ts';
import { itself, through } from '../kit/cast.ts';
import { CLOSE, COURSES, unchecked } from './courses.ts';

type Given = (sql: Sql) => Promise<unknown>;

const { globex } = TENANTS;
const { scout, scribe, bobot, late } = AGENTS;

/** What stands in another tenant under the same ids, and is in another state there. */
const beside =
  (...changes: readonly string[]): Given =>
  async (sql) => {
    await sql.rows('reset role');
    await twins(sql);
    for (const change of changes) {
      await unchecked(change, globex.id)(sql);
    }
  };
const MORE: Readonly<Record<string, Given>> = {
  'beside twins': beside(),
  'beside twins that are suspended and limited': beside(
    `update entities set status = 'suspended', ceiling = '[]' where tenant_id = $1`,
    'delete from world_members where tenant_id = $1',
    `update users set role = 'member' where tenant_id = $1`,
  ),
  'beside twins whose delegations have ended': beside(
    `update delegations set revoked_at = created_at, revoked_by = owner_id, capabilities = '{memory:delete}' where tenant_id = $1`,
  ),
  'beside twins of which one is suspended': beside(
    `update tenants set status = 'suspended' where tenant_id = $1`,
  ),
  'beside twins that alone are members': async (sql) => {
    await beside()(sql);
    await unchecked('delete from world_members where tenant_id <> $1', globex.id)(sql);
  },
  'beside twins that are administrators': beside(`update users set role = 'admin' where tenant_id = $1`),
  'beside twins of which one has another owner, who is suspended here': async (sql) => {
    await beside(
      `update entities set owner_id = '${USERS.bob.id}' where tenant_id = $1 and id = '${scout.id}'`,
    )(sql);
    await unchecked(
      "update entities set status = 'suspended' where tenant_id <> $1 and id = $2",
      globex.id,
      USERS.bob.id,
    )(sql);
  },
  'beside the twin of an agent that is gone here': async (sql) => {
    await beside()(sql);
    await unchecked('delete from entities where tenant_id <> $1 and id = $2', globex.id, scout.id)(sql);
  },
  'with the second hop limited to a world': (sql) =>
    sql.touched('update delegations set world_id = $1 where id = $2', [
      WORLDS.garden.id,
      DELEGATIONS.scribe.id,
    ]),
  'with two chains of one agent, of which one is limited to two worlds': async (sql) => {
    await COURSES['with the second hop limited to another world']?.(sql);
    await unchecked(
      'update delegations set delegate_id = $1, world_id = $2 where id = $3',
      ...[scribe.id, WORLDS.garden.id, DELEGATIONS.late.id],
    )(sql);
  },
  'with the root narrowed below its hop': unchecked(
    "update delegations set capabilities = '{memory:update}' where id = $1",
    DELEGATIONS.scout.id,
  ),
  'with the owner in another world': unchecked(
    'update world_members set world_id = $1 where world_id = $2 and entity_id = $3',
    ...[WORLDS.workshop.id, WORLDS.garden.id, USERS.alice.id],
  ),
  'with the world archived, beside twins': async (sql) => {
    await beside()(sql);
    await unchecked(
      "update entities set status = 'archived' where tenant_id <> $1 and id = $2",
      globex.id,
      WORLDS.garden.id,
    )(sql);
  },
  'with a ceiling for everybody': (sql) =>
    sql.touched(`update entities set ceiling = '["memory:read", "delegation:read"]'`),
  'with others as administrators': (sql) =>
    sql.touched(`update users set role = 'admin' where id <> $1`, [USERS.ada.id]),
};
const GIVEN: Readonly<Record<string, Given>> = { ...COURSES, ...MORE };

const ACTING: readonly (readonly [ActorName, Acting])[] = [
  ...CLOSE,
  ['alice', { scopes: ['delegation:read'] }],
  ['alice', { scopes: ['agent:read'] }],
  ['ada', itself],
  ['bob', itself],
  ['bobot', through.bobot],
  ['mallory', itself],
  ['late', { delegation: DELEGATIONS.late.id }],
];

const MEANS = ['owner', 'direct_owner', 'worlds', 'shared_worlds', 'party', 'administered_tenant'];
const CAPABILITIES = [
  'memory:read',
  'agent:read',
  'delegation:read',
  'member:read',
  'tenant:administer',
  'user:update',
  'made:up',
];
const VERBS = ['read', 'update', 'delete'];
const of = (owner: ActorName) => MEMORIES.find((memory) => memory.owner === owner)?.id ?? '';
const ROWS: readonly (readonly [table: string, id: string])[] = [
  ...MEMORIES.filter(({ owner }) => owner === 'alice').map(({ id }) => ['memories', id] as const),
  ...([
    ['memories', of('bob')],
    ['agents', scout.id],
    ['agents', bobot.id],
    ['entities', WORLDS.garden.id],
    ['worlds', WORLDS.garden.id],
  ] as const),
  ...([
    ['users', USERS.alice.id],
    ['delegations', DELEGATIONS.scribe.id],
    ['tenants', TENANTS.acme.id],
    ['permissions', scout.id],
  ] as const),
];
const AGENTS_ASKED = [scout.id, scribe.id, bobot.id, late.id, USERS.alice.id, WORLDS.garden.id];

/** What is asked, by the function that answers; with its values. */
const QUESTIONS = {
  why: [
    'select jsonb_agg(bailiwick.why(m, k) order by m, k)::text from unnest($1::text[]) m, unnest($2::text[]) k',
    [MEANS, CAPABILITIES],
  ],
  explain: [
    // without the sentence about a policy: one that was taken away and made again has none
    `select regexp_replace(jsonb_agg(bailiwick.explain(r->>0, (r->>1)::uuid, v) order by r, v)::text,
              '"sentence": ("([^"\\\\]|\\\\.)*"|null)', '', 'g')
       from jsonb_array_elements($1::jsonb) r, unnest($2::text[]) v`,
    [JSON.stringify(ROWS), VERBS],
  ],
  effective: [
    `select jsonb_agg(bailiwick.effective(a, e, n) order by a, e, n)::text
       from unnest($1::uuid[]) a, unnest('{true,false}'::boolean[]) e, unnest('{1,100}'::int[]) n`,
    [AGENTS_ASKED],
  ],
} as const satisfies Readonly<Record<string, readonly [text: string, values: readonly unknown[]]>>;
export type Explaining = keyof typeof QUESTIONS;
export const EXPLAINING = Object.keys(QUESTIONS) as Explaining[];

/** Every question there is, by its name: after what, to whom, and which. */
const CASES = Object.entries(GIVEN).flatMap(([course, given]) =>
  ACTING.flatMap(([actor, acting], n) =>
    EXPLAINING.map((about) => ({
      name: `${course} / ${n} ${actor} / ${about}`,
      given,
      actor,
      acting,
      about,
    })),
  ),
);

export type Asking = {
  /** Of this function alone; left out: of all. */
  readonly about?: Explaining | undefined;
  /** By these names alone; left out: all. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Asked after each answer; true ends the asking. */
  readonly enough?: (name: string, answer: string) => boolean;
};

/**
 * Asks everything, or what is named, until it is enough.
 *
 * @returns each answer, or the SQLSTATE in its place, by the name of the case.
 */
export async function explainedOn(
  database: Database,
  { about, only, enough }: Asking = {},
): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  for (const asked of CASES.filter((one) => (about ?? one.about) === one.about)) {
    const { name, given, actor, acting } = asked;
    if (only?.has(name) ?? true) {
      const [question, values] = QUESTIONS[asked.about];
      const answer = await as(database, actor, { ...acting, given }, async (sql) => {
        // a fault can make a recursion endless
        await sql.rows(`set local statement_timeout = '3s'`);
        return await sql.value(question, values);
      }).catch((error: { code?: unknown }) => {
        if (error.code === undefined) {
          throw error;
        }
        return error.code;
      });
      answers.set(name, String(answer));
      if (enough?.(name, String(answer))) {
        break;
      }
    }
  }
  return answers;
}
