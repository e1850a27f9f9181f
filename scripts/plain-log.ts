/** A server that is away makes every part of the services say so again and again: each sentence is told once in this time. */
const AGAIN_AFTER_MS = 60_000

type Line = { level?: string; msg?: string; erro?: string; cause?: unknown; err?: { message?: string } }

/** The services' log for the person at a terminal: a plain sentence with its reason, in place of JSON with stacks. */
export const createPlainLog = (say: (line: string) => void) => {
  const toldAt = new Map<string, number>()
  return {
    write: (text: string): void => {
      const line: Line = JSON.parse(text)
      const sentence = line.msg ?? ''
      const before = toldAt.get(sentence)
      if (before !== undefined && performance.now() - before < AGAIN_AFTER_MS) return
      toldAt.set(sentence, performance.now())
      const reason = line.err?.message ?? line.erro ?? (typeof line.cause === 'string' ? line.cause : undefined)
      say(`${line.level}: ${sentence}${reason ? ` (${reason.split('\n')[0]})` : ''}`)
    },
  }
}
