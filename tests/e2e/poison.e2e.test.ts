import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../stage/load.ts'
import { type System, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'
import { expectExactBooks } from './books.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const STREAM = 'fluxo:lancamentos:{0}'
const ENTRIES = 9
const POISONED = 5

describe('a poison event between good ones', () => {
  let system: System
  const client = createClient()

  /** Puts the stream in Redis again with the event of one position changed to a version that nobody knows. */
  const poison = async (): Promise<void> => {
    const log = createLogger({ service: 'e2e', level: 'fatal' })
    const redis = createRedisConnections({ url: system.redis.url, name: 'e2e', log })
    await redis.ready(5_000)
    const entries = await redis.commands.xrange(STREAM, '-', '+')
    expect(entries).toHaveLength(ENTRIES)
    await redis.commands.unlink(STREAM)
    for (const [id, [, body = '']] of entries) {
      const event = id === `${POISONED}-0` ? body.replace('registrado.v1', 'registrado.v9') : body
      await redis.commands.xadd(STREAM, id, 'e', event)
    }
    await redis.close()
  }
  const dlq = async (...args: string[]): Promise<string> => {
    const env = { PATH: process.env['PATH'] ?? '', ...system.env('consolidado') }
    return (await run(process.execPath, ['scripts/dlq.ts', ...args], { cwd: root, env })).stdout
  }

  beforeAll(async () => {
    system = await startSystem({ lancamentos: 1, consolidado: 0 })
  })
  afterAll(async () => {
    client.close()
    await system?.stop()
  })

  it('is set aside with its reason while its neighbours are applied, and is applied once by a redrive', async () => {
    const headers = { ...(await system.as('loja-1')), 'Content-Type': 'application/json' }
    for (let n = 1; n <= ENTRIES; n += 1) {
      const body = JSON.stringify({ valor: n, tipo: 'CREDITO', descricao: `Venda ${n}`, data: '2025-10-15' })
      await client.send(`${system.url('lancamentos')}/lancamentos`, { method: 'POST', headers, body })
    }
    // The ledger leaves: what is not in the stream cannot be pulled either, so the letter is all there is.
    await waitFor(
      async () => (await system.sql.lancamentos`select 1 from relay_cursor where posicao = ${ENTRIES}`).length === 1,
      {
        what: 'the relay has published everything',
      },
    )
    await system.instances.lancamentos[0]?.end('SIGTERM')
    await poison()
    const reader = await system.add('consolidado')

    const balance = async () =>
      JSON.parse((await client.send(`${reader.url}/consolidado/2025-10-15`, { headers })).body)
    await waitFor(async () => (await balance()).quantidade === ENTRIES - 1, { what: 'the neighbours are applied' })
    expect((await balance()).saldo_final).toBe(45 - POISONED)
    const [letter, ...others] = (await dlq('list', '--json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      particao: 0,
      posicao: POISONED,
      motivo: expect.stringContaining('lancamento.registrado.v9'),
    })
    expect(await dlq('redrive')).toContain('0 applied, 1 failed again')

    // What a consumer that knows the version would read.
    await system.sql.consolidado`update carta_morta set evento = replace(evento, 'registrado.v9', 'registrado.v1')`
    expect(await dlq('redrive')).toContain('1 applied, 0 failed again')
    expect(await dlq('redrive')).toContain('0 applied, 0 failed again')
    expect((await balance()).saldo_final).toBe(45)
    await system.caughtUp()
    expect(await expectExactBooks(system.sql)).toBe(ENTRIES)
  })
})
