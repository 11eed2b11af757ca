// Outcomes that a caller can expect, as types of their own beside the result. They are answers, not failures: the
// transaction they stand in is kept. What a caller may not do or know at all is an error instead (src/errors.ts).

import { builder } from '../builder.ts';
import { recordAudit } from '../db/kernel.ts';

/** Nothing here that the caller may know of: absent and hidden give this same answer. */
export class NotFound extends Error {
  constructor(what: string) {
    super(`There is no ${what} with this id that you may change.`);
    this.name = 'NotFound';
  }
}

/** What was to be made exists already, within the caller's own sight. */
export class AlreadyThere extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AlreadyThere';
  }
}

export const ProblemInterface = builder.interfaceRef<Error>('Problem').implement({
  description: 'An outcome to be expected instead of the result; nothing was changed by this field.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'One sentence for people; its wording may change.' }),
  }),
});

builder.objectType(NotFound, {
  name: 'NotFound',
  interfaces: [ProblemInterface],
  description:
    'Nothing here that you may know of. What is absent and what is hidden from you give this same answer.',
});

builder.objectType(AlreadyThere, {
  name: 'AlreadyThere',
  interfaces: [ProblemInterface],
  description: 'It exists already, as you can see.',
});

/**
 * Makes an outcome that says which rule of a closed list stands against what was asked for: its class, and in the schema
 * its type and the enum of the rules, which is called `<name>Reason`.
 *
 * @param reasons Each rule, with a sentence about it for people.
 */
export function refusalOf<Reason extends string>(
  name: string,
  descriptions: { readonly refusal: string; readonly reason: string },
  reasons: Readonly<Record<Reason, string>>,
) {
  class Refused extends Error {
    readonly reason: Reason;

    constructor(reason: Reason) {
      super(reasons[reason]);
      this.name = name;
      this.reason = reason;
    }
  }
  const ReasonEnum = builder.enumType(`${name}Reason`, {
    description: descriptions.reason,
    values: Object.fromEntries(
      Object.entries<string>(reasons).map(([value, description]) => [
        value.toUpperCase(),
        { value, description },
      ]),
    ),
  });
  builder.objectType(Refused, {
    name,
    interfaces: [ProblemInterface],
    description: descriptions.refusal,
    fields: (t) => ({
      reason: t.field({ type: ReasonEnum, description: 'Which rule.', resolve: ({ reason }) => reason }),
    }),
  });
  return Refused;
}

/** Records which rule stood against something, and answers so. */
export async function refuseFor(
  event: string,
  target: { readonly kind: string; readonly id: string },
  refusal: Error & { readonly reason: string },
  detail: Record<string, unknown> = {},
): Promise<never> {
  await recordAudit(event, target, { reason: refusal.reason, ...detail });
  throw refusal;
}

/** Records that something was asked for in vain, and answers NotFound: a denial leaves a trace, in its own transaction. */
export async function refuseAsNotFound(event: string, kind: string, id: string | null): Promise<never> {
  await recordAudit(event, { kind, id }, { outcome: 'NOT_FOUND' });
  throw new NotFound(kind);
}

/** Records a change that was made. */
export async function recordChange(
  event: string,
  kind: string,
  id: string,
  detail: Record<string, unknown> = {},
): Promise<void> {
  await recordAudit(event, { kind, id }, detail);
}

/**
 * The answer to a change, with a record of it, without which it is none.
 *
 * @param answer On its way already: the record goes out behind it, and waits for nothing.
 */
export async function recorded<Answer>(
  answer: Promise<Answer>,
  record: () => Promise<void>,
): Promise<Answer> {
  const [made] = await Promise.all([answer, record()]);
  return made;
}
