// Types for one file of node-postgres, which describes only its entry.

declare module 'pg/lib/utils.js' {
  /** A value as it is sent: text, bytes or null. */
  export function prepareValue(value: unknown): string | Buffer | null;
}
