// Messages as server-sent events (HTML, section 9.2), in the form of GraphQL over SSE, distinct connections mode: `next` with an answer,
// `complete` at the end. A message without an answer says that the stream is there, and perhaps how far it is.

/** A part of a stream; the text is an answer in JSON. */
export type Message = { readonly id?: string; readonly text?: string };

const encoder = new TextEncoder();

function blockOf({ id, text }: Message): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(text === undefined ? [] : ['event: next', `data: ${text}`]),
  ];
  return lines.length === 0 ? ':\n\n' : `${lines.join('\n')}\n\n`;
}

/** The answer that these messages are, read as fast as the client takes them and no faster; those that come together are one write. */
export function answerOf(messages: AsyncIterable<readonly Message[]>): Response {
  const iterator = messages[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) {
          controller.enqueue(encoder.encode('event: complete\ndata:\n\n'));
          controller.close();
        } else {
          controller.enqueue(encoder.encode(value.map(blockOf).join('')));
        }
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}
