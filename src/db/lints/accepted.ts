// Findings that somebody has looked at and accepted, each with a reason, as lines of a text file:
//
//   <lint> <object> because <reason>
//
// One line accepts one finding and nothing beside it: there are no patterns, because an exception that also covers what
// will be made later is none. Blank lines and lines that begin with # say nothing. Which acceptances no longer apply is
// found out by src/db/lints.ts.

export type Acceptance = {
  readonly lint: string;
  /** As the finding names it. */
  readonly object: string;
  readonly reason: string;
};

/** @throws an error that names the line which is not of the form. */
export function parseAccepted(text: string): Acceptance[] {
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*(#.*)?$/.test(line)) {
      return [];
    }
    const [, lint, object, reason] = line.match(/^\s*(\S+)\s+(\S.*?)\s+because\s+(\S.*?)\s*$/) ?? [];
    if (lint === undefined || object === undefined || reason === undefined) {
      throw new Error(
        `line ${index + 1} is not of the form "<lint> <object> because <reason>": ${line.trim()}`,
      );
    }
    return [{ lint, object, reason }];
  });
}
