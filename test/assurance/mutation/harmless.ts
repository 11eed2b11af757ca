// Faults that change no answer, each with the reason why. Whatever is not listed here must be noticed, and what is listed and
// noticed all the same must leave the list.

const NOT_GRANTED = 'the column is in no grant to update';
const NULL_IS_REFUSED = 'bailiwick.verify answers false when either is null';
const AS_OF_THE_BEGINNING =
  'what is explained is then as it was when the transaction began, and decides nothing';
const LEFT_OUT_LATER =
  'delegations that have ended are left out of the list all the same; this spares the work';
const ONE_OWNER = 'an agent has one owner, by foreign key, and acts for no other';

export const HARMLESS: Readonly<Record<string, string>> = {
  'sealed: forgets array_length(part, 1) is distinct from 13':
    'the mac is over the whole text: with another count of parts it is wrong',
  'sealed: answers nothing for c': 'without a seal every part of c is null',
  'establish: forgets ticket is null': NULL_IS_REFUSED,
  'establish: forgets mac is null': NULL_IS_REFUSED,
  'by_token: forgets t->>\'scopes\' ~ \'^\\["[a-z_]+:[a-z_]+"(, "[a-z_]+:[a-z_]+")*\\]$\'':
    'then each scope is looked at by itself, which comes to the same and takes longer',
  "check_actors: forgets t->'prior_actors' is null":
    'then there is nothing to go through, which takes longer',
  'holds: forgets c.tenant_id is null': 'nobody is in good standing without a tenant',
  'holds: forgets capability is not null': 'null is compared with nothing',
  'holds: forgets cardinality(c.chain) > 0': 'an empty chain has no live hop, which is all of them',
  'grant_refusal: forgets parent.redelegate < 1': 'there is no number between 0 and one less than 0',
  'may_end: forgets up.id = target': 'the delegate of a hop above is the delegator of the hop below',
  'revoke_agent: forgets cardinality(c.chain) = 0': 'who has a chain is an agent, and an agent owns none',
  'preview: forgets d.owner_id = c.owner_id': 'a delegation to an agent is one of its owner, by foreign key',
  'asked: forgets cardinality(c.chain) = 0':
    'to an owner in person everything is allowed, and an agent as itself may not ask',
  'asked: forgets a.owner_id = c.owner_id': ONE_OWNER,
  'redeem: forgets d.tenant_id = c.tenant_id':
    'it holds rows of other tenants as well, where they have these ids, and neither reads nor changes them',
  'redeem: forgets cardinality(c.chain) > 0':
    'a person has asked for nothing, by foreign key, and an agent as itself may not ask',
  'redeem: forgets x.owner_id = c.owner_id': ONE_OWNER,
  'finish_call: forgets c.tenant_id is null': 'without a context no call is found that could be ended',
  'expire: forgets a.id = any (past)':
    'between the oldest of a tenant and the last of so many of its oldest there are no others',
  'expire: forgets a.id >= past[1]':
    'the bounds say into which months to look; the ids themselves are listed',
  'expire: forgets a.id <= past[cardinality(past)]':
    'the bounds say into which months to look; the ids themselves are listed',
  'expire: forgets gone >= expire.batch': 'of the tenants that are left none is looked for then',
  'expire: answers nothing for 0': 'to whoever counts, nothing is none (src/db/activity.ts)',
  'expire: stops the clock of .tenant_id and x.day < (statement_timestamp':
    'only across midnight: then a receipt is kept for the rest of a transaction longer',
  "ensure_partitions: stops the clock of := date_trunc('month', statement_timestamp":
    'only across the end of a month: then it begins with the month before, which is there',
  "ensure_partitions: leaves out execute format('lock table %s_other in access exclusive mode', log);":
    'attaching waits for the same lock, and fails where something was written in between: it is tried again at the next start',
  "announce: leaves out execute format('notify %I, %L', 'bailiwick_' || kind, concat … to_string(parties, ' ')));":
    'a notification is sent when a transaction is kept, and wakes: what happened is seen without it, later (events.test.ts)',
  'announce: forgets k.shared': 'members are woken for what is not shared, and see nothing new',
  'announce: negates k.shared':
    'members are not woken, and hear of it at their next look, a minute later at most (test/live/cut.test.ts hears it at once)',
  "unseen: forgets e.kind = 'memory'": 'nothing but memories is ever shared (announce)',
  'unseen: forgets e.xid >= pg_snapshot_xmin(seen)':
    'a snapshot sees all that is older than whatever was running when it was taken',
  'watch: forgets c.tenant_id is null': 'without a context there is no baseline to compare with',
  'watch: forgets cardinality(c.chain) = 0':
    'a baseline is of an agent and its owner, by foreign key, and nobody who acts as itself is both',
  'watch: forgets x.owner_id = c.owner_id': ONE_OWNER,
  'watch: forgets e.owner_id = c.owner_id': ONE_OWNER,
  'watch: forgets b.id is null': 'where there is no baseline there is no threshold that is reached',
  'watch: stops the clock of e.id >= bailiwick.id_at(statement_timestamp':
    'then what is compared is older by as much as the transaction lasts, which is seconds',
  'watch: stops the clock of ines x set alerted_at = statement_timestamp':
    'then it was broken when the transaction began, seconds before',
  'leave_receipts: stops the clock of w_id, r.times, statement_timestamp':
    'the server sends nothing else in that transaction, so it is one moment',
  'leave_receipts: stops the clock of statement_timestamp(), statement_timestamp':
    'the server sends nothing else in that transaction, so it is one moment',
  'leave_receipts: stops the clock of agent_id, (statement_timestamp':
    'only across midnight: then what was read is of the day on which the transaction began',
  'why: stops the clock of ull and d.not_before <= statement_timestamp': AS_OF_THE_BEGINNING,
  'why: stops the clock of mp() and d.expires_at > statement_timestamp': AS_OF_THE_BEGINNING,
  'why: stops the clock of d where c.expires_at <= statement_timestamp': AS_OF_THE_BEGINNING,
  'why: stops the clock of null or h.not_before > statement_timestamp': AS_OF_THE_BEGINNING,
  'why: stops the clock of mp() or h.expires_at <= statement_timestamp': AS_OF_THE_BEGINNING,
  'effective: opens at effective.ended': LEFT_OUT_LATER,
  'effective: takes any of d.revoked_at is null and d.expires_at > statement_timestamp( … e <= statement_timestamp()':
    LEFT_OUT_LATER,
  'effective: forgets d.revoked_at is null': LEFT_OUT_LATER,
  'effective: forgets d.expires_at > statement_timestamp()': LEFT_OUT_LATER,
  'effective: forgets d.not_before <= statement_timestamp()': LEFT_OUT_LATER,
  'effective: stops the clock of null and d.expires_at > statement_timestamp': AS_OF_THE_BEGINNING,
  'effective: stops the clock of p() and d.not_before <= statement_timestamp': AS_OF_THE_BEGINNING,
  'effective: stops the clock of h where h.expires_at <= statement_timestamp': AS_OF_THE_BEGINNING,
  'effective: stops the clock of h where h.not_before > statement_timestamp': AS_OF_THE_BEGINNING,
  'effective: forgets h.world_id is not null': 'no world is none that differs from another',
  'viewed: forgets d.tenant_id = c.tenant_id':
    'whatever is found elsewhere, the chain is resolved within the tenant, and refused',
  'viewed: forgets d.owner_id = c.owner_id': 'the next question refuses the delegate of anybody else',
  "entities.select_member: forgets kind = 'world'": 'only worlds have members, by foreign key',
  "entities.update_agent: takes any of kind = 'agent' and owner_id = (select bailiwick.direct_owner('agent', 'update'))":
    NOT_GRANTED,
  "entities.update_agent: forgets kind = 'agent' (2)": NOT_GRANTED,
  "entities.update_agent: forgets owner_id = (select bailiwick.direct_owner('agent', 'update')) (2)":
    NOT_GRANTED,
  "entities.update_world: takes any of kind = 'world' and owner_id = (select bailiwick.direct_owner('world', 'update'))":
    NOT_GRANTED,
  "entities.update_world: forgets kind = 'world' (2)": NOT_GRANTED,
  "entities.update_world: forgets owner_id = (select bailiwick.direct_owner('world', 'update')) (2)":
    NOT_GRANTED,
  'entities.update_administered: forgets tenant_id = (select bailiwick.administered_tenant()) (2)':
    NOT_GRANTED,
  "service_secrets.select_own: forgets owner_id = (select bailiwick.owner('secret', 'read'))":
    'the restrictive policy beside it names the rows one by one, and asks for the same right and owner',
  'tenant_keys.tenant_floor: forgets tenant_id = (select bailiwick.tenant_id())':
    'the one policy below it asks for the tenant too, and nothing but reading is granted',
  "world_members.update_own: forgets owner_id = (select bailiwick.owner('member', 'update')) (2)":
    NOT_GRANTED,
};
