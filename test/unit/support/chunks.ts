/** The bytes as an answer would bring them, cut at these places; negative ones count from the end. */
export async function* chunksOf(bytes: Buffer, cuts: number[] = []): AsyncGenerator<Buffer> {
  const places = cuts.map((cut) => (cut < 0 ? bytes.length + cut : cut) % (bytes.length + 1));
  let from = 0;
  for (const to of [...places.toSorted((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

/** All that comes. */
export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
