import { readText } from '@fluxo/shared/log/event'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'
import { PING, passoDe, quadro } from './acompanhar.ts'
import { lerContado } from './contado.ts'
import type { AcompanharStore, Contado } from './store.ts'

/** Somebody who listens to one order. */
export type Ouvinte = {
  comercianteId: string
  pedidoId: string
  /** The last `seq` that it was told. */
  contadoAte: number
  /** SHA-256 of the token by which it listens, in hex; the stream ends with the token. */
  token?: string
  /** What it may see of an event. */
  mostrar: (item: Contado['item']) => Contado['item']
  /** Sends text; false where the client is gone or cannot keep up. */
  enviar: (texto: string) => boolean
  /** Ends the stream: the client comes back, and begins where it was. */
  encerrar: () => void
}

export type Plateia = {
  /** Tells a listener what it missed and then what happens; gives how to leave. */
  entrar: (ouvinte: Ouvinte) => () => void
  /** An event that came live. */
  ouvir: (posicao: number, body: string) => void
  /** Something may have been missed: all are compared with the database. */
  conferir: () => Promise<void>
  /** Who listens here. */
  quantos: () => number
  start: () => void
  /** Ends every stream, and takes no more. */
  encerrar: () => void
}

type PlateiaDeps = {
  store: AcompanharStore
  log: Logger
  registry: Registry
  pingMs?: number
  conferirMs?: number
  /** Hears that there is somebody to tell. */
  onPrimeiro: () => void
}

/** Proxies close what is silent for 60 s; so does a phone's network after 30. */
const PING_MS = 15_000
/** How late an event is where Redis is away, or lost it. */
const CONFERIR_MS = 2_000

/** A quote within a JSON string is escaped, so no text of a merchant can look like this. */
const PEDIDO = /"order_id":"([0-9a-f-]{36})"/

type Lugar = { ouvinte: Ouvinte; presente: boolean; lendo: boolean; deNovo: boolean; sair: () => void }

const despedir = (lugar: Lugar): void => {
  lugar.sair()
  lugar.ouvinte.encerrar()
}

/** Tells a listener what happens, and reads for it what it missed. */
function createConta(store: AcompanharStore, log: Logger) {
  const contar = (lugar: Lugar, { seq, item }: Contado): void => {
    const { ouvinte } = lugar
    if (!lugar.presente || passoDe(ouvinte.contadoAte, seq) !== 'enviar') return
    ouvinte.contadoAte = seq
    if (!ouvinte.enviar(quadro(seq, ouvinte.mostrar(item)))) despedir(lugar)
  }
  /** One read at a time, and once more where something came meanwhile. */
  const recuperar = async (lugar: Lugar): Promise<void> => {
    lugar.deNovo = true
    if (lugar.lendo) return
    lugar.lendo = true
    try {
      while (lugar.deNovo && lugar.presente) {
        lugar.deNovo = false
        const { comercianteId, pedidoId, contadoAte } = lugar.ouvinte
        for (const contado of await store.depois(comercianteId, pedidoId, contadoAte)) contar(lugar, contado)
      }
    } catch (error) {
      log.warn({ err: error }, 'what a listener missed could not be read; its stream ends')
      despedir(lugar)
    } finally {
      lugar.lendo = false
    }
  }
  return { contar, recuperar }
}

/**
 * Who listens to which order in this instance.
 *
 * `seq` has no gaps, so each listener knows what it misses: an event that follows is sent as it comes, one that does not is the sign to
 * read what lies between from the database. Both ways go through the same number, so nothing is told twice.
 */
export function createPlateia(deps: PlateiaDeps): Plateia {
  const { store, log, registry, onPrimeiro, pingMs = PING_MS, conferirMs = CONFERIR_MS } = deps
  const porPedido = new Map<string, Set<Lugar>>()
  let quantos = 0
  let fechada = false
  gauge(registry, {
    name: 'fluxo_acompanhar_ouvintes',
    help: 'Open streams of events of this instance.',
    collect() {
      this.set(quantos)
    },
  })
  const todos = (): Lugar[] => [...porPedido.values()].flatMap((lugares) => [...lugares])
  const { contar, recuperar } = createConta(store, log)
  const conferir = async (): Promise<void> => {
    if (porPedido.size === 0) return
    const tokens = todos().flatMap(({ ouvinte }) => ouvinte.token ?? [])
    const [versoes, validos] = await Promise.all([
      store.versoes([...porPedido.keys()]),
      tokens.length === 0 ? new Set<string>() : store.validos([...new Set(tokens)]),
    ])
    const atrasados: Promise<void>[] = []
    for (const lugar of todos()) {
      const { token, pedidoId, contadoAte } = lugar.ouvinte
      if (token !== undefined && tokens.includes(token) && !validos.has(token)) despedir(lugar)
      else if ((versoes.get(pedidoId) ?? 0) > contadoAte) atrasados.push(recuperar(lugar))
    }
    await Promise.all(atrasados)
  }
  const relogios = createRelogios({
    pingMs,
    conferirMs,
    ping: () => {
      for (const lugar of todos()) if (!lugar.ouvinte.enviar(PING)) despedir(lugar)
    },
    conferir: () =>
      conferir().catch((error: unknown) => log.warn({ err: error }, 'listeners could not be compared with the log')),
  })
  return {
    entrar: (ouvinte) => {
      const lugares = porPedido.get(ouvinte.pedidoId) ?? new Set()
      const sair = (): void => {
        if (!lugar.presente) return
        lugar.presente = false
        lugares.delete(lugar)
        quantos -= 1
        if (lugares.size === 0) porPedido.delete(ouvinte.pedidoId)
      }
      const lugar: Lugar = { ouvinte, presente: !fechada, lendo: false, deNovo: false, sair }
      if (fechada) {
        ouvinte.encerrar()
        return sair
      }
      lugares.add(lugar)
      porPedido.set(ouvinte.pedidoId, lugares)
      quantos += 1
      if (quantos === 1) onPrimeiro()
      // Listening first and reading then: what happens in between comes both ways, and is told once.
      void recuperar(lugar)
      return sair
    },
    ouvir: (posicao, body) => {
      if (porPedido.size === 0) return
      const lugares = porPedido.get(PEDIDO.exec(body)?.[1] ?? '')
      if (lugares === undefined) return
      const read = readText(lerContado, posicao, body)
      const lido = read.outcome === 'read' ? read.row : undefined
      for (const lugar of [...lugares]) {
        const passo = lido === undefined ? 'lacuna' : passoDe(lugar.ouvinte.contadoAte, lido.seq)
        if (passo === 'lacuna' || lugar.lendo) void recuperar(lugar)
        else if (lido !== undefined && passo === 'enviar') contar(lugar, lido)
      }
    },
    conferir,
    quantos: () => quantos,
    start: relogios.start,
    encerrar: () => {
      fechada = true
      relogios.stop()
      for (const lugar of todos()) despedir(lugar)
    },
  }
}

type Relogios = { pingMs: number; conferirMs: number; ping: () => void; conferir: () => Promise<void> }

/** The two beats of the streams. A comparison begins after the one before has ended. */
function createRelogios({ pingMs, conferirMs, ping, conferir }: Relogios) {
  let pings: NodeJS.Timeout | undefined
  let proxima: NodeJS.Timeout | undefined
  let parado = false
  const agendar = (): void => {
    if (parado) return
    proxima = setTimeout(() => void conferir().then(agendar), conferirMs)
    proxima.unref()
  }
  return {
    start: () => {
      if (pings !== undefined) return
      pings = setInterval(ping, pingMs)
      pings.unref()
      agendar()
    },
    stop: () => {
      parado = true
      clearInterval(pings)
      clearTimeout(proxima)
    },
  }
}
