import type { FeedClient, FeedPage } from '@fluxo/shared/feed/client'

/** The most that the feed gives at once. */
const PAGE_ROWS = 5_000
/** Requests in flight: the ledger makes the next pages while this one is added up. */
const PREFETCH = 2

/**
 * The pages of a partition after `after`, in order, until one is not full.
 *
 * Positions have no gaps, so the start of the next page is known before this one has arrived, and it is asked for ahead.
 * Where there were gaps after all, a page reaches into the next: whoever reads skips what is not after the last. `rows`
 * are the events of a page: fewer, where the process has more urgent things to do between two of them.
 */
export async function* pages(
  feed: FeedClient,
  options: { particao: number; after: number; ate?: number; rows?: number },
): AsyncGenerator<FeedPage> {
  const { particao, after, ate = Number.MAX_SAFE_INTEGER, rows = PAGE_ROWS } = options
  const abandon = new AbortController()
  let asked = after
  const ask = (): Promise<FeedPage> => {
    const page = feed.page({ particao, after: asked, limite: rows, signal: abandon.signal })
    // One that nobody will wait for must not end the process; whoever waits sees the same rejection.
    page.catch(() => {})
    asked += rows
    return page
  }
  const asking = [ask()]
  try {
    for (let next = asking.shift(); next !== undefined; next = asking.shift()) {
      while (asking.length < PREFETCH && asked < ate) asking.push(ask())
      const page = await next
      yield page
      if (page.eventos.length < rows) return
      if (asking.length === 0 && asked < ate) asking.push(ask())
    }
  } finally {
    abandon.abort()
  }
}
