// What the probe asks of the kernel about what happened: what is shown of events that were there before, what is announced of something
// that the voice records itself, whose tickets are still good, what is noted of its actions, and what it can throw away.
//
// Data, no assertions: what came of it is printed and compared elsewhere (test/assurance/mutation). What a block of commands has found is
// told by the code of an error, because nothing else of it is left: a Z, and four digits of a digest.

import { type ActorName, AGENTS, id, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { ticket } from '../kit/as.ts';
import { DONE } from './activity.ts';
import { memoryOf } from './arrangement.ts';
import type { Statement } from './attempts.ts';
import { KEYS, keyTicket, serviceTicket } from './credentials.ts';
import { KINDS, NOTHING, UPTO } from './happened.ts';
import { REQUESTS, TWIN_AGENT, TWIN_REQUESTS, WAITING } from './permissions.ts';
import { KEPT } from './services.ts';
import { SHARED } from './sharing.ts';
import { BASELINES } from './usual.ts';

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

const NEW = id<string>(9, '1');
/** The id of an entry, made when the statement is carried out. */
const ENTRY = 'bailiwick.id_at(clock_timestamp())';
const garden = WORLDS.garden.id;
const ALL = `'{${KINDS.join(',')}}'`;

/** What a look says, without the numbers that are others each time. */
const SHOWN = `concat_ws(' ', u->>'live', u->>'cut', u->>'more', u->>'snapshot' = '${UPTO(1000)}',
  (select string_agg(right(w, 5), '+' order by w) from jsonb_array_elements_text(u->'worlds') w), (select string_agg(e->>'kind' || right(e->>'id', 8), ',' order by n)
  from jsonb_array_elements(u->'events') with ordinality x (e, n)))`;
const look = (where: string): Statement => ({
  text: `select ${SHOWN} from bailiwick.unseen(${where}) u`,
  values: [],
});

/** Does something, and says in one code what came of it. */
export const telling = (commands: string, found: string): Statement => ({
  text: `do $$
    declare
      said text;
    begin
      ${commands}
      select ${found} into said;
      raise exception '%', said using errcode = 'Z' || upper(left(md5(coalesce(said, 'nothing')), 4));
    end $$`,
  values: [],
});
// an entry that the kernel notes has another id each time
const KNOWN = `case when e->>'id' like '019a0000-%' then e->>'id' end`;
const announced = (commands: string): Statement =>
  telling(
    commands,
    `(select string_agg(concat_ws(' ', e->>'kind', e->>'event', ${KNOWN}), ',' order by n)
        from jsonb_array_elements(bailiwick.unseen('${NOTHING}', null, null, ${ALL}, 1000)->'events') with ordinality x (e, n)
       where e->>'event' not like '%.happened')`,
  );
const quoted = (text: string | null | undefined) =>
  text === null || text === undefined ? 'null' : `'${text}'`;

/** What is recorded: the event, the kind and id of its target, and its detail. */
const RECORDED: Readonly<
  Record<string, readonly [event: string, kind: string, id: string | null | undefined, detail?: object]>
> = {
  'a memory in no world': ['memory.updated', 'memory', memoryOf('alice')],
  'a memory in a world': ['memory.updated', 'memory', memoryOf('alice', 'garden')],
  'a memory that is gone from a world': ['memory.deleted', 'memory', NEW, { worldId: garden }],
  'a memory of a colleague': ['memory.updated', 'memory', memoryOf('bob')],
  'a memory of a stranger': ['memory.updated', 'memory', memoryOf('mallory')],
  'several memories': [
    'memory.created',
    'memory',
    NEW,
    { ids: [memoryOf('alice', 'garden'), NEW, memoryOf('alice')] },
  ],
  'what was refused': ['memory.update_refused', 'memory', NEW],
  nothing: ['memory.updated', 'memory', null],
  'a memory that is shared': ['memory.updated', 'memory', SHARED['alice garden']],
  'a memory that a colleague shares': ['memory.updated', 'memory', SHARED['bob garden']],
  'a memory that is shared and gone': ['memory.deleted', 'memory', NEW, { worldId: garden, shared: true }],
  'an entry': ['activity.recorded', 'activity', DONE.scout],
  'what is usual': ['baseline.broken', 'baseline', BASELINES.scout],
  // in a row of that id there stands something of a world, which is no matter of this kind
  'an entry of the id of a memory': ['activity.recorded', 'activity', memoryOf('alice', 'garden')],
  'a request': ['approval.asked', 'approval', WAITING.scout],
  'a request of a sub-agent': ['approval.asked', 'approval', REQUESTS['of a sub-agent'].id],
  'a request of a colleague': ['approval.asked', 'approval', WAITING.bobot],
  'a request of the twin': ['approval.asked', 'approval', TWIN_REQUESTS.approved],
  'a request that there is not': ['approval.asked', 'approval', NEW],
  'a delegation': ['delegation.granted', 'delegation', DELEGATIONS.scout.id],
  'a delegation below': ['delegation.granted', 'delegation', DELEGATIONS.scribe.id],
  'a delegation of a colleague': ['delegation.granted', 'delegation', DELEGATIONS.bobot.id],
  'a delegation of a stranger': ['delegation.granted', 'delegation', DELEGATIONS.mimic.id],
  'a delegation that there is not': ['delegation.granted', 'delegation', NEW],
  'an agent': ['agent.updated', 'agent', AGENTS.scout.id],
  'an agent of a colleague': ['agent.updated', 'agent', AGENTS.bobot.id],
  'an agent of the twin': ['agent.updated', 'agent', TWIN_AGENT],
  'an agent that there is not': ['agent.updated', 'agent', NEW],
  'a rule, to which nobody listens': ['permission.created', 'permission', NEW],
};

/** What is shown of what happened before, and who may go on listening. */
export function listening(attempt: Attempt): void {
  const shown = (name: string, where: string) => attempt(undefined, `what is unseen ${name}`, look(where));
  shown('at first', `null, null, null, ${ALL}, 1000`);
  shown('at first, of nothing', `null, null, null, ${ALL}, 0`);
  shown('of everything', `'${NOTHING}', null, null, ${ALL}, 1000`);
  for (const kind of KINDS) {
    shown(`of the kind ${kind}`, `'${NOTHING}', null, null, '{${kind}}', 1000`);
  }
  shown('of no kind', `'${NOTHING}', null, null, '{}', 1000`);
  shown('of a kind that there is not', `'${NOTHING}', null, null, '{user,world}', 1000`);
  shown('of all but some that are seen', `'${UPTO(20)}', null, null, ${ALL}, 1000`);
  shown('of one that was running', `'${UPTO(1000, 5)}', null, null, ${ALL}, 1000`);
  shown('of two at most', `'${NOTHING}', null, null, ${ALL}, 2`);
  shown('after what there is', `'${NOTHING}', '${UPTO(1000)}', 1000000, ${ALL}, 1000`);
  shown('after some of it', `'${NOTHING}', '${UPTO(20)}', 1000000, ${ALL}, 1000`);
  shown('of some of it', `'${NOTHING}', '${UPTO(20)}', 0, ${ALL}, 1000`);
  shown('of two of some of it', `'${NOTHING}', '${UPTO(20)}', 0, ${ALL}, 2`);
  shown('after a place and no look', `'${NOTHING}', null, 1000000, ${ALL}, 1000`);
  attempt(undefined, 'what is unseen after two', {
    text: `select ${SHOWN} from bailiwick.unseen('${NOTHING}', null, null, ${ALL}, 2) f,
             bailiwick.unseen('${NOTHING}', '${UPTO(1000)}', (f->'events'->-1->>'seq')::bigint, ${ALL}, 2) u`,
    values: [],
  });
  const tickets: readonly (readonly [string, string])[] = [
    ...(['alice', 'mallory', 'scout'] as const).map((who: ActorName) => ticket(who)),
    ...(['scout', 'scribe', 'late', 'rogue'] as const).map((who) =>
      ticket(who, { delegation: DELEGATIONS[who].id }),
    ),
    ['x', 'x'],
    ticket('scribe', { delegation: DELEGATIONS.scout.id }),
    keyTicket(KEYS.bob.digest),
    serviceTicket(),
  ];
  attempt(undefined, 'who is still good', {
    text: `select array_to_string(bailiwick.still($1, $2), ' ')`,
    values: [tickets.map(([text]) => text), tickets.map(([, mac]) => mac)],
  });
  attempt(undefined, 'what is thrown away', {
    text: `select bailiwick.forget_events()`,
    values: [],
  });
}

/** What is announced, and to whom. */
export function announcing(attempt: Attempt): void {
  for (const [what, [event, kind, target, detail]] of Object.entries(RECORDED)) {
    const values = [ENTRY, ...[event, kind, target].map(quoted)].join(', ');
    attempt(
      undefined,
      `what is announced of ${what}`,
      announced(
        `perform bailiwick.audit(${values}, ${detail === undefined ? 'null' : quoted(JSON.stringify(detail))});`,
      ),
    );
  }
}

/** What this transaction has left in the log, for whoever may read it. */
const LEFT = `(select string_agg(concat_ws(' ', a.agent_id, a.service, a.action, a.outcome, a.approval_id is not null, a.started_id is not null, a.duration_ms), ',' order by a.id)
  from public.activity_entries a where a.request_id = bailiwick.request_id())`;
const SEEN = `concat_ws(' ', said, ${LEFT})`;

/** What is noted of actions and calls, and how calls end. */
export function noting(attempt: Attempt): void {
  for (const [service, action] of [
    ['tracker', 'issues.list'],
    ['mail', 'messages.send'],
    ['desk', 'rooms'],
  ] as const) {
    const note = `perform bailiwick.note_verdict(${ENTRY}, '${service}', '${action}', null);`;
    attempt(undefined, `what is noted of ${service} ${action}`, telling(note, LEFT));
    attempt(undefined, `what is announced of ${service} ${action}`, announced(note));
  }
  const use = (what: string, key: string, call: string, approval: string | null = null) => {
    const used = `said := bailiwick.use_service('${key}', '${call}', ${ENTRY}, ${quoted(approval)}, '${'ab'.repeat(32)}') ->> 'refusal';`;
    attempt(undefined, `what the log has of the use of ${what}`, telling(used, SEEN));
  };
  use('what is allowed', KEPT.alice.shared, 'second');
  use('what is denied', SERVICES.weather.id, 'forecast');
  use('what is asked for', SERVICES.tracker.id, 'issues.create');
  use('what was approved', SERVICES.tracker.id, 'issues.create', REQUESTS['approved for the tracker'].id);
  const begin = `said := bailiwick.use_service('${KEPT.alice.shared}', 'second', ${ENTRY}, null, null) ->> 'startedId';`;
  const MADE_NOW = `(lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7000800000000000abcd')::uuid`;
  for (const [what, rest] of Object.entries({
    'that was begun': `${MADE_NOW}, said::uuid, 'succeeded', 5`,
    'that failed': `${MADE_NOW}, said::uuid, 'failed', 5`,
    'that was begun, with an outcome that is none': `${MADE_NOW}, said::uuid, 'allowed', 5`,
    'that was begun, by an entry of long ago': `'${NEW}', said::uuid, 'succeeded', 5`,
    'that nobody has begun': `${MADE_NOW}, ${MADE_NOW}, 'succeeded', 5`,
    'of the cast': `${MADE_NOW}, '${DONE.scout}', 'succeeded', 5`,
    'of nothing': `${MADE_NOW}, null, 'succeeded', 5`,
  })) {
    const end = `${begin} said := bailiwick.finish_call(${rest});`;
    attempt(undefined, `the end of a call ${what}`, telling(end, SEEN));
  }
  const again = `${begin} perform bailiwick.finish_call(${MADE_NOW}, said::uuid, 'succeeded', 5);`;
  attempt(undefined, 'what is announced of the end of a call', announced(again));
  for (const [which, { id: approval, ...of }] of Object.entries(REQUESTS)) {
    const { service, action } = { ...{ service: 'desk', action: 'files.write' }, ...of };
    attempt(undefined, `whether it was redeemed: ${which}`, {
      text: 'select bailiwick.redeemed($1, $2, $3)',
      values: [approval, service, action],
    });
  }
  for (const other of [
    ['void', 'files.write'],
    ['desk', 'files.read'],
  ]) {
    attempt(undefined, `whether it was redeemed for ${other.join(' ')}`, {
      text: 'select bailiwick.redeemed($1, $2, $3)',
      values: [REQUESTS.redeemed.id, ...other],
    });
  }
  attempt(undefined, 'what of the log expires', {
    text: 'select bailiwick.expire_activity(100)',
    values: [],
  });
  attempt(undefined, 'when an id is of', {
    text: `select bailiwick.MADE_NOWat('2026-01-01T00:00:00Z')`,
    values: [],
  });
}
