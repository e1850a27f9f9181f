import type { Pedido, Pedir, Resposta } from './world.ts'

/** An order that a merchant receives, drawn from few values, so that two merchants often use the same ones. */
export type Encomenda = {
  valor?: string | undefined
  referencia?: string | undefined
  chave?: string | undefined
}

/** What is known about a merchant's deliveries from outside: all that another one could try to use. */
export type SegredosDeEntrega = {
  pedidos: string[]
  webhooks: string[]
  entregas: string[]
  eventos: string[]
  cursores: string[]
  cursoresDeEntregas: string[]
  /** Tokens of public pages that are closed, and one that was never given. */
  tokensFechados: string[]
  encomendas: readonly Encomenda[]
  /** A word that stands in everything that it wrote. */
  canario: string
}

const JSON_TYPE = { 'content-type': 'application/json' }
const comChave = (chave: string | undefined) => (chave === undefined ? {} : { 'idempotency-key': chave })
const post = (rota: string, caminho: string, body: unknown, chave?: string): Pedido => ({
  rota: `POST ${rota}`,
  caminho,
  headers: { ...JSON_TYPE, ...comChave(chave) },
  body: JSON.stringify(body),
})

export const receber = ({ chave, ...campos }: Encomenda, quem: string): Pedido =>
  post('/orders', '/orders', { customer_name: quem, address: `Rua ${quem}, 1`, ...campos }, chave)
export const lerPedido = (id: string, headers: Pedido['headers'] = {}): Pedido => ({
  rota: 'GET /orders/{id}',
  caminho: `/orders/${id}`,
  headers,
})
export const lerHistoria = (id: string, consulta = ''): Pedido => ({
  rota: 'GET /orders/{id}/events',
  caminho: `/orders/${id}/events${consulta}`,
})
export const ouvir = (id: string, headers: Pedido['headers'] = {}): Pedido => ({
  rota: 'GET /orders/{id}/stream',
  caminho: `/orders/${id}/stream`,
  headers,
})
export const listar = (consulta = ''): Pedido => ({ rota: 'GET /orders', caminho: `/orders${consulta}` })
export const transitar = (id: string, campos: object, chave?: string): Pedido =>
  post('/orders/{id}/transitions', `/orders/${id}/transitions`, campos, chave)
export const cancelar = (id: string, chave?: string): Pedido =>
  post('/orders/{id}/cancel', `/orders/${id}/cancel`, { note: 'não quer mais' }, chave)
export const informar = (id: string): Pedido =>
  post('/orders/{id}/carrier-events', `/orders/${id}/carrier-events`, {
    type: 'OEC',
    status: 0,
    occurred_at: '2025-10-15T11:00:00Z',
  })
export const importar = (encomendas: readonly Encomenda[], quem: string): Pedido => ({
  rota: 'POST /orders/importacoes',
  caminho: '/orders/importacoes',
  headers: { 'content-type': 'text/csv' },
  body: `customer_name,address,referencia\n${encomendas
    .map(({ referencia = '' }, i) => `${quem} ${i},"Rua ${quem}, ${i}",${referencia}\n`)
    .join('')}`,
})
export const abrirPagina = (id: string): Pedido => ({
  rota: 'POST /orders/{id}/tracking',
  caminho: `/orders/${id}/tracking`,
})
export const fecharPagina = (id: string): Pedido => ({
  rota: 'DELETE /orders/{id}/tracking',
  caminho: `/orders/${id}/tracking`,
})
export const lerPagina = (token: string): Pedido => ({ rota: 'GET /track/{token}', caminho: `/track/${token}` })
export const ouvirPagina = (token: string): Pedido => ({
  rota: 'GET /track/{token}/stream',
  caminho: `/track/${token}/stream`,
})
export const criarWebhook = (url: string, campos: object = {}): Pedido =>
  post('/webhooks', '/webhooks', { url, ...campos })
export const listarWebhooks = (): Pedido => ({ rota: 'GET /webhooks', caminho: '/webhooks' })
export const lerWebhook = (id: string): Pedido => ({ rota: 'GET /webhooks/{id}', caminho: `/webhooks/${id}` })
export const removerWebhook = (id: string): Pedido => ({ rota: 'DELETE /webhooks/{id}', caminho: `/webhooks/${id}` })
export const trocarSegredo = (id: string): Pedido => ({
  rota: 'POST /webhooks/{id}/secret',
  caminho: `/webhooks/${id}/secret`,
})
export const testar = (id: string): Pedido => ({ rota: 'POST /webhooks/{id}/test', caminho: `/webhooks/${id}/test` })
export const lerEntregas = (id: string, consulta = ''): Pedido => ({
  rota: 'GET /webhooks/{id}/deliveries',
  caminho: `/webhooks/${id}/deliveries${consulta}`,
})
export const reenviar = (id: string, entrega: string): Pedido => ({
  rota: 'POST /webhooks/{id}/deliveries/{d}/redeliver',
  caminho: `/webhooks/${id}/deliveries/${entrega}/redeliver`,
})
export const lerLog = (consulta = ''): Pedido => ({
  rota: 'GET /entregas/eventos',
  caminho: `/entregas/eventos${consulta}`,
})

/** Everything that a merchant sees of its own deliveries; of webhooks, which there are and what they were told. */
export const acervo = async (pedir: Pedir, { pedidos, webhooks }: SegredosDeEntrega): Promise<unknown> => {
  const respostas: Resposta[] = [await pedir(listar('?limite=200')), await pedir(listarWebhooks())]
  for (const id of pedidos) respostas.push(await pedir(lerHistoria(id)))
  const contadas: Set<string>[] = []
  for (const id of webhooks) {
    const { itens } = JSON.parse((await pedir(lerEntregas(id, '?limite=200'))).body) as { itens: { id: string }[] }
    contadas.push(new Set(itens.map((entrega) => entrega.id)))
  }
  return [respostas.map(({ status, body }) => ({ status, body })), contadas]
}

/** Lives: receives, imports, moves, opens pages and webhooks; gives what another merchant could try to use of it. */
export const viver = async (
  pedir: Pedir,
  { encomendas, canario, url }: { encomendas: readonly Encomenda[]; canario: string; url: string },
): Promise<SegredosDeEntrega> => {
  const lido = async <T>(pedido: Pedido): Promise<T> => JSON.parse((await pedir(pedido)).body) as T
  const { id: webhook } = await lido<{ id: string }>(criarWebhook(`${url}?${canario}`))
  const { id: teste } = await lido<{ id: string }>(testar(webhook))
  for (const encomenda of encomendas) await pedir(receber(encomenda, canario))
  // Two more at least, so that there is a second page.
  for (const chave of ['sinal-1', 'sinal-2']) await pedir(receber({ chave, valor: '3.14' }, canario))
  await pedir(importar(encomendas, canario))
  const pedidos = (await lido<{ itens: { id: string }[] }>(listar('?limite=200'))).itens.map(({ id }) => id)
  const [um = '', outro = ''] = pedidos
  await pedir(transitar(um, { status: 'IN_TRANSIT', note: canario, location: canario }, 'm1'))
  await pedir(cancelar(outro, 'c1'))
  const { token } = await lido<{ token: string }>(abrirPagina(um))
  await pedir(fecharPagina(um))
  await pedir(abrirPagina(um))
  const eventos = await lido<{ id: string }[]>(lerHistoria(um))
  const pagina = await lido<{ proximo: string }>(listar('?limite=1'))
  const entregas = await lido<{ itens: { id: string }[]; proximo: string }>(lerEntregas(webhook, '?limite=1'))
  return {
    pedidos,
    webhooks: [webhook],
    entregas: [teste, ...entregas.itens.map(({ id }) => id)],
    eventos: eventos.map(({ id }) => id),
    cursores: [pagina.proximo],
    cursoresDeEntregas: [entregas.proximo],
    tokensFechados: [token, 'A'.repeat(32), um, token.toLowerCase()],
    encomendas,
    canario,
  }
}
