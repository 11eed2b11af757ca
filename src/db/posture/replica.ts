// The posture of the standby: that it is one, of this very cluster, and that requests come to it as the runtime role.
//
// A standby that is not there is no fault: the primary answers, and that is said as a warning. One that is something else would show the
// rows of something else.

import { withClient } from '../with-client.ts';
import type { Finding } from './check.ts';

type Identity = {
  readonly cluster: string;
  readonly database: string;
  readonly role: string;
  readonly standby: boolean;
};

const IDENTITY = `
  select (select system_identifier::text from pg_control_system()) as cluster, current_database() as database,
         session_user::text as role, pg_is_in_recovery() as standby`;

/**
 * Looks at a standby.
 *
 * @param replicaUrl As requests connect to it.
 * @throws the driver's error when the primary cannot be connected to.
 */
export async function inspectReplica(replicaUrl: string, migratorUrl: string): Promise<Finding[]> {
  const primary = await identityOf(migratorUrl);
  const replica = await identityOf(replicaUrl).catch((error: Error) => error);
  if (replica instanceof Error) {
    const message = `the standby does not answer (${replica.message}), so the primary does`;
    return [{ check: 'replica-reached', level: 'warn', subject: 'REPLICA_DATABASE_URL', message }];
  }
  const faults: (readonly [check: string, what: string])[] = [];
  if (replica.cluster !== primary.cluster || replica.database !== primary.database) {
    faults.push(['replica-cluster', 'leads to another database than MIGRATION_DATABASE_URL']);
  }
  if (!replica.standby) {
    faults.push(['replica-standby', 'leads to no standby: to the primary, or to what once was a standby']);
  }
  if (replica.role !== 'bailiwick_runtime') {
    faults.push(['replica-identity', `connects as ${replica.role}; it must connect as bailiwick_runtime`]);
  }
  return faults.map(([check, what]) => ({
    check,
    level: 'refuse',
    subject: 'REPLICA_DATABASE_URL',
    message: `REPLICA_DATABASE_URL ${what}`,
  }));
}

function identityOf(url: string): Promise<Identity> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<Identity>(IDENTITY);
    const [row] = rows;
    if (row === undefined) {
      throw new TypeError('a server says nothing of itself');
    }
    return row;
  });
}
