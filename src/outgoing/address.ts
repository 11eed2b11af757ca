// Which addresses of the network this server connects to on somebody's word: by default only those that the whole Internet sees.
//
// Whoever may name an issuer or a service could otherwise make this server knock on doors that are open to it alone: a cloud's
// metadata service, a database, the neighbours in the same network. The check is made on the address that is connected
// to, because a name may lead elsewhere the next time it is asked. Opens no connection itself.

import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * `public`: addresses of the Internet, over HTTPS. `loopback`: also this machine, over plain HTTP; for development.
 * `any`: also private and other special addresses over HTTPS, and this machine over plain HTTP.
 */
export type Reach = 'public' | 'loopback' | 'any';

/** An address that may not be reached. */
export class AddressError extends Error {
  constructor(hostname: string, problem: string) {
    super(`${hostname} is not connected to: ${problem}`);
    this.name = 'AddressError';
  }
}

/** All addresses of a name. */
export type Resolve = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/** What speaks against connecting to `address`, an IP address, for this URL; undefined when nothing does. */
export function reachProblem(address: string, uri: URL, reach: Reach): string | undefined {
  if (uri.protocol === 'http:') {
    if (rangeOf(address) !== 'loopback') {
      return 'plain HTTP is for loopback addresses only';
    }
    return reach === 'public' ? 'plain HTTP is for development only' : undefined;
  }
  return reach === 'any' || rangeOf(address) === 'unicast'
    ? undefined
    : 'it is a private or otherwise special address';
}

/** The same for a URL that names its address; undefined for a name, which is checked when it has been resolved. */
export function literalProblem(uri: URL, reach: Reach): string | undefined {
  const host = uri.hostname.replace(/^\[(.*)\]$/, '$1');
  // Plain HTTP is for this machine, by whatever name it goes.
  return isIP(host) !== 0 || uri.protocol === 'http:'
    ? reachProblem(isIP(host) === 0 ? '127.0.0.1' : host, uri, reach)
    : undefined;
}

/**
 * Resolves for `net.connect`, which connects to what it is given here and to nothing else. One address that may not be
 * reached spoils them all: whoever mixes them means it.
 */
export function guardedLookup(uri: URL, reach: Reach, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        const problem = addresses
          .map(({ address }) => reachProblem(address, uri, reach))
          .find((found) => found !== undefined);
        if (first === undefined || problem !== undefined) {
          callback(new AddressError(hostname, problem ?? 'it has no address'), '');
        } else if (options.all === true) {
          callback(null, [...addresses]);
        } else {
          callback(null, first.address, first.family);
        }
      },
      (cause: NodeJS.ErrnoException) => callback(cause, ''),
    );
  };
}

const GLOBAL = ipaddr.parseCIDR('2000::/3');
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96');

/** The kind of address; `unicast` for an ordinary one of the Internet. What cannot be read is `reserved`. */
function rangeOf(text: string): string {
  if (isIP(text) === 0) {
    return 'reserved';
  }
  const address = ipaddr.parse(text);
  if (address.kind() === 'ipv4') {
    return address.range();
  }
  // Both are other spellings of the IPv4 address in their last 32 bits, which is where a connection ends.
  if (address.range() === 'ipv4Mapped' || address.match(NAT64)) {
    return ipaddr.fromByteArray(address.toByteArray().slice(12)).range();
  }
  // The library calls unicast what it has no name for; only this part of IPv6 has been given out (RFC 4291 section 2.4).
  return address.range() === 'unicast' && !address.match(GLOBAL) ? 'reserved' : address.range();
}
