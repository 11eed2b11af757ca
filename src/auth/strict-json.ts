// JSON for decisions about security: one text, one meaning.
//
// `JSON.parse` silently keeps the last of two members with the same name; another reader of the same token may keep the
// first (RFC 8259 section 4 leaves it open, RFC 7515 section 4 and RFC 7519 section 4 let us refuse). What two programs
// could read differently is refused here. Says nothing about what a document means.

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// A byte order mark is kept, so that the grammar refuses it (RFC 8259 section 8.1).
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses one JSON document (RFC 8259).
 *
 * @param bytes UTF-8 without byte order mark.
 * @throws {TypeError} when the bytes are not UTF-8.
 * @throws {SyntaxError} when they are not JSON, something follows it, or an object has two members of the same name.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const json = utf8.decode(bytes);
  const value: unknown = JSON.parse(json);
  const duplicate = duplicateMember(json);
  if (duplicate !== undefined) {
    throw new SyntaxError(`Two members are named ${JSON.stringify(duplicate)}`);
  }
  return value;
}

// A string, with the colon that makes it the name of a member; or the beginning or end of an object or array.
const TOKENS = /(?<string>"(?:[^"\\]|\\.)*")(?<colon>[ \t\n\r]*:)?|[{}[\]]/g;

/** The first name that occurs twice in one object of `json`, whose grammar must already have been checked. */
function duplicateMember(json: string): string | undefined {
  // Names seen in each object that is open at this point; an array has none.
  const open: (Set<string> | undefined)[] = [];
  for (const { 0: token, groups } of json.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (groups?.colon !== undefined && groups.string !== undefined) {
      // Compared as decoded: "\u0069ss" is "iss".
      const name = JSON.parse(groups.string) as string;
      const names = open.at(-1);
      if (names?.has(name)) {
        return name;
      }
      names?.add(name);
    }
  }
  return undefined;
}
