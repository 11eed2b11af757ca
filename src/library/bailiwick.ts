// The package `bailiwick`: sessions on an application's own pool, for everybody who uses node-postgres or what is built on it.
//
// With Prisma: bailiwick/prisma. With GraphQL: bailiwick/yoga, bailiwick/apollo. Loads none of them.

export { BailiwickError, type ErrorCode, PostureError } from '../errors.ts';
export { asPool, type SessionPool } from './as-pool.ts';
export { DelegationRefused, delegate, type Grant, type RefusalReason, revoke } from './delegations.ts';
export type { Key, Principal } from './principal.ts';
export { openSession, type Session, type SessionClient, withSession } from './session.ts';
export type { SessionContext, SessionOptions } from './terms.ts';
