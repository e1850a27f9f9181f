import type { LogEntry } from './pages.ts'

/** The end of a stream: the position, and the id and the epoch of the event there. */
type Tail = { posicao: number; id: string | undefined; epoca: string | undefined }

/** Where a relay publishes to: a stream per partition whose entry ids are positions. */
export type Publisher = {
  /**
   * The end of the stream, which outlives a trim; undefined where there is no stream. `id` and `epoca` are undefined where no entry
   * is left.
   */
  tail: (particao: number) => Promise<Tail | undefined>
  /**
   * Publishes entries, positions ascending, and rejects at the first error, so that what is published is always a prefix and calling
   * again goes on from there. Entries that the stream has passed already count as `repeated`.
   */
  publish: (particao: number, entries: readonly LogEntry[]) => Promise<{ added: number; repeated: number }>
  /** Drops the stream of a partition with its groups: only for a log of another epoch. */
  reset: (particao: number) => Promise<void>
  /** Entries that the stream holds: what its readers have not acknowledged, and what is not trimmed yet. */
  length: (particao: number) => Promise<number>
}
