// Global ids (Relay): the name of a type and the id of a row, as one opaque text.
//
// A global id identifies and never authorises. Which row it leads to, if any, the database decides under the caller's
// context. A malformed one is the client's mistake; a well-formed one that leads nowhere is simply absent.

import { BailiwickError } from '../errors.ts';
import { type EntityId, isUuid } from '../ids.ts';

/** The types that have global ids, each with the brand of its id. */
export type NodeName =
  | 'AccessReceipt'
  | 'ActivityEntry'
  | 'Agent'
  | 'Approval'
  | 'Baseline'
  | 'Credential'
  | 'Delegation'
  | 'Memory'
  | 'Permission'
  | 'ServiceCredential'
  | 'Tenant'
  | 'User'
  | 'World'
  | 'WorldMember';

export function toGlobalId(type: string, id: string): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

/**
 * @returns type and id; the type may be one this schema does not have.
 * @throws {BailiwickError} BAD_USER_INPUT when it is not a global id at all.
 */
export function fromGlobalId(text: string): { type: string; id: string } {
  const decoded = Buffer.from(text, 'base64url').toString('utf8');
  const [, type, id] = /^([A-Z][A-Za-z]{0,40}):([0-9a-f-]{36})$/.exec(decoded) ?? [];
  if (type === undefined || !isUuid(id) || toGlobalId(type, id) !== text) {
    throw new BailiwickError('BAD_USER_INPUT', `Not a global id: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return { type, id };
}

/** The id inside a global id that must be of one of these types; anything else is the client's mistake. */
export function idOf<Id extends string = EntityId>(text: string, ...types: NodeName[]): Id {
  const { type, id } = fromGlobalId(text);
  if (!(types as string[]).includes(type)) {
    throw new BailiwickError(
      'BAD_USER_INPUT',
      `Expected the id of ${types.join(' or ')}, got one of ${type}`,
    );
  }
  return id as Id;
}

/** The same for an optional id. */
export function optionalIdOf<Id extends string = EntityId>(
  text: string | null | undefined,
  ...types: NodeName[]
): Id | null {
  return text === null || text === undefined ? null : idOf<Id>(text, ...types);
}
