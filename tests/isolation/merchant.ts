import type { Answer, Ask, Call } from './world.ts'

/** What a merchant records, drawn from few values, so that two merchants often use the same ones. */
export type Entry = {
  tipo: 'CREDITO' | 'DEBITO'
  valor: string
  data: string
  referencia?: string | undefined
  chave?: string | undefined
}

/** What is known about a merchant's books from outside: all that another one could try to use. */
export type Secrets = {
  ids: string[]
  posicoes: string[]
  cursors: string[]
  etags: string[]
  days: string[]
  referencias: string[]
  chaves: string[]
  /** A word that stands in every description. */
  canary: string
}

const JSON_TYPE = { 'content-type': 'application/json' }
export const withChave = (chave: string | undefined) => (chave === undefined ? {} : { 'idempotency-key': chave })

export const register = ({ chave, ...entry }: Entry, descricao: string): Call => ({
  operation: 'POST /lancamentos',
  path: '/lancamentos',
  headers: { ...JSON_TYPE, ...withChave(chave) },
  body: JSON.stringify({ ...entry, descricao }),
})
export const reverse = (id: string, chave?: string): Call => ({
  operation: 'POST /lancamentos/{id}/estorno',
  path: `/lancamentos/${id}/estorno`,
  headers: { ...JSON_TYPE, ...withChave(chave) },
  body: '{"data":"2025-10-15"}',
})
export const lote = (entries: readonly Entry[], descricao: string, chave?: string, query = ''): Call => ({
  operation: 'POST /lancamentos/lote',
  path: `/lancamentos/lote${query}`,
  headers: { ...JSON_TYPE, ...withChave(chave) },
  body: JSON.stringify(entries.map(({ chave: _, ...entry }) => ({ ...entry, descricao }))),
})
export const importFile = (entries: readonly Entry[], descricao: string): Call => ({
  operation: 'POST /lancamentos/importacoes',
  path: '/lancamentos/importacoes',
  headers: { 'content-type': 'text/csv' },
  body: `data,tipo,valor,descricao,referencia\n${entries
    .map(({ data, tipo, valor, referencia = '' }) => `${data},${tipo},${valor},${descricao},${referencia}\n`)
    .join('')}`,
})
export const list = (query = ''): Call => ({ operation: 'GET /lancamentos', path: `/lancamentos${query}` })
export const readOne = (id: string): Call => ({ operation: 'GET /lancamentos/{id}', path: `/lancamentos/${id}` })
export const readDay = (data: string, headers: Call['headers'] = {}): Call => ({
  operation: 'GET /consolidado/{data}',
  path: `/consolidado/${data}`,
  headers,
})
export const readPeriod = (headers: Call['headers'] = {}, query = '?de=2025-10-01&ate=2025-10-31'): Call => ({
  operation: 'GET /consolidado',
  path: `/consolidado${query}`,
  headers,
})
export const readState = (comerciante: string): Call => ({
  operation: 'GET /saldos',
  path: `/saldos?comerciante=${comerciante}&data=2025-10-15&particao=0&posicao=0`,
})
export const readLog = (query = ''): Call => ({ operation: 'GET /eventos', path: `/eventos${query}` })

/** Sends one request after the other. */
export const sendAll = async (ask: Ask, calls: readonly Call[]): Promise<Answer[]> => {
  const answers: Answer[] = []
  for (const call of calls) answers.push(await ask(call))
  return answers
}

/** Everything that a merchant sees of its own books. */
export const books = async (ask: Ask): Promise<Answer[]> => {
  const answers = [await ask(list('?limite=200')), await ask(readPeriod())]
  return answers.map(({ status, headers, body }) => ({ status, body, headers: { etag: headers['etag'] ?? '' } }))
}

/** Collects what another merchant could try to use of these books, warming their caches on the way. */
export const secretsOf = async (
  ask: Ask,
  entries: readonly Entry[],
  answers: readonly Answer[],
  canary: string,
): Promise<Secrets> => {
  const listing = await ask(list('?limite=200'))
  const items = (JSON.parse(listing.body) as { itens: { id: string; data: string }[] }).itens
  const page = await ask(list('?limite=1'))
  const days = [...new Set(items.map(({ data }) => data))]
  const readings: Answer[] = []
  for (const day of [...days, ...days]) readings.push(await ask(readDay(day)))
  return {
    ids: items.map(({ id }) => id),
    posicoes: answers.flatMap(({ headers }) => headers['fluxo-posicao'] ?? []),
    cursors: [(JSON.parse(page.body) as { proximo: string | null }).proximo ?? 'AAAA'],
    etags: [...readings, await ask(readPeriod())].flatMap(({ headers }) => headers['etag'] ?? []),
    days,
    referencias: entries.flatMap(({ referencia }) => referencia ?? []),
    chaves: entries.flatMap(({ chave }) => chave ?? []),
    canary,
  }
}
