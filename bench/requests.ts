import { decimalFromCents } from '@fluxo/shared/money'
import type { Bench } from './context.ts'
import { createEntries, DAYS, type Entry, MERCHANTS } from './entries.ts'
import { MARK, type PlannedRequest } from './load/plan.ts'

/** Different entries that a load sends in turn; what must be unique differs each time by its number. */
const ENTRIES_OF_A_LOAD = 600
const SEED = 1

/** An idempotency key of the usual kind, a UUID; `mark` has nine digits. */
export const chaveOf = (mark: string): string => `5f0c1c9e-8a1d-4c5e-9b7e-000${mark}`

/** An entry as the body of a POST. `mark` makes its `referencia` unique. */
export const entryJson = ({ valor, tipo, descricao, data, withReferencia }: Entry, mark: string): string =>
  `{"valor":${decimalFromCents(valor)},"tipo":"${tipo}","descricao":${JSON.stringify(descricao)},"data":"${data}"` +
  `${withReferencia ? `,"referencia":"NF-${mark}"` : ''}}`

const authorization = async (bench: Bench, comercianteId: string) => ({
  Authorization: `Bearer ${await bench.token(comercianteId)}`,
})

/** Single entries of many merchants on many days. */
export const entryRequests = async (bench: Bench): Promise<PlannedRequest[]> => {
  const next = createEntries({ seed: SEED, plain: bench.options.plain })
  return Promise.all(
    Array.from({ length: ENTRIES_OF_A_LOAD }, next).map(async (entry): Promise<PlannedRequest> => {
      const headers = {
        ...(await authorization(bench, entry.comercianteId)),
        'Content-Type': 'application/json',
        ...(entry.withChave && { 'Idempotency-Key': chaveOf(MARK) }),
      }
      return { method: 'POST', path: '/lancamentos', headers, body: entryJson(entry, MARK) }
    }),
  )
}

/** Batches as JSON arrays, each of one merchant, with `entriesOfBatch` entries. */
export const batchRequests = (bench: Bench, entriesOfBatch: number): Promise<PlannedRequest[]> => {
  const next = createEntries({ seed: SEED, plain: bench.options.plain })
  return Promise.all(
    MERCHANTS.map(async (merchant): Promise<PlannedRequest> => {
      const entries = Array.from({ length: entriesOfBatch }, (_, i) => entryJson(next(), `${MARK}-${i}`))
      return {
        method: 'POST',
        path: '/lancamentos/lote',
        headers: { ...(await authorization(bench, merchant)), 'Content-Type': 'application/json' },
        body: `[${entries.join(',')}]`,
      }
    }),
  )
}

/** Reads of every merchant and day that has entries. */
export const dayRequests = async (bench: Bench): Promise<PlannedRequest[]> => {
  const requests: PlannedRequest[] = []
  for (const merchant of MERCHANTS) {
    const headers = await authorization(bench, merchant)
    for (const day of DAYS) requests.push({ method: 'GET', path: `/consolidado/${day}`, headers })
  }
  return requests
}

/** Reads of one day by each of the merchants; the day is filled in, another one in each round. */
export const markedDayRequests = (bench: Bench, merchants: readonly string[]): Promise<PlannedRequest[]> =>
  Promise.all(
    merchants.map(
      async (merchant): Promise<PlannedRequest> => ({
        method: 'GET',
        path: `/consolidado/${MARK}`,
        headers: await authorization(bench, merchant),
      }),
    ),
  )
