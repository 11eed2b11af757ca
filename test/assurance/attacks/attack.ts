// What an attack is: something tried, what whoever tries it would have if it worked, and the rule that must stop it. Data,
// so that an auditor can read the list and a faulty policy can be held against all of it.
//
// A control is the same move with true authority: it must work, so that a stage on which nothing works cannot pass for
// one that refuses. Nothing here runs anything (stage.ts for SQL, api.ts for the server).

export const GROUPS = [
  'sealed context',
  'pool and driver',
  'delegation',
  'row security',
  'GraphQL',
  'tokens',
] as const;
export type Group = (typeof GROUPS)[number];

export type Attack = {
  readonly group: Group;
  /** What is tried, in plain words. Distinct. */
  readonly name: string;
  /** What an attacker would have; for a control, what somebody with true authority would lose if it failed. */
  readonly gain: string;
  /** Rules of docs/isolation.md, separated by spaces: 'S5', 'D11 D12', 'JWT algorithm'. */
  readonly rule: string;
  /** Must work instead of being refused. */
  readonly control?: boolean;
};

/** How an attack ended: refused; or, for a control, allowed; anything else says what came of it. */
export const REFUSED = 'refused';
export const ALLOWED = 'allowed';

/** What an attack that ends well ends as. */
export function wanted({ control }: Attack): typeof REFUSED | typeof ALLOWED {
  return control ? ALLOWED : REFUSED;
}
