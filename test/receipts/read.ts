// What tests of receipts share: those that were left, by whom and for what, and what an answer has shown.

import { fromGlobalId } from '../../src/api/global-id.ts';
import type { RunningServer } from '../kit/server.ts';

/** Types whose reading leaves a receipt with their owner. */
export const KINDS: readonly string[] = [
  ...['Agent', 'Memory', 'Permission', 'ServiceCredential', 'ServiceSecret', 'User', 'World'],
];

export type Left = {
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly agent_id: string;
  readonly operation: string;
  readonly kind: string;
  readonly row_id: string;
  readonly times: number;
  readonly delegation_id: string;
  readonly request_id: string;
  readonly today: boolean;
};

/** What was left since the last time. */
export const taken = ({ migrate }: Pick<RunningServer, 'migrate'>): Promise<Left[]> =>
  migrate(async (sql) => {
    const left = await sql.rows<Left>(
      `select r.*, day = (now() at time zone 'UTC')::date as today from access_receipts r order by kind, row_id, agent_id, operation`,
    );
    await sql.touched('delete from access_receipts');
    return left;
  });

/** Kind and id of each. */
export const rowsOf = (left: readonly Pick<Left, 'kind' | 'row_id'>[]): string[] =>
  left.map(({ kind, row_id }) => `${kind} ${row_id}`).sort();

/** Every row of those kinds of which an answer tells the global id, but for those that are somebody's own. */
export function shown(answer: unknown, own: string): string[] {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(look);
    } else if (typeof value === 'object' && value !== null) {
      const { id } = value as { id?: unknown };
      if (typeof id === 'string') {
        const { type, id: row } = fromGlobalId(id);
        if (KINDS.includes(type) && row !== own) {
          found.add(`${type} ${row}`);
        }
      }
      Object.values(value).forEach(look);
    }
  };
  look(answer);
  return [...found].sort();
}
