import type { LogHead, ReadPage } from '../log/pages.ts'
import type { FeedClient } from './client.ts'

/** The log itself, in the same database as its follower: what no stream brings is read there. */
type LogReads = {
  readPage: ReadPage
  readHead: (particao: number) => Promise<LogHead | undefined>
}

/** The log of this very database as a feed: no HTTP between a service and itself. */
export const feedOfLog = ({ readPage, readHead }: LogReads): FeedClient => ({
  page: async ({ particao, after, limite: limit }) => {
    const entries = await readPage(particao, after, limit)
    const head = await readHead(particao)
    if (head === undefined) throw new Error(`partition ${particao} has no counter: run \`npm run migrate\``)
    const eventos = entries.map(({ posicao, body }) => ({ posicao, evento: JSON.parse(body) as unknown }))
    return { particao, ...head, eventos }
  },
})
