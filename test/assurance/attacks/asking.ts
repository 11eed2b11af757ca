// How attacks ask the real server, and what an answer must be to count as a refusal: one code and no data, or exactly the data of
// whoever has nothing. No cases here.

import type { ActorName } from '../../../src/demo/cast.ts';
import { type Answer, codesOf } from '../../kit/answer.ts';
import type { Asking, RunningServer } from '../../kit/server.ts';
import { type Attack, REFUSED } from './attack.ts';

export type GraphqlAttack = Attack & {
  run(server: RunningServer): Promise<string>;
};

export const graphql = { group: 'GraphQL' } as const;

export const brief = (answer: Answer<unknown>): string =>
  `${answer.status} ${codesOf(answer).join()} ${answer.text.slice(0, 120)}`;

export type Sent = readonly [text: string, variables?: Readonly<Record<string, unknown>>, asking?: Asking];

/** Sends an operation that must be answered with this code and no data. */
export const refusedWith =
  (code: string, actor: ActorName | 'nobody', ...[text, variables, asking]: Sent) =>
  async ({ query }: RunningServer): Promise<string> => {
    const answer = await query(actor, text, { ...variables }, asking);
    const codes = new Set<string>(codesOf(answer));
    const nothing = Object.values(answer.body.data ?? {}).every((value) => value === null);
    return codes.size === 1 && codes.has(code) && nothing ? REFUSED : brief(answer);
  };

/** Sends an operation whose answer must be exactly this data. */
export const answeredWith =
  (data: unknown, actor: ActorName, ...[text, variables, asking]: Sent) =>
  async ({ query }: RunningServer): Promise<string> => {
    const answer = await query(actor, text, { ...variables }, asking);
    return JSON.stringify(answer.body) === JSON.stringify({ data }) ? REFUSED : brief(answer);
  };

export type Case = readonly [rule: string, run: GraphqlAttack['run']];

export const INPUT = 'BAD_USER_INPUT';

export const write = 'mutation ($input: CreateMemoryInput!) { createMemory(input: $input) { __typename } }';

export const PING = '{ viewer { live } }';

export const group = (cases: Readonly<Record<string, Case>>, verb: string, gain: string): GraphqlAttack[] =>
  Object.entries(cases).map(
    ([what, [rule, run]]): GraphqlAttack => ({ ...graphql, name: `${verb} ${what}`, gain, rule, run }),
  );
