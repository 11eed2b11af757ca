// How what somebody does outside, or asks of the rules about it, is put to PostgreSQL: the functions of the kernel, each with what it
// left behind, because a word alone does not say that a request was decided or redeemed, by whom and in which request.

import { newId } from '../ids.ts';
import { ACTIONS, DIGESTS } from './actions.ts';
import { type Attempt, type Common, look, rows, told } from './answers.ts';
import { NEW } from './columns.ts';
import type { OutsideMove } from './outside.ts';
import { idOf, tenantId } from './world.ts';

/** Which credential for a service was used just now and by whom, where that is recorded too. */
const USED = look(`
  select string_agg(concat_ws('/', s.tenant_id, s.id, s.last_used_by), ' ')
    from service_credentials s join audit_entries e on e.tenant_id = s.tenant_id and e.target_id = s.id and e.event = 'service.called'
   where s.last_used_at > now() - interval '10 seconds'`);
/** Which requests were decided on and redeemed just now, and by whom or in this very request. */
const REDEEMED = look(`
  select string_agg('redeemed ' || tenant_id || '/' || id, ' ')
    from approvals where redeemed_at > now() - interval '10 seconds' and redemption_id = bailiwick.request_id()`);
const DECIDED = look(`
  select string_agg(concat_ws('/', decision, tenant_id, id, decided_by), ' ')
    from approvals where decided_at > now() - interval '10 seconds' and note = 'marked'`);
/** What the activity log says of this very request, in the name of whom and by which approval. */
const NOTED = look(`
  select string_agg(concat_ws('/', 'noted', outcome, agent_id, approval_id), ' ' order by id)
    from activity_entries where request_id = bailiwick.request_id() and chain = bailiwick.delegation_chain()`);
const AUDITED = look(`
  select concat_ws('/', 'audited', detail->>'effect', detail->>'ruleId') from audit_entries
   where request_id = bailiwick.request_id() and event = 'action.authorized'`);

/** Which baselines were broken just now. */
const BROKEN = look(`
  select string_agg('broken ' || tenant_id || '/' || id, ' ')
    from baselines where alerted_at > now() - interval '10 seconds' and alert->'score' = '0.9'`);
/** Whose rows this very request has said that an agent has read, and how often. */
const RECEIPTS = look(`
  select string_agg(concat_ws('/', 'left', tenant_id, owner_id, agent_id, row_id, times), ' ')
    from access_receipts where request_id = '${NEW}' and last_at > now() - interval '10 seconds'`);

const quoted = (text: string) => `'${text}'`;
/** Notes how a call ended; of two that do, the second finds it ended. */
const FINISH = () =>
  `bailiwick.finish_call('${newId()}', (r->>'startedId')::uuid, 'succeeded', 1, '{"host": "new.invalid"}')`;
const actionOf = (about: number) => ACTIONS[about] ?? { service: 'none', action: 'none' };
const said = (about: number) => {
  const { service, action } = actionOf(about);
  return `${quoted(service)}, ${quoted(action)}`;
};

/** The version of the rules about an action for the present chain, whether or not whoever asks may know it. */
export const versionOf = (about: number): string =>
  look(`
  select (bailiwick.judge(d.tenant_id, d.owner_id, array(
            select h.delegate_id from delegations h
             where h.tenant_id = d.tenant_id and h.id = any (bailiwick.delegation_chain()) order by h.depth), ${said(about)}, null)).version
    from delegations d where d.tenant_id = bailiwick.tenant_id() and d.id = bailiwick.delegation_id()`);

const verdict = (about: number) =>
  `concat_ws(' ', r->>'effect', r->>'ruleId', r->>'agentId', case when r->>'version' = ${versionOf(about)} then 'of now' end)`;

/** The statement of a move. */
export function outsideOf(common: Common, move: OutsideMove): Attempt {
  switch (move.verb) {
    case 'use service': {
      const { service, call, approval } = move;
      const redeeming =
        approval === null ? 'null, null' : `${quoted(idOf(`q${approval}`))}, ${quoted(DIGESTS[0] ?? '')}`;
      return {
        ...common,
        text: `select concat_ws(' ',
                   case when r ? 'refusal' then concat_ws(' ', r->>'refusal', r->>'ruleId', r->>'problem', r->>'service')
                        else concat_ws(' ', 'used', ${USED}, substr(r->>'envelope', 6, 32)::uuid, ${REDEEMED}) end,
                   ${NOTED}, case when r->>'startedId' is not null then concat_ws('/', 'ended', ${FINISH()}, ${FINISH()}) end,
                   ${BROKEN})
                 from bailiwick.use_service('${idOf(`s${service}`)}', '${call}', bailiwick.id_at(clock_timestamp()), ${redeeming}) r`,
        read: told,
      };
    }
    case 'redirect':
      return {
        ...common,
        text: `update ${move.table} set ${move.column} = default`,
        read: ({ refused }) => refused ?? 'done',
      };
    case 'leave receipts': {
      const read = {
        ...{ tenant_id: tenantId(0), owner_id: idOf(move.owner), agent_id: idOf(`a${move.agent}`) },
        ...{ operation: 'memory', kind: 'Memory', row_id: idOf(`m${move.memory}`) },
        ...{ delegation_id: idOf('d0'), request_id: NEW },
      };
      return {
        ...common,
        // twice, which is counted and not written twice
        text: `select concat_ws(' ', nullif(bailiwick.leave_receipts($1)::text, ''), ${RECEIPTS})`,
        given: [read, read],
        read: told,
      };
    }
    case 'revealed':
    case 'acting':
      return { ...common, text: `select array_to_string(bailiwick.${move.verb}(), ' ')`, read: rows };
    case 'authorize':
      return {
        ...common,
        text: `select case when r is null then 'nothing' else ${verdict(move.about)} end
                 from bailiwick.authorize(${said(move.about)}) r`,
        read: told,
      };
    case 'note verdict':
      return {
        ...common,
        text: `select concat_ws(' ', nullif(n::text, ''), ${NOTED}, ${AUDITED})
                 from bailiwick.note_verdict(bailiwick.id_at(clock_timestamp()), ${said(move.about)}, null) n`,
        read: told,
      };
    case 'asked':
      return {
        ...common,
        text: `select case when v is null then 'nothing' when v = ${versionOf(move.about)} then 'asks' else 'asks under others' end
                 from bailiwick.asked(${said(move.about)}) v`,
        read: told,
      };
    case 'preview': {
      const { agent, delegation, about, instead } = move;
      const under = delegation === null ? 'null' : quoted(idOf(`d${delegation}`));
      const supposed = instead.map((one) => ({
        agentId: one.agent === null ? null : idOf(`a${one.agent}`),
        ...{ service: one.service, action: one.action, effect: one.effect },
      }));
      return {
        ...common,
        text: `select case when r is null then 'nothing' else concat_ws(' ', r->>'effect', r->>'ruleId', r->>'agentId') end
                 from bailiwick.preview('${idOf(`a${agent}`)}', ${under}, ${said(about)}, $1) r`,
        given: supposed,
        read: told,
      };
    }
    case 'decide':
      return {
        ...common,
        text: `select coalesce(bailiwick.decide_approval('${idOf(`q${move.approval}`)}', '${DIGESTS[move.digest]}',
                 '${move.decision}', 'marked'), 'done ' || ${DECIDED})`,
        read: told,
      };
    case 'redeem':
      return {
        ...common,
        text: `select coalesce(bailiwick.redeem_approval('${idOf(`q${move.approval}`)}', ${said(move.about)},
                 '${DIGESTS[move.digest]}'), 'done ' || ${REDEEMED})`,
        read: told,
      };
    default:
      return move satisfies never;
  }
}
