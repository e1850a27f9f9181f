import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { root } from '../../scripts/data-folder.ts'
import { createClient } from '../stage/load.ts'
import type { ServiceProcess } from '../stage/service-process.ts'
import type { System } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'
import { samplesOf } from './metric-names.ts'

/** What the minute finds in production, a test need not wait for. */
export const VERIFIED_EVERY_SECOND = { VERIFICACAO_MS: '1s' }
const NOTICED_MS = 30_000

/** Writes without a pause until told to stop, and knows when which entry was acknowledged. */
export const writing = async (system: System) => {
  const client = createClient()
  const merchants = await Promise.all(Array.from({ length: 10 }, (_, i) => system.as(`loja-${i}`)))
  const acknowledged: { id: string; at: number }[] = []
  let n = 0
  const post = async (url = system.url('lancamentos'), as = merchants) => {
    n += 1
    const valor = `${1 + (n % 700)}.${10 + (n % 90)}`
    const fields = {
      tipo: n % 3 === 0 ? 'DEBITO' : 'CREDITO',
      descricao: `Venda ${n}`,
      data: `2025-11-${10 + (n % 15)}`,
    }
    const headers = { ...as[n % as.length], 'Content-Type': 'application/json' }
    const answer = await client.send(`${url}/lancamentos`, {
      method: 'POST',
      headers: { Authorization: '', ...headers },
      body: JSON.stringify({ valor, ...fields }),
    })
    expect(answer.status).toBe(201)
    acknowledged.push({ id: JSON.parse(answer.body).id, at: performance.now() })
  }
  const stopping = new AbortController()
  const WORKERS = 4
  const PAUSE_MS = 10
  const workers = Array.from({ length: WORKERS }, async () => {
    while (!stopping.signal.aborted) {
      await post()
      await delay(PAUSE_MS)
    }
  })
  const stop = async () => {
    stopping.abort()
    await Promise.all(workers)
  }
  const close = async () => {
    await stop()
    client.close()
  }
  return { post, stop, close, acknowledged, atLeast: (count: number) => waitFor(() => acknowledged.length >= count) }
}

/** A command of operation in a process of its own, with the environment of a consolidado. */
export const command = (
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], ...env } }
    execFile(process.execPath, [join(root, 'scripts', script)], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out: out + err })
    })
  })

const metric = async ({ url }: ServiceProcess, name: string): Promise<number> =>
  Math.max(0, ...(samplesOf(await (await fetch(`${url}/metrics`)).text()).get(name) ?? []).map(({ value }) => value))

/** The metrics of FluxoProjectionStopped and FluxoBooksDiffer. */
export const alarmed = (service: ServiceProcess, yes: boolean) =>
  waitFor(
    async () => {
      const stopped = (await metric(service, 'fluxo_inbox_epoca_divergente')) === 1
      const differ = (await metric(service, 'fluxo_verificacao_diferencas')) > 0
      return stopped === yes && differ === yes
    },
    { timeoutMs: NOTICED_MS, intervalMs: 100, what: `alarms to be ${yes ? 'on' : 'off'}` },
  )

export const rebuilt = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const { code, out } = await command('consolidado-rebuild.ts', env)
  expect({ code, out }).toMatchObject({ code: 0 })
}

export const seconds = (since: number): string => ((performance.now() - since) / 1_000).toFixed(1)
export const say = (line: string): void => void process.stdout.write(`${line}\n`)
