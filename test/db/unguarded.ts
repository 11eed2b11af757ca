// A database in which row security is off, with the cast in it: what stays hidden here, the second layer hides alone.
//
// The runtime role may do everything and constraints other than keys are gone, so that nothing else can refuse what
// scope.ts lets through. And the models, as data: with them the tests of scope.ts meet a new model without being told.

import { readFileSync } from 'node:fs';
import { test as base } from 'vitest';
import { getDatamodel } from '../../generated/pothos.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { delegateOf } from '../../src/db/models.ts';
import type { Session } from '../../src/db/session.ts';
import type { ActorName } from '../../src/demo/cast.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { newId } from '../../src/ids.ts';
import { type Acting, ISSUER, migrate } from '../kit/as.ts';
import { through } from '../kit/cast.ts';
import { asAdmin, createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { testKeys } from '../kit/keys.ts';
import { ATTIC, STUDY } from '../policies/arrangement.ts';
import { arrangeKeys } from '../policies/credentials.ts';
import { arrangeReceipts } from '../policies/receipts.ts';
import { arrangeSharing } from '../policies/sharing.ts';
import { arrangeBaselines } from '../policies/usual.ts';

type ModelName = Prisma.ModelName;
type Row = Readonly<Record<string, unknown>> & { readonly id: string };

/** A model's part of a Prisma client, with arguments that need no type of the model. */
export type Delegate = {
  findMany(args?: object): Promise<Row[]>;
  findFirst(args?: object): Promise<Row | null>;
  findUnique(args: object): Promise<Row | null>;
  findUniqueOrThrow(args: object): Promise<Row>;
  count(args?: object): Promise<number>;
  aggregate(args: object): Promise<{ _count: { id: number }; _max: { id: string | null } }>;
  groupBy(args: object): Promise<{ tenantId: string; _count: { id: number } }[]>;
  create(args: object): Promise<Row>;
  createMany(args: object): Promise<{ count: number }>;
  createManyAndReturn(args: object): Promise<Row[]>;
  update(args: object): Promise<Row>;
  updateMany(args: object): Promise<{ count: number }>;
  updateManyAndReturn(args: object): Promise<Row[]>;
  upsert(args: object): Promise<Row>;
  delete(args: object): Promise<Row>;
  deleteMany(args?: object): Promise<{ count: number }>;
};

export const MODELS = Object.values(Prisma.ModelName);

const TABLES = new Map(
  [
    ...readFileSync('schema.prisma', 'utf8').matchAll(
      /^model (\w+) \{\n(?: {2}.*\n|\n)*? {2}@@map\("(\w+)"\)/gm,
    ),
  ].map(([, model, table]) => [model, table ?? '']),
);

export function tableOf(model: ModelName): string {
  const table = TABLES.get(model);
  if (table === undefined) {
    throw new TypeError(`no table for ${model}`);
  }
  return table;
}

export function fieldsOf(model: ModelName) {
  return getDatamodel().datamodel.models[model]?.fields ?? [];
}

export function listsOf(model: ModelName): { readonly name: string; readonly type: ModelName }[] {
  return fieldsOf(model).flatMap(({ kind, isList, name, type }) =>
    kind === 'object' && isList ? [{ name, type: type as ModelName }] : [],
  );
}

export function delegate({ db }: Pick<Session, 'db'>, model: ModelName): Delegate {
  return (db as unknown as Record<string, Delegate>)[delegateOf(model)] as Delegate;
}

/** What a row of a model needs besides what the second layer fills in. Any text will do, the constraints being gone. */
export function newRow(model: ModelName): Record<string, unknown> {
  const filled = ['tenantId', 'ownerId', 'createdBy', 'delegationId', 'requestId'];
  const values: Record<string, () => unknown> = {
    String: newId,
    Int: () => 1,
    DateTime: () => new Date(),
    Json: () => ({}),
  };
  return Object.fromEntries(
    fieldsOf(model)
      .filter(
        (field) => field.kind === 'scalar' && field.isRequired && !field.isList && !field.hasDefaultValue,
      )
      .filter(({ name }) => !filled.includes(name))
      .map(({ name, type }) => [name, values[type]?.()]),
  );
}

// Besides being of the caller's tenant ($1): whose rows concern an owner ($2) or an actor ($3), where owner_id is not all.
const ANY_WORLD = (world: string) =>
  `exists (select from world_members m where m.tenant_id = $1 and m.world_id = ${world} and m.entity_id = $2)`;
const CONCERNED: Partial<Record<ModelName, string>> = {
  Tenant: 'true',
  Identity: 't.entity_id = $2',
  Entity: `t.owner_id = $2 or t.id = $2 or ${ANY_WORLD('t.id')}`,
  Agent: 't.owner_id = $2 or t.id = $2',
  AgentInstructions: 't.owner_id = $2 or t.id = $2',
  World: `t.owner_id = $2 or ${ANY_WORLD('t.id')}`,
  WorldMember: `t.owner_id = $2 or ${ANY_WORLD('t.world_id')}`,
  Delegation: 't.owner_id = $2 or $3 in (t.delegator_id, t.delegate_id)',
  ActivityEntry: 't.owner_id = $2 and $3 in (t.owner_id, t.agent_id)',
  // what others share, an agent sees only where it is sent
  Memory: `t.owner_id = $2 or t.shared and $2 = $3 and ${ANY_WORLD('t.world_id')}`,
};
export const ADMINISTERED: readonly ModelName[] = ['User', 'Entity', 'Delegation', 'Credential'];

/** Who asks: people, an administrator, one of another tenant, an agent as itself and for its owner. */
export const CALLERS: readonly (readonly [ActorName, Acting])[] = [
  ['alice', {}],
  ['bob', {}],
  ['ada', {}],
  ['mallory', {}],
  ['scout', {}],
  ['scout', through.scout],
];

export type Concern = { readonly concerned: string[]; readonly foreign: { id: string; tenantId: string }[] };

/** Which rows of a model concern a context, by a definition of its own in SQL, and which do not. */
export function concernOf(
  on: TestDatabase,
  model: ModelName,
  context: Pick<Session, 'tenantId' | 'ownerId' | 'actorId' | 'administrator'>,
): Promise<Concern> {
  const condition =
    context.administrator && ADMINISTERED.includes(model) ? 'true' : (CONCERNED[model] ?? 't.owner_id = $2');
  return asAdmin(on.adminUrl, async (client) => {
    const { rows } = await client.query<{ id: string; tenantId: string; concerned: boolean }>(
      `select t.id, t.tenant_id as "tenantId", t.tenant_id = $1 and (${condition}) as concerned
         from ${tableOf(model)} t where $2::uuid is not null and $3::uuid is not null order by t.id`,
      [context.tenantId, context.ownerId, context.actorId],
    );
    return {
      concerned: rows.filter(({ concerned }) => concerned).map(({ id }) => id),
      foreign: rows.filter(({ concerned }) => !concerned).map(({ id, tenantId }) => ({ id, tenantId })),
    };
  });
}

/** vitest's `test` with such a database, made when the first test of the file asks for it. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('unguarded', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await createUnguarded();
    onCleanup(() => database.drop());
    return database;
  });

async function createUnguarded(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  await seedCast(database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  await migrate(database, arrangeKeys);
  await asAdmin(database.adminUrl, (client) =>
    client.query(`
      -- what Prisma does not know it cannot fill
      alter table credentials alter column digest drop not null;
      insert into audit_entries (tenant_id, id, event, actor_id, owner_id, request_id, policy_checksum)
      select tenant_id, gen_random_uuid(), 'test.made', id, owner_id, gen_random_uuid(), 'none' from entities;
      do $$
      declare
        item record;
      begin
        for item in
          select format('alter table %s drop constraint if exists %I cascade', conrelid::regclass, conname) as command
            from pg_constraint
           where connamespace = 'public'::regnamespace and contype in ('f', 'c', 'u') and coninhcount = 0 and conparentid = 0
          union all
          select format('drop index if exists %s', indexrelid::regclass)
            from pg_index i join pg_class c on c.oid = i.indrelid
           where c.relnamespace = 'public'::regnamespace and i.indisunique and not i.indisprimary and not c.relispartition
          union all
          select format('alter table %s disable row level security', c.oid::regclass)
            from pg_class c where c.relnamespace = 'public'::regnamespace and c.relrowsecurity
          union all
          select format('grant all on %s to bailiwick_runtime', c.oid::regclass)
            from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        loop
          execute item.command;
        end loop;
      end $$;
      -- what is read here is not written down, but for one in so many operations
      update tenants set receipt_every = 1000000000`),
  );
  await migrate(database, async (sql) => {
    await arrangeSharing(sql, STUDY, ATTIC);
    await arrangeBaselines(sql);
    await arrangeReceipts(sql);
  });
  return database;
}
