// What the probe tries besides the cells of ACCESS.txt: attempts that tell policies apart which the cells do not.
//
// Statements without a WHERE never ask whether a row may be seen, so only the policy of their own verb stands in their way.
// Twins differ from Alice's rows by tenant alone. Provenance is forged, limits are overstepped, values are sealed
// with the wrong keys, the kernel's functions called.

import { AGENTS, id, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { logging } from './activity-attempts.ts';
import { EXTRA, insertion, MEMBERS, memoryOf, SOON, SPARES, STUDY, STUDY_OWNER } from './arrangement.ts';
import { BLOCKS, type Statement } from './attempts.ts';
import { BASELINE_ROW, deviating, watching } from './baseline-attempts.ts';
import { digestOf, KEYS } from './credentials.ts';
import { announcing, listening, noting } from './event-attempts.ts';
import { deciding, judging } from './judging-attempts.ts';
import { PERMISSION_ROW, requests } from './permission-attempts.ts';
import { leaving } from './receipt-attempts.ts';
import { SERVICE_ROWS, sealingServices, services } from './service-attempts.ts';
import { sharing } from './sharing-attempts.ts';
import { isSomebody, type Voice } from './voices.ts';
import { DATA_KEYS, DESTROYED, keyOf, RETIRED_LONG_AGO, TENANT_KEYS, TWINS_ONLY, under } from './wrapped.ts';

export type Special = {
  readonly name: string;
  /** The table whose policies decide; undefined: the kernel. */
  readonly table: string | undefined;
  readonly statement: Statement;
};

const NEW = id<string>(9, '1');
const acme = TENANTS.acme.id;
const globex = TENANTS.globex.id;
const alice = USERS.alice.id;
const bob = USERS.bob.id;
const garden = WORLDS.garden.id;
const REQUEST = id<string>(7, 'f046ed');

/** Complete rows of Alice's that she herself may insert, without their tenant, in the tables that keep provenance. */
export const ROWS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  agents: { id: SPARES.alice.agentEntity, owner_id: alice, name: 'New' },
  worlds: { id: SPARES.alice.worldEntity, owner_id: alice, name: 'New' },
  world_members: { id: NEW, world_id: garden, owner_id: alice, entity_id: USERS.ada.id },
  delegations: {
    id: NEW,
    owner_id: alice,
    delegator_id: alice,
    delegate_id: AGENTS.scout.id,
    capabilities: ['memory:read'],
    expires_at: SOON,
  },
  memories: { id: NEW, owner_id: alice, content: 'New.', tags: [] },
  service_credentials: SERVICE_ROWS.service_credentials,
  permissions: PERMISSION_ROW,
  baselines: BASELINE_ROW,
};
/** Of them, those that are made in person alone, and have no column for a delegation. */
export const IN_PERSON: readonly string[] = ['service_credentials', 'permissions', 'baselines'];
/** The same and others, as they could be inserted next to the twins. */
export const TWINS: typeof ROWS = {
  ...ROWS,
  entities: { id: NEW, kind: 'agent', owner_id: alice },
  agent_instructions: {
    id: SPARES.alice.agent,
    owner_id: alice,
    system_prompt: under(keyOf(SPARES.alice.agent)),
  },
  world_members: { ...ROWS.world_members, entity_id: EXTRA },
  service_secrets: SERVICE_ROWS.service_secrets,
};

const forged = {
  'made by somebody else': { created_by: bob },
  'made in another request': { request_id: REQUEST },
  'made through a delegation': { delegation_id: DELEGATIONS.bobot.id },
} as const;

function insert(table: string, row: Readonly<Record<string, unknown>>): Statement {
  return insertion(table, { tenant_id: acme, ...row });
}

const fingerprint = (table: string): Statement => ({
  text: `select count(*) || ':' || coalesce(md5(string_agg(tenant_id || '/' || id, ',' order by tenant_id, id)), '') from ${table}`,
  values: [],
});

/** Everything special that a voice tries. */
export function specials(voice: Voice): Special[] {
  const list: Special[] = [];
  const attempt = (table: string | undefined, name: string, statement: Statement) =>
    list.push({ table, name, statement });

  const firsts = new Map(BLOCKS.toReversed().map((block) => [block.table, block]));
  for (const { table, set } of firsts.values()) {
    attempt(table, 'all that is seen', fingerprint(table));
    attempt(table, 'blind update', { text: `update ${table} set ${set}`, values: [] });
    attempt(table, 'blind delete', { text: `delete from ${table}`, values: [] });
  }
  for (const [table, row] of Object.entries(TWINS)) {
    attempt(table, 'into the twin tenant', insertion(table, { tenant_id: globex, ...row }));
  }
  for (const [table, row] of Object.entries(ROWS)) {
    attempt(table, 'as it should be', insert(table, row));
    for (const [name, lie] of Object.entries(forged)) {
      if (!(IN_PERSON.includes(table) && 'delegation_id' in lie)) {
        attempt(table, name, insert(table, { ...row, ...lie }));
      }
    }
    if (!IN_PERSON.includes(table)) {
      attempt(table, 'made through nothing', insert(table, { ...row, delegation_id: null }));
    }
  }
  entities(attempt);
  worlds(attempt);
  sharing(attempt);
  sealing(attempt);
  sealingServices(attempt, VALUES);
  requests(attempt, VALUES);
  logging(attempt);
  kernel(attempt);
  keys(attempt);
  services(attempt);
  judging(attempt);
  deciding(attempt);
  listening(attempt);
  leaving(attempt);
  if (voice.label !== undefined) {
    announcing(attempt);
    noting(attempt);
    deviating(attempt);
  }
  if (voice.delegation !== undefined) {
    watching(attempt);
  }
  return !isSomebody(voice) ? list.filter(({ table }) => table !== undefined) : list;
}

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

function entities(attempt: Attempt): void {
  for (const kind of ['agent', 'world']) {
    attempt('entities', `a new ${kind} of alice`, insert('entities', { id: NEW, kind, owner_id: alice }));
    const suspended = { id: NEW, kind, owner_id: alice, status: 'suspended' };
    attempt('entities', `a new suspended ${kind} of alice`, insert('entities', suspended));
  }
  attempt('entities', 'a ceiling for all', { text: `update entities set ceiling = '[]'`, values: [] });
  attempt(
    'agent_instructions',
    'instructions of alice',
    insert('agent_instructions', { id: SPARES.alice.agent, owner_id: alice }),
  );
}

function worlds(attempt: Attempt): void {
  attempt(
    'world_members',
    'bob into the study',
    insert('world_members', { id: NEW, world_id: STUDY, owner_id: alice, entity_id: bob }),
  );
  attempt('world_members', "an owner's role", {
    text: `update world_members set role = 'member' where id = $1`,
    values: [STUDY_OWNER],
  });
  attempt('world_members', 'a role of owner', {
    text: `update world_members set role = 'owner' where id = $1`,
    values: [MEMBERS.garden.id],
  });
  attempt('world_members', "an owner's leaving", {
    text: 'delete from world_members where id = $1',
    values: [STUDY_OWNER],
  });
  for (const [where, world_id] of Object.entries({
    garden,
    study: STUDY,
    workshop: WORLDS.workshop.id,
    nowhere: null,
  })) {
    attempt('memories', `a memory of alice, ${where}`, insert('memories', { ...ROWS.memories, world_id }));
  }
}

function kernel(attempt: Attempt): void {
  const call = (text: string, ...values: unknown[]): Statement => ({ text: `select ${text}`, values });
  attempt(
    undefined,
    'audit',
    call('bailiwick.audit(bailiwick.id_at(clock_timestamp()), $1, null, null, null)::text', 'probe.made'),
  );
  attempt(undefined, 'live', call(`bailiwick.describe() ->> 'live'`));
  attempt(undefined, 'revoke', call('bailiwick.revoke_delegation($1) is not null', DELEGATIONS.scribe.id));
  attempt(
    undefined,
    'narrow',
    call('bailiwick.narrow_delegation($1, now() + interval $$1 minute$$) is not null', DELEGATIONS.scout.id),
  );
  attempt(undefined, 'kill switch', call('cardinality(bailiwick.revoke_agent($1))', AGENTS.rogue.id));
  const issue = `bailiwick.issue_key($1, $2, 'New', 'bwk_News', $3, '{memory:read}', null, now() + $$1 hour$$)`;
  const issued = (entity: string) =>
    call(`coalesce(${issue}, 'made')`, NEW, entity, digestOf('somebody new'));
  attempt(undefined, 'a key for alice', issued(alice));
  attempt(undefined, 'a key for rogue', issued(AGENTS.rogue.id));
  const rotate = `bailiwick.rotate_key($1, $2, 'bwk_News', $3, now() + $$10 minutes$$, $$1 hour$$)`;
  const rotated = call(`coalesce(${rotate}, 'made')`, KEYS.alice.id, NEW, digestOf('somebody new'));
  attempt(undefined, 'a key in the place of one', rotated);
  attempt(undefined, 'the end of a key', call('bailiwick.revoke_key($1) is not null', KEYS.scout.id));
  attempt(undefined, 'the end of all keys', call('bailiwick.end_credentials($1) is not null', alice));
  attempt(undefined, 'the use of a key', call(`bailiwick.keys_used('[]')`));
  attempt(undefined, 'at the service', call(`bailiwick.serves('identity')`));
  const client = `bailiwick.issue_key($1, $2, 'New', null, null, '{memory:read}', null, now() + $$1 hour$$, '{}')`;
  attempt(undefined, 'a client for alice', call(`coalesce(${client}, 'made')`, NEW, alice));
  const session = `bailiwick.start_session($1, 'New', '{memory:read}', now() + $$1 hour$$)`;
  attempt(undefined, 'a session', call(`coalesce(${session}, 'made')`, NEW));
  service(attempt, call);
}

/** Values in encrypted columns: whose key each names, and whether that counts. */
const VALUES: Readonly<Record<string, string | null>> = {
  "under alice's key": under(DATA_KEYS.alice),
  "under scout's key": under(DATA_KEYS.scout),
  "under bob's key": under(DATA_KEYS.bob),
  "under rogue's key": under(DATA_KEYS.rogue),
  "under the new agent's key": under(keyOf(SPARES.alice.agent)),
  "under the key of alice's twin": under(TWINS_ONLY),
  'under a key that was destroyed': under(DESTROYED),
  'under a key that was retired': under(RETIRED_LONG_AGO),
  'under a key in capitals': under(DATA_KEYS.alice.toUpperCase()),
  'of another format': under(DATA_KEYS.alice).replace('1', '2'),
  'in plain text': 'New.',
  'of nothing': null,
};

function sealing(attempt: Attempt): void {
  const good = under(DATA_KEYS.alice);
  const goodForSpare = under(keyOf(SPARES.alice.agent));
  const change = `update memories set sensitive = true, content = $1, metadata = to_jsonb($2::text) where tenant_id = $3 and id = $4`;
  const memory = [acme, memoryOf('alice')];
  const secret = (content: string | null, metadata: string | null) =>
    insert('memories', { ...ROWS.memories, sensitive: true, content, metadata: JSON.stringify(metadata) });
  const instructions = (system_prompt: string | null, private_instructions: string | null) =>
    insert('agent_instructions', { ...TWINS.agent_instructions, system_prompt, private_instructions });
  const instruct = `update agent_instructions set system_prompt = $1, private_instructions = $2 where id = $3`;
  for (const [value, text] of Object.entries(VALUES)) {
    attempt('memories', `a secret ${value}`, secret(text, good));
    attempt('memories', `a secret with metadata ${value}`, secret(good, text));
    attempt('memories', `a memory made a secret ${value}`, { text: change, values: [text, good, ...memory] });
    attempt('memories', `a memory given metadata ${value}`, {
      text: change,
      values: [good, text, ...memory],
    });
    attempt('agent_instructions', `a prompt ${value}`, instructions(text, goodForSpare));
    attempt('agent_instructions', `instructions ${value}`, instructions(goodForSpare, text));
    for (const values of [
      [text, null],
      [null, text],
    ]) {
      attempt('agent_instructions', `rogue told ${values.indexOf(text)} ${value}`, {
        text: instruct,
        values: [...values, AGENTS.rogue.id],
      });
    }
  }
}

/** The keys of encrypted fields: what a context counts as its own, and what it can add. */
function keys(attempt: Attempt): void {
  const call = (text: string, ...values: unknown[]): Statement => ({ text: `select ${text}`, values });
  attempt(undefined, 'whose keys', call('bailiwick.key_holder()'));
  attempt(undefined, 'the keys of which tenant', call('bailiwick.key_tenant()'));
  const added = `bailiwick.add_tenant_key($1, $2, 'x', false)`;
  attempt(undefined, 'a first key for indexes', call(added, NEW, 'index'));
  attempt(undefined, 'another key that wraps', call(added, NEW, 'wrap'));
  const kept = `bailiwick.add_data_key($1, $2, $3, 'x', false)`;
  const holders = {
    ...{
      alice,
      bob,
      ada: USERS.ada.id,
      scout: AGENTS.scout.id,
      rogue: AGENTS.rogue.id,
      late: AGENTS.late.id,
    },
    ...{ bobot: AGENTS.bobot.id, mimic: AGENTS.mimic.id, 'the new agent': SPARES.alice.agent, garden },
  };
  for (const [holder, of] of Object.entries(holders)) {
    attempt(undefined, `a data key for ${holder}`, call(kept, NEW, of, TENANT_KEYS.acme));
    attempt(undefined, `what ${holder} may seal with`, call(`bailiwick.seals($1, $2)`, under(keyOf(of)), of));
  }
  for (const [which, of] of Object.entries({
    'of globex': TENANT_KEYS.globex,
    'for indexes': TENANT_KEYS.index,
  })) {
    attempt(undefined, `a data key below the key ${which}`, call(kept, NEW, SPARES.alice.agent, of));
    attempt(undefined, `a data key of one's own below the key ${which}`, call(kept, NEW, bob, of));
  }
}

/** What the token service alone may ask. */
function service(attempt: Attempt, call: (text: string, ...values: unknown[]) => Statement): void {
  const digest = digestOf('somebody new');
  const questions: Readonly<Record<string, Statement>> = {
    'the end of a session': call('bailiwick.end_session($1, $2) is not null', TENANTS.acme.id, NEW),
    'what a credential is': call(`bailiwick.credential_of('acme', $1) is not null`, NEW),
    'the keeping of a refresh token': call(`bailiwick.keep_refresh($1, '{}', now()) is not null`, digest),
    'what a refresh token is': call('bailiwick.find_refresh($1) is not null', digest),
    'the use of a refresh token': call('bailiwick.use_refresh($1)', digest),
    'the spending of a token': call('bailiwick.spend($1, now())', digest),
    'the keys that sign': call('jsonb_array_length(bailiwick.signing_keys())'),
    'a key that signs': call(`bailiwick.add_signing_key('k', 'ES256', '{}', '', now(), '')`),
  };
  for (const [name, question] of Object.entries(questions)) {
    attempt(undefined, name, question);
  }
}
