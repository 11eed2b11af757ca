// Faults that change no answer, each with the reason why. Whatever is not listed here must be noticed, and what is listed and
// noticed all the same must leave the list.

const NOT_GRANTED = 'the column is in no grant to update';
const NULL_IS_REFUSED = 'bailiwick.verify answers false when either is null';

export const HARMLESS: Readonly<Record<string, string>> = {
  'sealed: forgets array_length(part, 1) is distinct from 13':
    'the mac is over the whole text: with another count of parts it is wrong',
  'sealed: answers nothing for c': 'without a seal every part of c is null',
  'open: forgets ticket is null': NULL_IS_REFUSED,
  'open: forgets mac is null': NULL_IS_REFUSED,
  'holds: forgets c.tenant_id is null': 'nobody is in good standing without a tenant',
  'holds: forgets capability is not null': 'null is compared with nothing',
  'holds: forgets cardinality(c.chain) > 0': 'an empty chain has no live hop, which is all of them',
  'grant_refusal: forgets parent.redelegate < 1': 'there is no number between 0 and one less than 0',
  'may_end: forgets up.id = target': 'the delegate of a hop above is the delegator of the hop below',
  'revoke_agent: forgets cardinality(c.chain) = 0': 'who has a chain is an agent, and an agent owns none',
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
