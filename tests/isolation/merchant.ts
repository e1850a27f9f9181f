import type { Pedido, Pedir, Resposta } from './world.ts'

/** What a merchant records, drawn from few values, so that two merchants often use the same ones. */
export type Entrada = {
  tipo: 'CREDITO' | 'DEBITO'
  valor: string
  data: string
  referencia?: string | undefined
  chave?: string | undefined
}

/** What is known about a merchant's books from outside: all that another one could try to use. */
export type Segredos = {
  ids: string[]
  posicoes: string[]
  cursores: string[]
  etags: string[]
  dias: string[]
  referencias: string[]
  chaves: string[]
  /** A word that stands in every description. */
  canario: string
}

const JSON_TYPE = { 'content-type': 'application/json' }
export const comChave = (chave: string | undefined) => (chave === undefined ? {} : { 'idempotency-key': chave })

export const registrar = ({ chave, ...entrada }: Entrada, descricao: string): Pedido => ({
  rota: 'POST /lancamentos',
  caminho: '/lancamentos',
  headers: { ...JSON_TYPE, ...comChave(chave) },
  body: JSON.stringify({ ...entrada, descricao }),
})
export const estornar = (id: string, chave?: string): Pedido => ({
  rota: 'POST /lancamentos/{id}/estorno',
  caminho: `/lancamentos/${id}/estorno`,
  headers: { ...JSON_TYPE, ...comChave(chave) },
  body: '{"data":"2025-10-15"}',
})
export const lote = (entradas: readonly Entrada[], descricao: string, chave?: string, consulta = ''): Pedido => ({
  rota: 'POST /lancamentos/lote',
  caminho: `/lancamentos/lote${consulta}`,
  headers: { ...JSON_TYPE, ...comChave(chave) },
  body: JSON.stringify(entradas.map(({ chave: _, ...entrada }) => ({ ...entrada, descricao }))),
})
export const importar = (entradas: readonly Entrada[], descricao: string): Pedido => ({
  rota: 'POST /lancamentos/importacoes',
  caminho: '/lancamentos/importacoes',
  headers: { 'content-type': 'text/csv' },
  body: `data,tipo,valor,descricao,referencia\n${entradas
    .map(({ data, tipo, valor, referencia = '' }) => `${data},${tipo},${valor},${descricao},${referencia}\n`)
    .join('')}`,
})
export const listar = (consulta = ''): Pedido => ({ rota: 'GET /lancamentos', caminho: `/lancamentos${consulta}` })
export const lerUm = (id: string): Pedido => ({ rota: 'GET /lancamentos/{id}', caminho: `/lancamentos/${id}` })
export const lerDia = (data: string, headers: Pedido['headers'] = {}): Pedido => ({
  rota: 'GET /consolidado/{data}',
  caminho: `/consolidado/${data}`,
  headers,
})
export const lerPeriodo = (headers: Pedido['headers'] = {}, consulta = '?de=2025-10-01&ate=2025-10-31'): Pedido => ({
  rota: 'GET /consolidado',
  caminho: `/consolidado${consulta}`,
  headers,
})
export const lerLog = (consulta = ''): Pedido => ({ rota: 'GET /eventos', caminho: `/eventos${consulta}` })

/** Sends one request after the other. */
export const enviar = async (pedir: Pedir, pedidos: readonly Pedido[]): Promise<Resposta[]> => {
  const respostas: Resposta[] = []
  for (const pedido of pedidos) respostas.push(await pedir(pedido))
  return respostas
}

/** Everything that a merchant sees of its own books. */
export const livros = async (pedir: Pedir): Promise<Resposta[]> => {
  const respostas = [await pedir(listar('?limite=200')), await pedir(lerPeriodo())]
  return respostas.map(({ status, headers, body }) => ({ status, body, headers: { etag: headers['etag'] ?? '' } }))
}

/** Collects what another merchant could try to use of these books, warming their caches on the way. */
export const segredosDe = async (
  pedir: Pedir,
  entradas: readonly Entrada[],
  respostas: readonly Resposta[],
  canario: string,
): Promise<Segredos> => {
  const lista = await pedir(listar('?limite=200'))
  const itens = (JSON.parse(lista.body) as { itens: { id: string; data: string }[] }).itens
  const pagina = await pedir(listar('?limite=1'))
  const dias = [...new Set(itens.map(({ data }) => data))]
  const lidos: Resposta[] = []
  for (const dia of [...dias, ...dias]) lidos.push(await pedir(lerDia(dia)))
  return {
    ids: itens.map(({ id }) => id),
    posicoes: respostas.flatMap(({ headers }) => headers['fluxo-posicao'] ?? []),
    cursores: [(JSON.parse(pagina.body) as { proximo: string | null }).proximo ?? 'AAAA'],
    etags: [...lidos, await pedir(lerPeriodo())].flatMap(({ headers }) => headers['etag'] ?? []),
    dias,
    referencias: entradas.flatMap(({ referencia }) => referencia ?? []),
    chaves: entradas.flatMap(({ chave }) => chave ?? []),
    canario,
  }
}
