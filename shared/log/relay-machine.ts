/** What is known when a relay takes its lease. Positions; `id`s of events, undefined where there is none. */
type Resume = {
  /** The cursor row: every position up to here was published once. */
  cursor: number
  /** The highest position of the log. */
  head: number
  /** The stream's last entry, undefined where there is no stream. */
  tail: { posicao: number; id: string | undefined } | undefined
  /** The event id that the log holds at the stream's last position, undefined where it holds none. */
  idAtTail: string | undefined
}

type ResumeDecision =
  /** Go on after this position. */
  | { outcome: 'continue'; from: number }
  /** Redis has lost entries that were published: go on from the cursor, readers pull what is missing. */
  | { outcome: 'redis-lost'; from: number }
  /** The stream was filled from another log than this one: drop it and begin after the cursor. */
  | { outcome: 'foreign-stream'; from: number }

/**
 * Decides where a relay goes on.
 *
 * The stream's last id is more exact than the cursor row: the publication itself moves it, the row follows later. It only
 * counts where the log holds the very same event at that position; a ledger restored from an older backup does not.
 */
export const decideResume = ({ cursor, head, tail, idAtTail }: Resume): ResumeDecision => {
  if (!tail || tail.posicao === 0) {
    return cursor > 0 ? { outcome: 'redis-lost', from: cursor } : { outcome: 'continue', from: 0 }
  }
  if (tail.posicao > head) return { outcome: 'foreign-stream', from: Math.min(cursor, head) }
  // A stream whose entries were all trimmed still has its last id, but no event to compare.
  if (tail.id !== undefined && idAtTail !== tail.id) return { outcome: 'foreign-stream', from: Math.min(cursor, head) }
  if (tail.posicao < cursor) return { outcome: 'redis-lost', from: cursor }
  return { outcome: 'continue', from: tail.posicao }
}
