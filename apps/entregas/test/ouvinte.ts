import { setTimeout as delay } from 'node:timers/promises'

/** One event as a client of Server-Sent Events got it, and when (`performance.now()`). */
type Ouvido = { id: string; event: string; data: Record<string, unknown>; em: number }

/** A client of Server-Sent Events: reads what comes, and comes back with `Last-Event-ID` when it is cut off. */
export function createOuvinte(enderecos: () => string, headers: Record<string, string> = {}) {
  const ouvidos: Ouvido[] = []
  const linhas: string[] = []
  const parar = new AbortController()
  let ultimo = ''
  let aberturas = 0
  let status = 0

  const ouvir = async (): Promise<void> => {
    const resposta = await fetch(enderecos(), {
      headers: { ...headers, ...(ultimo !== '' && { 'last-event-id': ultimo }) },
      signal: parar.signal,
    })
    status = resposta.status
    if (resposta.status !== 200 || resposta.body === null) return
    aberturas += 1
    let resto = ''
    for await (const texto of resposta.body.pipeThrough(new TextDecoderStream())) {
      const partes = (resto + texto).split('\n\n')
      resto = partes.pop() ?? ''
      for (const parte of partes) receber(parte)
    }
  }
  const receber = (parte: string): void => {
    linhas.push(...parte.split('\n'))
    const campos = new Map(
      parte.split('\n').map((linha) => [linha.slice(0, linha.indexOf(':')), linha.slice(linha.indexOf(':') + 2)]),
    )
    const id = campos.get('id')
    if (id === undefined) return
    ultimo = id
    const data = JSON.parse(campos.get('data') ?? '') as Record<string, unknown>
    ouvidos.push({ id, event: campos.get('event') ?? '', data, em: performance.now() })
  }
  const correr = async (): Promise<void> => {
    while (!parar.signal.aborted) {
      await ouvir().catch(() => {})
      await delay(20, undefined, { signal: parar.signal }).catch(() => {})
    }
  }
  const correndo = correr()
  return {
    ouvidos,
    linhas,
    aberturas: () => aberturas,
    status: () => status,
    fechar: async () => {
      parar.abort()
      await correndo
    },
  }
}

export type OuvinteDeTeste = ReturnType<typeof createOuvinte>
