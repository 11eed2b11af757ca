// Requests for approval as an agent makes them, for the tests of policies: complete, and true in all that they say unless a test has one
// say something else.
//
// Makes rows and expects nothing. Those that are there already stand in permissions.ts.

import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { through } from '../kit/cast.ts';
import { insertion, Said, SOON } from './arrangement.ts';
import { arrangeWrapped, DATA_KEYS, under } from './wrapped.ts';

const { alice } = USERS;
const { scout } = AGENTS;

/** A request as scout may make it through its delegation. */
export const ROW = {
  ...{
    tenant_id: TENANTS.acme.id,
    owner_id: alice.id,
    agent_id: scout.id,
    service: 'mail',
    action: 'messages.send',
  },
  arguments: JSON.stringify(under(DATA_KEYS.alice)),
  digest: 'ab'.repeat(32),
  version: new Said(`bailiwick.asked('mail', 'messages.send')`),
  chain: new Said('bailiwick.delegation_chain()'),
  expires_at: SOON,
};
export const ask = (sql: Sql, row: Readonly<Record<string, unknown>> = {}) => {
  const { text, values } = insertion('approvals', { ...ROW, id: newId(), ...row });
  return sql.outcome(text, values);
};
/** What is asked of an action, by the rules in force. */
export const about = (service: string, action: string) => ({
  ...{ service, action },
  version: new Said(`bailiwick.authorize('${service}', '${action}') ->> 'version'`),
});
export const asScout = { ...through.scout, given: arrangeWrapped };
