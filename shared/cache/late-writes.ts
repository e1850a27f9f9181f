import { type Clock, systemClock } from '../clock.ts'
import type { StoredEntry } from './set-if-newer.ts'

/** Entries kept for later; at some 400 bytes each, 8 MB. Beyond that it is cheaper to empty the cache than to catch up. */
const LATE_KEYS_MAX = 20_000
/** Entries sent again at once. */
const LATE_BATCH_MAX = 1_000
/** How soon a write that failed is tried again: until then other processes may read the old value. */
const RETRY_MS = 250

type LateWrites = {
  /** True where `key` waits to be written, so that what the server holds may be outdated. */
  has(key: string): boolean
  size(): number
  /** Keeps entries whose write failed; of two for one key, the newer. */
  add(entries: readonly StoredEntry[]): void
  /** Forgets entries that were written meanwhile, in this version or a newer one. */
  written(entries: readonly StoredEntry[]): void
  /** Tries now what waits; resolves when nothing is left or a write failed again. Never rejects. */
  flush(): Promise<void>
  close(): void
}

/**
 * Remembers the writes that a cache refused or lost, until they are made.
 *
 * A value that was not replaced would be served as current for the rest of its hour. Where too many wait, all are
 * forgotten and `purge` empties the cache instead: nothing outdated is left in it either way.
 */
export const createLateWrites = ({ write, purge, clock = systemClock }: LateWriteDeps): LateWrites => {
  const late = new Map<string, StoredEntry>()
  let mustPurge = false
  let cancel: (() => void) | undefined
  let flushing: Promise<void> | undefined

  const drain = async (): Promise<void> => {
    if (mustPurge) {
      await purge()
      mustPurge = false
    }
    while (late.size > 0) {
      const batch = late.values().take(LATE_BATCH_MAX).toArray()
      await write(batch)
      written(batch)
    }
  }
  const written = (entries: readonly StoredEntry[]): void => {
    if (late.size === 0) return
    for (const { key, versao } of entries) {
      const waiting = late.get(key)
      if (waiting !== undefined && waiting.versao <= versao) late.delete(key)
    }
  }
  const flush = (): Promise<void> => {
    flushing ??= drain()
      .catch(retryLater)
      .finally(() => {
        flushing = undefined
      })
    return flushing
  }
  const retryLater = () => {
    cancel ??= clock.afterUnref(RETRY_MS, () => {
      cancel = undefined
      void flush()
    })
  }

  return {
    has: (key) => mustPurge || late.has(key),
    size: () => late.size,
    written,
    flush,
    add: (entries) => {
      for (const entry of entries) {
        const waiting = late.get(entry.key)
        if (waiting === undefined || waiting.versao < entry.versao) late.set(entry.key, entry)
      }
      if (late.size > LATE_KEYS_MAX) {
        late.clear()
        mustPurge = true
      }
      retryLater()
    },
    close: () => cancel?.(),
  }
}

type LateWriteDeps = {
  /** Rejects where it could not write. */
  write: (entries: readonly StoredEntry[]) => Promise<void>
  /** Removes every entry of the cache; rejects where it could not. */
  purge: () => Promise<void>
  clock?: Clock | undefined
}
