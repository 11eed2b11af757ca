// Taking a secret out of what a service answers: whoever may use a secret without reading it must not read it in an echo.
//
// Found are the secret as it is, and as JSON, URLs, base64 and hexadecimal write it, base64 at each place that it can have in
// something longer. A service that answers with something else made of it is beyond this: the owner chooses the calls.

const MASK = '[secret]';

/**
 * The text with the secret masked wherever it stands.
 *
 * @param cut Whether the text is only a beginning: then its end is left out as far as a secret may have been cut in two there.
 */
export function masked(text: string, secret: string, cut = false): string {
  const all = spellings(secret);
  const rest = all.reduce((left, spelling) => left.replaceAll(spelling, MASK), text);
  const [longest = ''] = all;
  return cut ? rest.slice(0, Math.max(0, rest.length - longest.length)) : rest;
}

function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].flatMap((offset) => {
    const encoded = inner(bytes, offset);
    return [encoded, encoded.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const all = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    hex,
    hex.toUpperCase(),
    ...base64,
  ];
  // the longest first: what holds another must not be torn
  return [...new Set(all)].sort((a, b) => b.length - a.length);
}

/** The part of the base64 of anything that is due to these bytes alone, when this many bytes of a group of three precede them. */
function inner(bytes: Uint8Array, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const shared = (offset + bytes.length) % 3 === 0 ? 0 : 1;
  return encoded.slice(Math.ceil((offset * 8) / 6), encoded.length - shared);
}
