// Identifiers: branded types with one parser each, and the maker of new ones. Imports nothing of ours.
//
// Every id is a UUID. New ids are version 7 (RFC 9562 section 5.7): time-ordered, so that inserts stay at the right edge
// of their index and "newest first" is the order of the primary key, with 74 random bits, so that ids cannot be
// guessed. An id is an identity, never a permission: knowing one gives no access to what it names.

import { v7 } from 'uuid';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ApprovalId = Branded<'approval'>;
export type BaselineId = Branded<'baseline'>;
export type DelegationId = Branded<'delegation'>;
export type EntityId = Branded<'entity'>;
export type IssuerId = Branded<'issuer'>;
export type KeyId = Branded<'key'>;
export type MemoryId = Branded<'memory'>;
export type PermissionId = Branded<'permission'>;
export type RequestId = Branded<'request'>;
export type ServiceId = Branded<'service'>;
export type TenantId = Branded<'tenant'>;

type AnyId =
  | ApprovalId
  | BaselineId
  | DelegationId
  | EntityId
  | IssuerId
  | KeyId
  | MemoryId
  | PermissionId
  | RequestId
  | ServiceId
  | TenantId;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether `text` is a UUID in the canonical form of RFC 9562 section 4: lower case, with hyphens. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text);
}

/**
 * Parses a canonical UUID into a branded id. Returns undefined for anything else; the caller knows whether that is the
 * client's mistake or an absent row, and both usually deserve the same answer.
 */
export function parseId<Id extends AnyId>(text: unknown): Id | undefined {
  return isUuid(text) ? (text as Id) : undefined;
}

/** A new time-ordered id. */
export function newId<Id extends AnyId>(): Id {
  return v7() as Id;
}
