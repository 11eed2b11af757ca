// What the model says that everything readable answers, in the words of reading.ts. A row that is asked for by type shows as
// sight.ts has it; a relation to one row leads to whatever maySee shows, because Prisma takes no condition there.

import { ACTIONS, ARGUMENTS, CALL, lineOf } from '../../../../src/assurance/actions.ts';
import { ACTED, READ } from '../../../../src/assurance/columns.ts';
import type { Row } from '../../../../src/assurance/rows.ts';
import { type Approval, idOf, slugOf } from '../../../../src/assurance/world.ts';
import { administers, alive, capabilitiesOf, maySee } from '../rules.ts';
import { labelOf, type Question, type Reading, together } from './reading.ts';
import { found, opens, rowOf, type Scene } from './scene.ts';
import { type NodeType, shows, TABLE_OF } from './sight.ts';

type Index = number | null | undefined;

/** Instructions of whoever has no key are empty. */
const isTold = (scene: Scene, row: Row): boolean => row.sealed !== null && opens(scene, row);

/** A row in a list. */
function short(scene: Scene, row: Row): string {
  const { name, tenant, table, user, delegation, key } = row;
  switch (table) {
    case 'world_members':
      return `${name} u${user}`;
    case 'delegations':
      return `${name} ${delegation?.delegator} -> a${delegation?.delegate}`;
    case 'access_receipts':
      return `${name} ${READ.operation}`;
    case 'memories':
      return opens(scene, row) ? `${name} ${name} of tenant-${tenant}` : `${name} sealed`;
    case 'credentials':
      return `${name} of ${key?.entity} [${key?.capabilities.join(' ')}]`;
    default:
      return `${name} ${name} of tenant-${tenant}`;
  }
}

/** A row that a relation leads to. */
function linked(scene: Scene, type: 'Agent' | 'World', index: Index): string {
  const name = `${type === 'Agent' ? 'a' : 'w'}${index}`;
  const row = rowOf(scene, TABLE_OF[type], name);
  return row !== undefined && maySee(scene.a, row) ? short(scene, row) : 'none';
}

function text(scene: Scene, type: NodeType, row: Row): string {
  const { a, rows } = scene;
  const { tenant } = a;
  const label = `${type} ${row.name}`;
  const index = Number(row.name.slice(1));
  const slug = `tenant-${a.at}`;
  const called = `${label} ${row.name} of ${slug}`;
  const agent = (n: Index) => linked(scene, 'Agent', n);
  const world = (n: Index) => linked(scene, 'World', n);
  switch (type) {
    case 'Tenant':
      return `${label} ${slug} ${slug}`;
    case 'User': {
      const user = tenant.users[index];
      return `${called}, ${user?.admin ? 'admin' : 'member'}, ${user?.status.toUpperCase()}`;
    }
    case 'Agent': {
      const told = rows.some(
        (one) =>
          one.table === 'agent_instructions' && one.name === row.name && maySee(a, one) && isTold(scene, one),
      );
      const { status, parent } = tenant.agents[index] ?? {};
      return `${called}, ${status?.toUpperCase()}, below ${agent(parent)}, told ${told ? 'Be brief.' : null} null, usually ${usualOf(scene, index)}`;
    }
    case 'World':
      return `${called}, ${tenant.places[index]?.status.toUpperCase()}, of ${row.owner}`;
    case 'WorldMember':
      return `${label} u${row.user} as ${row.owner === `u${row.user}` ? 'OWNER' : row.guest ? 'GUEST' : 'MEMBER'} in ${world(row.place)}`;
    case 'Delegation':
      return `${label} ${delegationText(row)}, shows ${agent(row.delegation?.delegate)} and ${world(row.delegation?.place)}`;
    case 'Memory':
      return [
        opens(scene, row) ? `${called} {}` : `${label} null null`,
        ...(tenant.memories[index]?.sensitive ? ['sensitive'] : []),
        ...(row.shared ? ['shared'] : []),
        `of ${row.owner} by ${agent(tenant.memories[index]?.agent)} in ${world(row.place)}`,
      ].join(', ');
    case 'Credential':
      return `${label} ${keyText(scene, row)}`;
    case 'ServiceCredential': {
      const { ownerOnly, ends = null, agent: meant } = row.service ?? {};
      const state = ends === null ? 'ACTIVE' : ends > 0 ? 'EXPIRING' : 'EXPIRED';
      return [
        `${called} at https://new.invalid, ${ownerOnly ? "the owner's alone" : 'for whoever may read it'}`,
        `${state}, can ${CALL}, last used by none, shows ${agent(meant)}`,
      ].join(', ');
    }
    case 'Permission': {
      const { effect, agent: meant = null, service, action } = row.permission ?? {};
      const whom = meant === null ? 'everybody' : 'one';
      return `${called}: ${effect?.toUpperCase()} ${whom} to ${action} at ${service}, shows ${agent(meant)}`;
    }
    case 'Approval':
      return [
        `${called}: ${opens(scene, row) ? JSON.stringify(ARGUMENTS) : null} ${stateOf(row.approval)}`,
        acted(scene, row.approval, ACTIONS[row.approval?.about ?? 0]),
      ].join(', ');
    case 'ActivityEntry':
      return `${called}: ${ACTED.outcome.toUpperCase()}, ${acted(scene, row.approval, ACTED)}`;
    case 'Baseline':
      return `Baseline ${usualText(row)}, not broken, shows ${agent(row.baseline?.agent)}`;
    case 'AccessReceipt':
      return [
        `${label} of ${READ.operation} reading ${READ.kind} m${index} ${READ.times} on ${READ.day}`,
        `by a${row.receipt?.agent} under d0, shows ${agent(row.receipt?.agent)}`,
      ].join(' ');
    default:
      return type satisfies never;
  }
}

function usualText({ name, baseline }: Row): string {
  return `${name} ${baseline?.frozen ? 'FROZEN' : 'LEARNING'} ${baseline?.lenient ? 0.95 : 0.5}`;
}

/** What is usual for an agent, where that is known: the baseline is found by the agent alone. */
function usualOf(scene: Scene, agent: number): string {
  const row = scene.rows.find((one) => one.baseline?.agent === agent);
  return row !== undefined && maySee(scene.a, row) ? usualText(row) : 'unknown';
}

/** Which action, by whom and through what. */
function acted(
  scene: Scene,
  asked: Approval | undefined,
  done: { readonly service: string; readonly action: string } | undefined,
): string {
  const { tenant } = scene.a;
  const delegate = tenant.delegations[asked?.delegation ?? -1]?.delegate;
  const through = lineOf(tenant, asked?.delegation ?? null).map((n) => `d${n}`);
  return [
    `${done?.action} at ${done?.service} by a${delegate} through ${through.join(' ')}`,
    `shows ${linked(scene, 'Agent', delegate)}`,
  ].join(', ');
}

/** Where a request stands: what is over is over, however it was decided. */
function stateOf(asked: Approval | undefined): string {
  const { redeemed, decision, ends = 0 } = asked ?? {};
  const open = decision === 'approved' ? 'APPROVED' : 'WAITING';
  return redeemed ? 'REDEEMED' : decision === 'rejected' ? 'REJECTED' : ends <= 0 ? 'EXPIRED' : open;
}

function keyText(scene: Scene, { key, name }: Row): string {
  if (key === undefined) {
    throw new TypeError(`${name} is no key`);
  }
  const { kind, entity, capabilities, pinned, revoked, ends } = key;
  const ofAgent = entity.startsWith('a');
  const state = revoked ? 'REVOKED' : ends <= 0 ? 'EXPIRED' : 'ACTIVE';
  // the agent is reached through its entity, so both must show
  const holder = rowOf(scene, 'entities', entity);
  const reached = ofAgent && holder !== undefined && maySee(scene.a, holder);
  return [
    kind === 'client'
      ? `CLIENT ${idOf(name)}@${slugOf(scene.a.at)}`
      : kind === 'session'
        ? 'SESSION unnamed'
        : 'API_KEY with a hint',
    `${kind === 'client' ? 'a key' : 'no key'} to see`,
    `of ${entity}, for ${ofAgent ? 'Agent' : 'User'} ${entity} under ${pinned === null ? 'none' : `d${pinned}`}`,
    `after none, [${capabilities.join(' ')}] ${state}`,
    `shows ${reached ? linked(scene, 'Agent', Number(entity.slice(1))) : 'none'}`,
  ].join(', ');
}

function delegationText({ delegation: one, name }: Row): string {
  if (one === undefined) {
    throw new TypeError(`${name} is no delegation`);
  }
  const state = one.revoked ? 'REVOKED' : one.ends <= 0 ? 'EXPIRED' : one.starts > 0 ? 'PENDING' : 'ACTIVE';
  const [parent, place] = [one.parent, one.place].map((index, n) =>
    index === null ? 'none' : `${'dw'[n]}${index}`,
  );
  return [
    `${one.delegator} -> a${one.delegate} for u${one.owner}`,
    `depth ${one.depth} below ${parent}, only ${place}, passes on ${one.redelegate}`,
    `[${one.capabilities.join(' ')}] ${state}`,
  ].join(', ');
}

/** What the model says of everything that a question asks for. */
export function expectedReading(scene: Scene, { variables }: Question): Reading {
  const { ids, one } = variables;
  const byId = (id: string) => {
    const { type, name } = labelOf(id);
    const row = rowOf(scene, TABLE_OF[type], name);
    return row !== undefined && found(scene, type, name) ? text(scene, type, row) : 'null';
  };
  return new Map([
    ...lists(scene, variables),
    ...ids.map((id): [string, string] => [id, byId(id)]),
    ['node', byId(one)],
    ['viewer', viewer(scene)],
  ]);
}

function lists(scene: Scene, { archived, place, agent }: Question['variables']): [string, string][] {
  const { a, rows } = scene;
  const { agents, places, memories } = a.tenant;
  const all = (type: NodeType, also: (row: Row, index: number) => boolean = () => true) =>
    rows.filter((row) => shows(a, type, row, rows) && also(row, Number(row.name.slice(1))));
  const list = (name: string, some: readonly Row[]): [string, string] => [
    name,
    together(some.map((row) => short(scene, row))),
  ];
  // what others share is a list of its own
  const isOwn = (row: Row) => row.owner === a.owner;
  const agentsOf = (name: string, isArchived: boolean) => {
    const some = all('Agent', (_, n) => (agents[n]?.status === 'archived') === isArchived);
    const nested = some.flatMap(({ name: agent }) => {
      const index = Number(agent.slice(1));
      const below = (_: Row, n: number) => agents[n]?.status !== 'archived' && agents[n]?.parent === index;
      return [
        list(`${name} ${agent}.subagents`, all('Agent', below)),
        list(
          `${name} ${agent}.memories`,
          all('Memory', (row, n) => isOwn(row) && memories[n]?.agent === index),
        ),
      ];
    });
    return [list(name, some), ...nested];
  };
  const worldsOf = (name: string, isArchived: boolean) => {
    const some = all('World', (_, n) => (places[n]?.status === 'archived') === isArchived);
    const nested = some.flatMap(({ name: world, place }) => {
      const inIt = (row: Row) => row.place === place;
      return [
        list(`${name} ${world}.members`, all('WorldMember', inIt)),
        list(
          `${name} ${world}.memories`,
          all('Memory', (row) => isOwn(row) && inIt(row)),
        ),
      ];
    });
    return [list(name, some), ...nested];
  };
  // an agent by itself owns no delegation
  const byItself = a.actor.startsWith('a') && a.chain.length === 0;
  const granted = ({ owner, delegation }: Row) =>
    byItself ? delegation?.delegator === a.actor : owner === a.owner;
  return [
    ...agentsOf('agents', false),
    ...worldsOf('worlds', false),
    ...(archived ? [...agentsOf('archivedAgents', true), ...worldsOf('archivedWorlds', true)] : []),
    list('members', all('WorldMember')),
    list('memories', all('Memory', isOwn)),
    // what is sensitive is in no search
    list(
      'searchMemories',
      all('Memory', (row, n) => isOwn(row) && memories[n]?.sensitive === false),
    ),
    list('delegationsGranted', all('Delegation', granted)),
    list(
      'delegationsHeld',
      all('Delegation', (row) => `a${row.delegation?.delegate}` === a.actor),
    ),
    list('credentials', all('Credential')),
    list(
      'clients',
      all('Credential', ({ key }) => key?.kind === 'client'),
    ),
    list('serviceCredentials', all('ServiceCredential')),
    list('permissions', all('Permission')),
    list('approvals', all('Approval')),
    list('activity', all('ActivityEntry')),
    list('accessReceipts', all('AccessReceipt')),
    list(
      'sharedMemories',
      all('Memory', (row) => row.shared === true && `w${row.place}` === labelOf(place).name),
    ),
    // nothing is usual yet, so that a call to anywhere is as far from it as a host alone can be
    [
      'compareToBaseline',
      all('Baseline', (row) => `a${row.baseline?.agent}` === labelOf(agent).name).length > 0
        ? '0.9 after 0'
        : 'null',
    ],
  ];
}

function viewer(scene: Scene): string {
  const { a, asker } = scene;
  const chain = (leaf: number | null): string[] =>
    leaf === null ? [] : [...chain(a.tenant.delegations[leaf]?.parent ?? null), `d${leaf}`];
  return [
    `${a.actor} for ${a.owner}, ${alive(a) ? 'live' : 'dead'}`,
    ...(administers(a) ? ['administrator'] : []),
    ...chain(asker.delegation),
    ...capabilitiesOf(a),
    `Tenant t${a.at} tenant-${a.at} tenant-${a.at}`,
  ].join(' ');
}
