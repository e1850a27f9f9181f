import { afterAll, beforeAll, expect, test } from 'vitest'
import { createReceiver, type WebhookReceiver } from '../../apps/avisos/test/receiver.ts'
import { isSignedWith } from '../../apps/avisos/test/webhook-stage.ts'
import { ONE_OF_EACH, type System, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'

type Item = { id: string; tipo: string; valor: number; estorna?: string; posicao: string }
type State = { data: string; saldo_final: number; quantidade: number; versao: number; posicao: string }
type Told =
  | { type: 'lancamento.registrado'; timestamp: string; data: { itens: Item[] } }
  | { type: 'consolidado.dia_alterado'; timestamp: string; data: State }

const TOLD_MS = 60_000
const DAY = '2025-10-15'
const BATCHES = 20

let system: System
let receiver: WebhookReceiver
beforeAll(async () => {
  receiver = await createReceiver()
  system = await startSystem({ ...ONE_OF_EACH, avisos: 2, particoes: 2, env: { AVISOS_LOOPBACK: 'true' } })
})
afterAll(async () => {
  await system?.stop()
  await receiver.close()
})

const post = async (service: 'lancamentos' | 'avisos', merchant: string, path: string, body: unknown) => {
  const answer = await fetch(system.url(service) + path, {
    method: 'POST',
    headers: { ...(await system.as(merchant)), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  expect(answer.ok, `${path}: ${answer.status} ${text}`).toBe(true)
  return { body: JSON.parse(text), posicao: answer.headers.get('fluxo-posicao') }
}
const entry = { tipo: 'CREDITO', valor: 150.5, data: DAY, descricao: 'Venda' }
/** A webhook with a path of its own. */
const webhook = async (merchant: string, path: string, events: readonly string[]): Promise<string> => {
  const url = receiver.url.replace('/avisos', path)
  return (await post('avisos', merchant, '/webhooks', { url, events })).body.secret
}
const messagesAt = (path: string) => receiver.messages.filter((message) => message.path === path)
const toldAt = (path: string): Told[] => messagesAt(path).map(({ body }) => JSON.parse(body) as Told)
/** Each lot once, however often it was sent. */
const itemsAt = (path: string): Item[] => {
  const lots = new Map(messagesAt(path).map(({ id, body }) => [id, JSON.parse(body) as Told]))
  return [...lots.values()].flatMap((told) => (told.type === 'lancamento.registrado' ? told.data.itens : []))
}

test('an entry is told with its place in the ledger, its reversal too, and its day with the balance that has it', async () => {
  const secret = await webhook('loja', '/livro', ['lancamento.registrado', 'consolidado.dia_alterado'])
  const { body, posicao } = await post('lancamentos', 'loja', '/lancamentos', entry)
  const isTold = () => new Set(toldAt('/livro').map(({ type }) => type)).size === 2
  await waitFor(isTold, { timeoutMs: TOLD_MS, what: 'the entry and its day' })
  const state = toldAt('/livro').find((told) => told.type === 'consolidado.dia_alterado')
  expect(state?.data).toEqual({
    ...{ data: DAY, total_creditos: 150.5, total_debitos: 0, saldo_final: 150.5, quantidade: 1 },
    ...{ versao: expect.any(Number), posicao },
  })
  const item = { id: body.id, tipo: 'CREDITO', valor: 150.5, data: DAY, posicao }
  expect(itemsAt('/livro')).toEqual([item])
  expect(messagesAt('/livro').every((message) => isSignedWith(secret, message))).toBe(true)

  const reversal = await post('lancamentos', 'loja', `/lancamentos/${body.id}/estorno`, { data: DAY })
  await waitFor(() => itemsAt('/livro').length === 2, { timeoutMs: TOLD_MS, what: 'the reversal' })
  expect(itemsAt('/livro')[1]).toEqual({
    ...item,
    ...{ id: reversal.body.id, tipo: 'DEBITO', estorna: body.id, posicao: reversal.posicao },
  })
  // The day was told less than a minute ago.
  expect(toldAt('/livro').filter(({ type }) => type === 'consolidado.dia_alterado')).toHaveLength(1)
})

test('each entry is in exactly one lot of each webhook that asked, while an instance is killed', async () => {
  const merchants = ['a', 'b', 'c']
  for (const merchant of merchants) await webhook(merchant, `/${merchant}`, ['lancamento.registrado'])
  await webhook('a', '/a-outro', ['lancamento.*'])
  const batch = Array.from({ length: 100 }, () => entry)
  const recorded = new Map<string, Set<string>>(merchants.map((merchant) => [merchant, new Set()]))
  const record = async (merchant: string): Promise<void> => {
    for (let i = 0; i < BATCHES; i += 1) {
      const { body } = await post('lancamentos', merchant, '/lancamentos/lote', batch)
      for (const { id } of body as { id: string }[]) recorded.get(merchant)?.add(id)
    }
  }
  const recording = Promise.all([...merchants.map(record), post('lancamentos', 'ninguem', '/lancamentos/lote', batch)])
  await waitFor(() => itemsAt('/a').length > 0, { timeoutMs: TOLD_MS, what: 'the first lot' })
  await system.instances.avisos[1]?.end('SIGKILL')
  await recording
  // What the dead instance had in hand need not wait until its claims end.
  await system.sql.avisos`update aviso set vence_em = now() where vence_em is not null`
  for (const path of ['/a', '/a-outro', '/b', '/c']) {
    const expected = recorded.get(path.slice(1, 2)) ?? new Set()
    expect(expected.size).toBe(BATCHES * batch.length)
    await waitFor(() => itemsAt(path).length >= expected.size, { timeoutMs: TOLD_MS, what: `all entries at ${path}` })
    const ids = itemsAt(path).map(({ id }) => id)
    expect(ids).toHaveLength(expected.size)
    expect(new Set(ids)).toEqual(expected)
  }
  const lots = await system.sql.avisos<{ comerciante_id: string; gapless: boolean }[]>`
    select comerciante_id, count(*) = max(seq) as gapless from evento group by comerciante_id order by comerciante_id`
  expect(lots.map(({ comerciante_id: merchant }) => merchant)).toEqual(['a', 'b', 'c', 'loja'])
  expect(lots.every(({ gapless }) => gapless)).toBe(true)
  expect(await system.sql.avisos`select from lancamento_a_avisar`).toEqual([])
})
