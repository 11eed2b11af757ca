// Where a request came from, as far as failures are counted by it: one IPv4 address, or one IPv6 network of 64 bits.
//
// A header is believed only as far as proxies of ours have written it: each appends the address that it was spoken to
// from, so with n of them the n-th entry from the right is the client's, and everything to the left of it is whatever
// the client wrote. Nothing here decides who anybody is, and an address is never a credential.

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** As the socket and the headers have it. */
export type Origin = {
  /** Address of the peer; undefined once it has gone, and over a Unix socket. */
  readonly socket: string | undefined;
  /** `X-Forwarded-For`, repeated ones joined by commas. */
  readonly forwarded: string | undefined;
};

/**
 * The source to count failures under.
 *
 * @param trustProxy How many proxies of ours stand in front; with 0, no header is looked at.
 */
export function sourceOf({ socket, forwarded }: Origin, trustProxy: number): string {
  const entry = trustProxy > 0 ? forwarded?.split(',').at(-trustProxy) : undefined;
  // What is missing or malformed was not written by a proxy of ours; then the proxy itself is all that is known.
  return networkOf(entry?.trim()) ?? networkOf(socket) ?? 'unknown';
}

/** Whoever has one IPv6 address has 2^64 of them (RFC 7421); an IPv4 address is shared at most. */
function networkOf(address: string | undefined): string | undefined {
  // Strict about spelling, which ipaddr.js is not: it reads 0x7f.1 as 127.0.0.1.
  switch (isIP(address ?? '')) {
    case 4:
      return ipaddr.IPv4.parse(address ?? '').toString();
    case 6: {
      const parsed = ipaddr.IPv6.parse((address ?? '').replace(/%.*$/, ''));
      return parsed.isIPv4MappedAddress()
        ? parsed.toIPv4Address().toString()
        : `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toRFC5952String()}/64`;
    }
    default:
      return undefined;
  }
}
