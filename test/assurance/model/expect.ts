// What the model says must come of each move, in the words in which observe.ts writes down what came of it.

import { everybody } from '../../../src/assurance/askers.ts';
import { describeAsker, describeWorld } from '../../../src/assurance/describe.ts';
import type { Rotation } from '../../../src/assurance/keys.ts';
import type { Move, NewRow } from '../../../src/assurance/moves.ts';
import type { Observation } from '../../../src/assurance/observe.ts';
import { type Row, rowsOf, type TableName } from '../../../src/assurance/rows.ts';
import type { Asker, Principal, World } from '../../../src/assurance/world.ts';
import { grantRefusal, mayEnd, mayKill } from './granting.ts';
import { issueRefusal, keyRefusal, mayEndKeysOf, rotationRefusal, sessionRefusal } from './keys.ts';
import { expectedOutside, isAsked, isEarned } from './permissions.ts';
import {
  type Authority,
  administers,
  alive,
  authorityOf,
  capabilitiesOf,
  describedAs,
  mayDelete,
  mayInsert,
  maySee,
  mayUpdate,
  type Rule,
  readsSecret,
  shares,
} from './rules.ts';
import { keepsDataKey, keepsTenantKey, seals, staysSealed } from './sealing.ts';
import { notedOf, usedAs } from './services.ts';

/** What the server itself gets: what nobody gets, and what is open to its service. */
export function expectedOfServer(rows: readonly Row[], move: Move): string {
  if (move.verb === 'leave receipts') {
    const [memory] = rows.filter(
      ({ table, tenant, name }) => table === 'memories' && tenant === 0 && name === `m${move.memory}`,
    );
    return `left/t0/${memory?.owner ?? move.owner}/a${move.agent}/m${move.memory}/2`;
  }
  if (move.verb === 'see' && move.table === 'issuers') {
    return rows
      .filter(({ table }) => table === 'issuers')
      .map(({ tenant, name }) => `t${tenant}/${name}`)
      .sort()
      .join(' ');
  }
  return move.verb === 'use' ? 'told of 1' : expected(rows, undefined, move);
}

/** The expected outcome of a move, asked of the model. Undefined authority: nobody. */
export function expected(rows: readonly Row[], a: Authority | undefined, move: Move): string {
  const which = (of: TableName, rule: Rule, keep = true) =>
    rows
      .filter((row) => row.table === of && (a !== undefined && rule(a, row)) === keep)
      .map(({ tenant, name }) => `t${tenant}/${name}`)
      .sort()
      .join(' ');
  const seenAnd =
    (rule: Rule): Rule =>
    (who, row) =>
      maySee(who, row) && rule(who, row);
  // one row that would not be sealed rightly, or not be shared any more, stops a statement about many
  const table = 'table' in move ? move.table : 'memories';
  const stopped = (rule: Rule, fits: Rule) =>
    a !== undefined && rows.some((row) => row.table === table && rule(a, row) && !fits(a, row))
      ? '42501'
      : undefined;
  // a secret that may not be deleted holds its credential, and one such row stops a statement about many
  const hanging = (rule: Rule) =>
    a !== undefined &&
    'table' in move &&
    move.table === 'service_credentials' &&
    rows.some(
      (row) =>
        row.table === 'service_secrets' &&
        !mayDelete(a, row) &&
        rule(a, { ...row, table: 'service_credentials' }),
    )
      ? '23001'
      : undefined;
  const end = (target: number) => a !== undefined && mayEnd(a, target);
  switch (move.verb) {
    case 'see':
      return which(move.table, maySee);
    case 'update':
      return stopped(mayUpdate, staysAsIs) ?? which(move.table, mayUpdate);
    case 'update seen':
      return stopped(seenAnd(mayUpdate), staysAsIs) ?? which(move.table, seenAnd(mayUpdate));
    case 'seal': {
      const { value } = move;
      const fits = (who: Authority, { holder }: Row) => holder !== undefined && seals(who, value, holder);
      return stopped(mayUpdate, fits) ?? which(move.table, mayUpdate);
    }
    case 'delete':
      return hanging(mayDelete) ?? which(move.table, mayDelete, false);
    case 'delete seen':
      return hanging(seenAnd(mayDelete)) ?? which(move.table, seenAnd(mayDelete));
    case 'insert':
      return a !== undefined &&
        mayInsert(a, move.table, move.row) &&
        isSealed(a, move.table, move.row) &&
        (move.table === 'activity_entries' ? isEarned(a, move.row) : isAsked(a, move.row))
        ? fits(a, move.table, move.row)
        : 'refused';
    case 'share': {
      const one: Rule = (who, row) => row.name === `m${move.memory}` && seenAnd(mayUpdate)(who, row);
      const fits: Rule = (who, row) => staysSealed(who, row) && shares(who, row.place, 'update');
      return (
        stopped(one, fits) ??
        // what is sensitive is not shared, by the constraint that says so
        (a !== undefined && rows.some((row) => row.table === 'memories' && one(a, row) && row.sealed !== null)
          ? '23514'
          : which('memories', one))
      );
    }
    case 'take back':
      return stopped(mayUpdate, staysSealed) ?? which('memories', mayUpdate);
    case 'keep tenant key':
      return a !== undefined && keepsTenantKey(a, move.purpose) ? 'kept' : 'not kept';
    case 'keep data key':
      return a !== undefined && keepsDataKey(a, move.wanted) ? 'kept' : 'not kept';
    case 'grant':
      return a !== undefined && move.grant.lie === undefined && grantRefusal(a, move.grant) === undefined
        ? 'admitted'
        : 'refused';
    case 'why not':
      return a === undefined ? 'authority' : (grantRefusal(a, move.grant) ?? 'no reason');
    case 'revoke':
      return end(move.delegation) ? 'done' : 'nothing';
    case 'narrow':
      // to a minute from now, which must lie after its beginning
      return end(move.delegation) && (a?.tenant.delegations[move.delegation]?.starts ?? 0) < 60
        ? 'done'
        : 'nothing';
    case 'kill':
      return a !== undefined && mayKill(a, move.agent)
        ? ended([...heldBy(a, move.agent), ...keysOf(a, `a${move.agent}`)])
        : 'nothing';
    case 'why no key':
      return a === undefined ? 'authority' : (keyRefusal(a, move.wanted) ?? 'no reason');
    case 'make key': {
      const { entity, pinned } = move.wanted;
      const made = ['made', `t${a?.at}/${entity}`, ...(pinned === null ? [] : [`d${pinned}`])].join(' ');
      return a === undefined ? 'authority' : (issueRefusal(a, move.wanted) ?? made);
    }
    case 'make client': {
      const made = `made client t${a?.at}/${move.wanted.entity}`;
      return a === undefined ? 'authority' : (issueRefusal(a, move.wanted) ?? made);
    }
    case 'start session':
      return a === undefined
        ? 'authority'
        : (sessionRefusal(a, move.wanted) ?? `made session t${a.at}/${a.actor}`);
    case 'rotate':
      return a === undefined ? 'key' : (rotationRefusal(a, move.rotation) ?? replaced(a, move.rotation));
    case 'revoke key': {
      const entity = a?.tenant.keys[move.key]?.entity;
      return a !== undefined && entity !== undefined && mayEndKeysOf(a, entity)
        ? ended(keysOf(a, entity).filter((key) => key.endsWith(`/k${move.key}`)))
        : 'nothing';
    }
    case 'end credentials':
      return a !== undefined && mayEndKeysOf(a, move.entity)
        ? ended([`t${a.at}/${move.entity}`, ...keysOf(a, move.entity)])
        : 'nothing';
    case 'use':
    case 'leave receipts':
      return '28000';
    case 'use service':
      return a === undefined ? 'credential' : withNotes(a, usedAs(a, move.service, move.call, move.approval));
    case 'redirect':
      return '42501';
    case 'revealed':
      return rows
        .filter(
          (row) =>
            row.table === 'service_credentials' &&
            row.tenant === a?.at &&
            a !== undefined &&
            readsSecret(a, row),
        )
        .map(({ name }) => name)
        .join(' ');
    case 'describe':
      return a === undefined
        ? 'nobody'
        : [
            alive(a) ? 'live' : 'dead',
            ...(administers(a) ? ['administrator'] : []),
            describedAs(a),
            ...capabilitiesOf(a),
          ].join(' ');
    case 'audit':
      return a === undefined ? '28000' : 'written';
    default:
      return expectedOutside(a, move);
  }
}

/** What is sealed and what is shared may go on being so when something else of the row is changed. */
const staysAsIs: Rule = (a, row) =>
  staysSealed(a, row) && (row.shared !== true || shares(a, row.place, 'update'));

/** What a new row says is sealed is so for whose it is: an agent's instructions for the agent, a memory for its owner. */
function isSealed(a: Authority, table: TableName, { owner, agent, value }: NewRow): boolean {
  const holder: Principal = table === 'agent_instructions' && agent !== undefined ? `a${agent}` : owner;
  return value === undefined || seals(a, value, holder);
}

/** A credential for a service, a rule or a baseline that is for one agent is for one of its owner's, by the constraint that says so. */
function fits({ tenant }: Authority, table: TableName, { owner, agent }: NewRow): string {
  const other = agent !== undefined && `u${tenant.agents[agent]?.owner}` !== owner;
  return (table === 'service_credentials' || table === 'permissions' || table === 'baselines') && other
    ? 'unfit'
    : 'admitted';
}

const withNotes = (a: Authority, used: string) => [used, ...notedOf(a, used)].join(' ');
const ended = (what: readonly string[]) => ['ended', ...[...what].sort()].join(' ');

function heldBy({ tenant }: Authority, agent: number): string[] {
  return tenant.delegations.flatMap(({ delegate, revoked }, n) =>
    delegate === agent && !revoked ? [`d${n}`] : [],
  );
}

/** The keys of somebody that were not revoked before. */
function keysOf({ tenant, at }: Authority, entity: string): string[] {
  return tenant.keys.flatMap((key, n) => (key.entity === entity && !key.revoked ? [`t${at}/k${n}`] : []));
}

/** The new key is like the old one, which ends at once, soon, or when it would have. */
function replaced({ tenant, at }: Authority, { key: n, overlap }: Rotation): string {
  const key = tenant.keys[n];
  const bound = key === undefined || key.pinned === null ? [] : [`d${key.pinned}`];
  const end = overlap === 0 ? ['at once'] : overlap <= 3600 ? ['soon'] : [];
  return ['made', `t${at}/${key?.entity}`, ...bound, `k${n}`, ...end].join(' ');
}

/** Where a database and the model differ. */
export type Difference = {
  readonly asker: Asker | undefined;
  readonly name: string;
  readonly model: string;
  readonly database: string;
};

/** Compares what a database did in a world with what the model says. */
export function differences(world: World, observations: readonly Observation[]): Difference[] {
  const rows = rowsOf(world);
  const authorities = new Map(
    everybody(world).map((asker) => [JSON.stringify(asker), authorityOf(world, asker)]),
  );
  return observations.flatMap(({ asker, move, name, outcome }) => {
    const authority = asker === undefined ? undefined : authorities.get(JSON.stringify(asker));
    const server = asker?.by !== undefined && 'service' in asker.by;
    const opens = server || authority !== undefined;
    const model =
      move === 'open'
        ? opens
          ? `opened${authority?.chain.length ? ', with receipts' : ''}`
          : '28000'
        : server
          ? expectedOfServer(rows, move)
          : expected(rows, authority, move);
    return model === outcome ? [] : [{ asker, name, model, database: outcome }];
  });
}

/** A difference and its world, for whoever has to understand it. */
export function explain(world: World, found: readonly Difference[]): string {
  const shown = found
    .slice(0, 5)
    .map(({ asker, name, model, database }) =>
      [
        `${asker === undefined ? 'nobody' : describeAsker(asker)}: ${name}`,
        `  the model    ${model || '(no row)'}`,
        `  the database ${database || '(no row)'}`,
      ].join('\n'),
    );
  const more = found.length > shown.length ? [`and ${found.length - shown.length} more`] : [];
  return ['', describeWorld(world), '', ...shown, ...more, ''].join('\n');
}
