import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '../stage/load.ts'
import { quantile } from '../stage/quantile.ts'

/** What a merchant noticed that did nothing unusual beside the hostile one. */
export type Noticed = { calls: number; entries: number; refused: string[]; p99Ms: number }

const PAUSE_MS = 50
const ENTRY = JSON.stringify({ tipo: 'CREDITO', valor: '1.00', data: '2025-10-15', descricao: 'Venda' })

/** Posts an entry and reads its day, again and again; what it gives ends it and says what was noticed. */
export const startNeighbour = (
  urls: { lancamentos: string; consolidado: string },
  authorization: string,
): (() => Promise<Noticed>) => {
  const client = createClient()
  const headers = { authorization, 'content-type': 'application/json' }
  const times: number[] = []
  const refused: string[] = []
  let entries = 0
  let over = false
  const call = async (wanted: number, ...request: Parameters<typeof client.send>): Promise<void> => {
    const answer = await client.send(...request)
    times.push(answer.ms)
    if (answer.status !== wanted) refused.push(`${answer.status} ${answer.body.slice(0, 120)}`)
    else if (wanted === 201) entries += 1
  }
  const work = async (): Promise<void> => {
    while (!over) {
      await call(201, `${urls.lancamentos}/lancamentos`, { method: 'POST', headers, body: ENTRY })
      await call(200, `${urls.consolidado}/consolidado/2025-10-15`, { headers })
      await delay(PAUSE_MS)
    }
  }
  const ended = work().catch((error: unknown) => {
    refused.push(String(error))
  })
  return async () => {
    over = true
    await ended
    client.close()
    return { calls: times.length, entries, refused, p99Ms: quantile(times, 0.99) }
  }
}
