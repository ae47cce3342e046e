/** Lines of a byte stream, however its chunks are cut. A last line without a newline is given too. */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Buffer[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      rest.push(Buffer.from(chunk.buffer, chunk.byteOffset + start, end - start))
      yield Buffer.concat(rest).toString()
      rest = []
      start = end + 1
    }
    // Copied: the sender may use the chunk's memory again.
    if (start < chunk.length) rest.push(Buffer.from(chunk.subarray(start)))
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString()
}
