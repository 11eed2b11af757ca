// Keys as an attacker would want them, changed in one thing: asked of the kernel (bailiwick.key_refusal), tried in spite of its
// answer (issue_key), and looked for afterwards. No cases here.

import { newId } from '../../../src/ids.ts';
import { alice } from './proposals.ts';
import { aside, type Step, step } from './stage.ts';

export type Wanted = {
  readonly entity?: string | null;
  readonly capabilities?: readonly (string | null)[] | null;
  readonly pinned?: string | null;
  /** Seconds from now; as text, an expression in SQL. */
  readonly ends?: number | string | null;
};

/** The steps of asking why not and of trying all the same. Null: it is made. */
export function proposing(wanted: Wanted, word: string | null): Step[] {
  const { entity, capabilities, pinned, ends } = {
    ...{ entity: alice, capabilities: ['memory:read'], pinned: null, ends: 600 },
    ...wanted,
  };
  const until =
    typeof ends === 'string'
      ? ends
      : `statement_timestamp() + make_interval(secs => ${ends === null ? 'null' : ends})`;
  const values = [entity, capabilities, pinned];
  const id = newId();
  const digest = `${id.replaceAll('-', '')}${'0'.repeat(32)}`;
  const made = aside('select count(*)::int from credentials where id = $1', word === null ? 1 : 0, [id]);
  return [
    step(`select bailiwick.key_refusal($1, $2, $3, ${until})`, String(word), values),
    step(
      `select bailiwick.issue_key($4, $1, 'New', 'bwk_News', '${digest}', $2, $3, ${until})`,
      String(word),
      [...values, id],
    ),
    made,
  ];
}
