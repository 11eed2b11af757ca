// The rule about having a credential for a service used, to be read aloud like the others (rules.ts): whoever may see it and may execute,
// before its end, for one of its calls, while it has a secret. Nobody needs to read the secret for that.

import { CALL } from '../../../src/assurance/services.ts';
import { firstKeyOf } from '../../../src/assurance/world.ts';
import { type Authority, holds, seesService } from './rules.ts';

/** What comes of using one: why not, or which was used, by whom, and under which key its secret is. */
export function usedAs(a: Authority, n: number, call: string): string {
  const service = a.tenant.services[n];
  const owner = service && (`u${service.owner}` as const);
  const row = { table: 'service_credentials', tenant: a.at, name: `s${n}`, owner: owner ?? null } as const;
  if (service === undefined || owner === undefined || !seesService(a, { ...row, service })) {
    return 'credential';
  }
  if (!holds(a, 'credential:execute')) {
    return 'authority';
  }
  if (service.ends !== null && service.ends <= 0) {
    return 'expired';
  }
  if (call !== CALL) {
    return 'call';
  }
  const key = firstKeyOf(a.tenant, owner);
  return key === null || a.tenant.dataKeys[key]?.state === 'destroyed'
    ? 'gone'
    : `used t${a.at}/s${n}/${a.actor} e${key}`;
}
