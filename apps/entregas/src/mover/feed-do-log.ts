import type { LogHead, ReadPage } from '@fluxo/shared/log/feed'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'

/** The log itself, in the same database as its follower: what no stream brings is read there. */
export type LogDoBanco = {
  readPage: ReadPage
  readHead: (particao: number) => Promise<LogHead | undefined>
}

/** The log of this very database as a feed: no HTTP between a service and itself. */
export const feedDoLog = ({ readPage, readHead }: LogDoBanco): FeedClient => ({
  page: async ({ particao, depoisDe, limite }) => {
    const entries = await readPage(particao, depoisDe, limite)
    const cabeca = await readHead(particao)
    if (cabeca === undefined) throw new Error(`partition ${particao} has no counter: run \`npm run migrate\``)
    const eventos = entries.map(({ posicao, body }) => ({ posicao, evento: JSON.parse(body) as unknown }))
    return { particao, ...cabeca, eventos }
  },
})
