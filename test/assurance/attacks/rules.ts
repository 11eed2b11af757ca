// Every rule of docs/isolation.md that an attack can be held against, and those that none is, each with the reason. The test
// of completeness reads both: a rule that is in neither place fails it.

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${letter}${at + 1}`);

/** The lines of the JWT checklist (section 6), by the words with which cases name them. */
const JWT = [
  'algorithm',
  'none',
  'keys',
  'kid',
  'headers',
  'crit',
  'typ',
  'issuer',
  'audience',
  'time',
  'subject',
  'act',
  'form',
  'size',
  'scopes',
  'JWKS',
  'storm',
  'rotation',
  'replay',
  'sender',
  'API keys',
  'uniform',
];

export const RULES: readonly string[] = [
  ...numbered('S', 14),
  ...numbered('D', 30),
  ...numbered('P', 42),
  ...numbered('G', 23),
  ...JWT.map((line) => `JWT ${line}`),
];

/** The rules that a case names. */
export function rulesOf(rule: string): string[] {
  return RULES.filter((one) => ` ${rule} `.includes(` ${one} `));
}

const LATER = 'not built yet: ';
const OPERATOR = 'the operator’s: ';
export const NOT_ATTACKED: Readonly<Record<string, string>> = {
  D22: `${LATER}users are not merged or invited`,
  D28: `${LATER}staff has no way in`,
  D29: `${LATER}there are no quotas; what one operation may cost is tried (G2 to G4)`,
  P9: 'EXPLAIN tells how many rows a filter removed: whoever can send SQL can ask; the API cannot (G18)',
  P18: 'no attack but a doubt about PostgreSQL: that a check sees the context just set is a control (row security)',
  P36: `${OPERATOR}no reads go to a replica`,
  P40: `${OPERATOR}which pooler stands between, if any`,
  P41: `${OPERATOR}the version of PostgreSQL; bailiwick doctor says which is too old`,
  P42: 'memory corruption in PostgreSQL; nothing in the API takes SQL',
  'JWT replay':
    'a bearer token can be used again until it expires, by design; its life is bounded (JWT time)',
};
