// Every mutation of the schema on every row, as attempts; how several are put into one operation, and how its answer reads.
//
// Attempts share an operation where none changes what another finds: an outcome that is a type leaves the transaction as
// it was, an error ends it. Which of them go together follows from the model; where the model is wrong, each is tried again
// by itself, so that it is always an answer of the server that is compared.

import { type GraphQLObjectType, getNamedType, getNullableType, isObjectType, isUnionType } from 'graphql';
import { schema } from '../../../../src/schema.ts';
import { OF_AGENTS } from './agents.ts';
import { OF_DELEGATIONS } from './delegations.ts';
import { OF_KEYS } from './keys.ts';
import { OF_OUTSIDE } from './outside.ts';
import { type Attempt, nameOfGlobal, type Scene, type Tried } from './scene.ts';
import { OF_SERVICES } from './services.ts';
import type { Answer } from './stage.ts';
import { OF_USUAL } from './usual.ts';
import { OF_WORLDS } from './worlds.ts';

export const MUTATIONS: Readonly<Record<string, (scene: Scene) => Tried[]>> = {
  ...OF_AGENTS,
  ...OF_WORLDS,
  ...OF_DELEGATIONS,
  ...OF_KEYS,
  ...OF_SERVICES,
  ...OF_OUTSIDE,
  ...OF_USUAL,
};

/** What takes rows or authority away, or shortens it, leaves another world for whoever comes next; so does a first key. */
const UNSETTLING = new Set([
  'setAgentStatus',
  'setAgentCeiling',
  'deleteAgent',
  'deleteWorld',
  'deleteMemory',
  'removeWorldMember',
  'narrowDelegation',
  'revokeDelegation',
  'renounceDelegation',
  'revokeAgent',
  'rotateApiKey',
  'revokeCredential',
  'endCredentials',
  'rotateServiceCredential',
  'deleteServiceCredential',
  'createPermission',
  'updatePermission',
  'deletePermission',
  'authorizeAction',
  'decideApproval',
  'redeemApproval',
  'freezeBaseline',
  'resetBaseline',
]);

/** What has left cannot be rolled back, so the server takes it with nothing beside it. */
const SOLITARY = new Set(['callService']);

/** Keys that are made once, by whoever needs one first. */
const FIRST = new Set(['+data_keys', '+tenant_keys']);

const REFUSED =
  /^(NotFound|AlreadyThere|DelegationRefused|CredentialRefused|ServiceCallRefused|ApprovalRefused|error) ?/;

/** Everything that an asker tries. */
export function attemptsOf(scene: Scene): Attempt[] {
  return Object.entries(MUTATIONS).flatMap(([field, make]) =>
    make(scene).map(({ input, what, outcome, changes, noted = [] }): Attempt => {
      const refused = REFUSED.test(outcome);
      const left = refused ? noted : changes;
      return {
        field,
        input,
        name: `${field} ${what}`,
        outcome,
        changes: left,
        alone:
          SOLITARY.has(field) ||
          outcome.startsWith('error') ||
          (!refused && UNSETTLING.has(field)) ||
          left.some((change) => FIRST.has(change)),
      };
    }),
  );
}

/** Below the server's limits of aliases and tokens. */
const MOST_TOGETHER = 40;

export function operationsOf(attempts: readonly Attempt[]): Attempt[][] {
  const alone = attempts.filter((attempt) => attempt.alone).map((attempt) => [attempt]);
  const together = attempts.filter((attempt) => !attempt.alone);
  const packed = Array.from({ length: Math.ceil(together.length / MOST_TOGETHER) }, (_, n) =>
    together.slice(n * MOST_TOGETHER, (n + 1) * MOST_TOGETHER),
  );
  return [...packed, ...alone];
}

/** What of a result tells which row it is about. */
const TELLING = [
  ...['id', 'deletedId', 'removedId', 'delegationId', 'agentId', 'revokedIds'],
  ...['credentialId', 'holderId'],
];

/** What tells by itself; by another name where several types have it, because the reasons of one are not those of the other. */
const PLAIN = ['reason', 'secret'];
const plainly = (type: unknown, name: string) => `${name}Of${type}`;

/** Rows within a result that tell more. */
const WITHIN: Readonly<Record<string, string>> = {
  CreatedMemories: 'memories { id }',
  IssuedApiKey: 'credential { id holderId delegationId replacesId }',
  RegisteredClient: 'credential { id holderId delegationId replacesId }',
  ActionVerdict: 'effect rule { id } approval { id }',
  ApprovalRequired: 'approval { id }',
};

const mutations = schema.getMutationType()?.getFields() ?? {};

function fragmentOf(field: string): string {
  const result = getNamedType(mutations[field]?.type);
  const members = isUnionType(result) ? result.getTypes() : isObjectType(result) ? [result] : [];
  const each = members.map((member: GraphQLObjectType) => {
    const has = (name: string) => name in member.getFields();
    const plain = PLAIN.filter(has).map((name) =>
      members.filter((one) => name in one.getFields()).length > 1
        ? `${plainly(member.name, name)}: ${name}`
        : name,
    );
    const all = ['__typename', ...TELLING.filter(has), ...plain, WITHIN[member.name] ?? ''];
    return `... on ${member.name} { ${all.join(' ')} }`;
  });
  return `fragment ${field}Result on ${result?.name} { ${each.join(' ')} }`;
}

/** The operation of some attempts, each under an alias of its own. */
export function documentOf(attempts: readonly Attempt[]): { query: string; variables: object } {
  const inputs = attempts.map(
    ({ field }, n) => `$i${n}: ${getNullableType(mutations[field]?.args[0]?.type)}!`,
  );
  const fields = attempts.map(({ field }, n) => `m${n}: ${field}(input: $i${n}) { ...${field}Result }`);
  const fragments = [...new Set(attempts.map(({ field }) => field))].map(fragmentOf);
  return {
    query: `mutation (${inputs.join(', ')}) { ${fields.join(' ')} } ${fragments.join(' ')}`,
    variables: Object.fromEntries(attempts.map(({ input }, n) => [`i${n}`, input])),
  };
}

/** The outcome of the n-th attempt of an operation, in the words of the expectations. */
export function outcomeOf({ data, errors }: Answer, n: number): string {
  if (errors.length > 0) {
    return `error ${[...new Set(errors.map(({ extensions }) => extensions.code))].join(' ')}`;
  }
  const result = (data?.[`m${n}`] ?? {}) as Record<string, unknown>;
  const type = result.__typename;
  const told = TELLING.flatMap((name) => [result[name] ?? []].flat().sort()).map(String);
  const plain = PLAIN.flatMap((name) => [name, plainly(type, name)]).filter((name) => name in result);
  const { holderId, delegationId, replacesId } = (result.credential ?? {}) as Record<string, string | null>;
  const ofKey = [holderId, delegationId, replacesId].flatMap((id) => id ?? []);
  const ofVerdict = [result.rule, result.approval].flatMap((row) => (row as { id: string } | null)?.id ?? []);
  const named = [...told, ...ofKey, ...ofVerdict].flatMap((id) => nameOfGlobal(id) ?? []);
  const effect = 'effect' in result ? [result.effect] : [];
  return [type, ...named, ...plain.map((name) => result[name]), ...effect].map(String).join(' ');
}
