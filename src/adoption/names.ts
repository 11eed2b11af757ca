// What adoption calls the things it installs, in one place: removal takes away what these names say, and nothing else.

import { escapeIdentifier, escapeLiteral } from 'pg';
import { FORMAT } from '../crypto/envelope.ts';

/** The kernel's functions; the kernel's tables; what adoption remembers. */
export const SCHEMAS = { kernel: 'bailiwick', data: 'bailiwick_data', state: 'bailiwick_adoption' } as const;

/** Who owns the kernel's functions; who may open sessions; who keeps owners in step. */
export const ROLES = {
  kernel: 'bailiwick_kernel',
  runtime: 'bailiwick_runtime',
  adopter: 'bailiwick_adopter',
} as const;

/** Columns that are added to every table whose rows are kept apart. */
export const ADDED = {
  tenant: 'bailiwick_tenant',
  owner: 'bailiwick_owner',
  world: 'bailiwick_world',
} as const;

/** Whose subjects the principals of an adopter are. */
export { ADOPTED_ISSUER as ISSUER } from '../db/ticket.ts';

/** Held by whoever is adopting, so that there is one at a time. */
export const ADOPTION_LOCK = 0x61646f70;

/** What hangs on a table of the adopter's, by its number in bailiwick_adoption.tables. */
/** Triggers of one kind fire by name: what the adopter's own change is to be seen. */
export const trigger = 'zzz_bailiwick_place';
export const check = 'bailiwick_owned';
export const sealedCheck = 'bailiwick_sealed';
/** That a value of a column is an envelope, as a condition. */
export const isEnvelope = (column: string) => `starts_with(${column}, '${FORMAT}.')`;
export const ownerIndex = (number: number) => `bailiwick_owner_${number}`;
export const placeFunction = (number: number) => `${SCHEMAS.state}.place_${number}`;
export const setFunction = (number: number) => `${SCHEMAS.state}.set_${number}`;

/**
 * Of every function that writes or reads as the role that keeps owners in step. One plan for all rows: the planner would weigh anew for each of
 * the first, and often again.
 */
export const DEFINER =
  'security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan';

/** Gives a function to that role, and lets nobody else call it. */
export const owned = (signature: string): string =>
  `alter function ${signature} owner to ${ROLES.adopter};
revoke execute on function ${signature} from public;`;

export const quoted = escapeIdentifier;
export const literal = escapeLiteral;
/** A table with its schema. */
export const table = (schema: string, name: string) => `${quoted(schema)}.${quoted(name)}`;
