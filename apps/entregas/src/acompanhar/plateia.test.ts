import { createLogger } from '@fluxo/shared/telemetry/logger'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { createPlateia, type Plateia } from './plateia.ts'
import type { AcompanharStore, Contado } from './store.ts'

const log = createLogger({ service: 'teste', level: 'silent' })
const pedidoId = '0198a4c2-0000-7000-8000-000000000002'
let plateia: Plateia | undefined
afterEach(() => plateia?.encerrar())

/** An order of `versao` events in a database that can be made to fail. */
const banco = () => {
  const estado: { versao: number; falha: boolean; validos: Set<string> } = {
    versao: 1,
    falha: false,
    validos: new Set(['t']),
  }
  const store: AcompanharStore = {
    depois: async (_c, _p, seq) => {
      if (estado.falha) throw new Error('away')
      return Array.from({ length: estado.versao - seq }, (_, i): Contado => ({ seq: seq + i + 1, item: {} }))
    },
    versoes: async () => new Map([[pedidoId, estado.versao]]),
    validos: async () => estado.validos,
  }
  return { estado, store }
}
const abrir = (store: AcompanharStore, waits: { pingMs?: number; conferirMs?: number } = {}) => {
  plateia = createPlateia({
    store,
    log,
    registry: new Registry(),
    onPrimeiro: () => {},
    pingMs: 60_000,
    conferirMs: 60_000,
    ...waits,
  })
  plateia.start()
  return plateia
}
const sentar = (em: Plateia, { cabem = Number.POSITIVE_INFINITY, token = 't' } = {}) => {
  const textos: string[] = []
  const um = { textos, encerrado: false, sair: () => {} }
  um.sair = em.entrar({
    comercianteId: 'loja',
    pedidoId,
    contadoAte: 0,
    token,
    mostrar: (item) => item,
    enviar: (texto) => textos.length < cabem && textos.push(texto) > 0,
    encerrar: () => {
      um.encerrado = true
    },
  })
  return um
}

test('where no stream brings events, a look into the database does', async () => {
  const { estado, store } = banco()
  const um = sentar(abrir(store, { conferirMs: 5 }))
  await waitFor(() => um.textos.length === 1)
  estado.versao = 4
  await waitFor(() => um.textos.length === 4)
  expect(um.textos.map((texto) => texto.split('\n')[0])).toEqual(['id: 1', 'id: 2', 'id: 3', 'id: 4'])
})

test('a silent stream says that it lives', async () => {
  const um = sentar(abrir(banco().store, { pingMs: 5 }))
  await waitFor(() => um.textos.includes(': ping\n\n'))
})

test('a client that cannot keep up is sent away, to come back for what it missed', async () => {
  const { estado, store } = banco()
  const em = abrir(store)
  const um = sentar(em, { cabem: 1 })
  await waitFor(() => um.textos.length === 1)
  estado.versao = 3
  await em.conferir()
  expect([um.encerrado, em.quantos()]).toEqual([true, 0])
})

test('a stream whose history cannot be read ends, rather than leave a gap', async () => {
  const { estado, store } = banco()
  estado.falha = true
  const um = sentar(abrir(store))
  await waitFor(() => um.encerrado)
  expect(um.textos).toEqual([])
})

test('a stream ends with the token by which it was opened', async () => {
  const { estado, store } = banco()
  const em = abrir(store)
  const um = sentar(em)
  await em.conferir()
  expect(um.encerrado).toBe(false)
  estado.validos.clear()
  await em.conferir()
  expect(um.encerrado).toBe(true)
})

test('whoever has left is told nothing more, and a closed house takes nobody', async () => {
  const { estado, store } = banco()
  const em = abrir(store)
  const um = sentar(em)
  await waitFor(() => um.textos.length === 1)
  um.sair()
  um.sair()
  estado.versao = 2
  await em.conferir()
  expect([um.textos.length, em.quantos()]).toEqual([1, 0])
  em.encerrar()
  expect(sentar(em).encerrado).toBe(true)
})
