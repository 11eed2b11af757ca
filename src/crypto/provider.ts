// Where the outermost keys are: what a key provider is. One file each in `providers/`.
//
// A key-encryption key wraps a tenant's keys and the keys that sign tokens, and nothing else; it never lies in the database, and
// with Vault or a KMS not even in this process. What it wrapped says for itself which key it was, so that keys take turns, and
// providers too: `local:5d41402abc4b2a76:<...>`, the scheme, the key's id within it, and whatever the provider makes of the rest.

/** What a wrapped key is bound to: it does not open in another place. Names and values are no secrets: a KMS may log them. */
export type Binding = Readonly<Record<string, string>>;

/** A key as it is kept: `<scheme>:<key id>:<the rest>`, printable. */
export type Wrapped = string;

/** The schemes there are. */
export const SCHEMES = ['local', 'env', 'vault', 'aws'] as const;
export type Scheme = (typeof SCHEMES)[number];

export type KeyProvider = {
  readonly scheme: Scheme;
  /** The id of the key under which `wrap` wraps now: `<scheme>:<key id>`, the beginning of what it wraps. */
  current(): Promise<string>;
  /** @throws {KeyProviderError} */
  wrap(key: Uint8Array, binding: Binding): Promise<Wrapped>;
  /**
   * @throws {KeyProviderError} `refused` when it was wrapped under a key that is not to be had, under another binding, or altered;
   *   `unreachable` when the provider does not answer.
   */
  unwrap(wrapped: Wrapped, binding: Binding): Promise<Uint8Array>;
  /**
   * Has a new key take over; what was wrapped before still unwraps. Returns the new `current`.
   *
   * @throws {KeyProviderError} `refused` where that is not the provider's to do; the message says how it is done.
   */
  rotate(): Promise<string>;
  /**
   * Removes keys for ever: what they wrapped does not open again. The current one always stays. Only where the keys are the
   * provider's own to throw away.
   *
   * @param keep Ids as `keyIdOf` has them, of all that still wrap something.
   * @param dryRun Whether nothing is removed.
   * @returns the ids of those removed, or that would be.
   * @throws {KeyProviderError} `refused` when they cannot be removed.
   */
  prune?(keep: ReadonlySet<string>, dryRun?: boolean): Promise<readonly string[]>;
  close?(): void;
};

/** What a provider could not do. Holds no key and nothing wrapped. */
export class KeyProviderError extends Error {
  readonly reason: 'refused' | 'unreachable';

  constructor(reason: KeyProviderError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyProviderError';
    this.reason = reason;
  }
}

/** `<scheme>:<key id>` of a wrapped key. */
export function keyIdOf(wrapped: Wrapped): string {
  return wrapped.split(':', 2).join(':');
}
