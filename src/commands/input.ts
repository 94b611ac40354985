import { UsageError } from './arguments.ts'

/** Reads a stream to its end as text; UsageError as soon as it is longer than `maxBytes`, or when it is not UTF-8. */
export async function readText(stream: AsyncIterable<Uint8Array | string>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const part of stream) {
    const chunk = typeof part === 'string' ? new TextEncoder().encode(part) : part
    bytes += chunk.byteLength
    if (bytes > maxBytes)
      throw new UsageError(
        `The text on standard input is longer than ${maxBytes} bytes; shorten it or send it in parts.`
      )
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new UsageError('The text on standard input is not valid UTF-8.', { cause })
  }
}
