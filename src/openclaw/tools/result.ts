import { sentenceFor } from '../words.ts'

/** What the host takes from a tool. */
export interface ToolResult {
  content: { type: 'text'; text: string }[]
  details: unknown
}

export function toolResult(text: string, details: unknown): ToolResult {
  return { content: [{ type: 'text', text }], details }
}

/** A tool that fails says one sentence; the host shows a thrown error to the model as the tool's error. */
export async function orSentence(work: () => Promise<ToolResult>, target?: string): Promise<ToolResult> {
  try {
    return await work()
  } catch (error) {
    throw new Error(await sentenceFor(error, target), { cause: error })
  }
}
