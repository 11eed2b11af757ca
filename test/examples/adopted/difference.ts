// How many lines two texts differ in, as `diff` counts them: along a longest common subsequence of lines. Knows nothing of what the lines say.

export type Difference = { readonly removed: readonly string[]; readonly added: readonly string[] };

export function differenceOf(before: string, after: string): Difference {
  const [a, b] = [before.split('\n'), after.split('\n')];
  // longest[i][j]: of what follows line i of one and line j of the other
  const longest = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => longest[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      (longest[i] as number[])[j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const removed: string[] = [];
  const added: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      removed.push(a[i] as string);
      i += 1;
    } else {
      added.push(b[j] as string);
      j += 1;
    }
  }
  return { removed, added };
}
