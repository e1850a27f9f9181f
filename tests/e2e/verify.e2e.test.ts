import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../scripts/data-folder.ts'
import { type System, startSystem } from '../stage/system.ts'

let system: System

/** `npm run verify` in a process of its own, with everything that an operator may give it. */
const verify = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const env = {
      PATH: process.env['PATH'],
      ...system.env('consolidado'),
      DATABASE_URL_LANCAMENTOS: system.databases.lancamentos.appUrl,
    }
    execFile(process.execPath, [join(root, 'scripts/verify.ts'), ...args], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })

const post = async (comerciante: string, fields: Record<string, unknown>): Promise<void> => {
  const answer = await fetch(`${system.url('lancamentos')}/lancamentos`, {
    method: 'POST',
    headers: { ...(await system.as(comerciante)), 'Content-Type': 'application/json' },
    body: JSON.stringify({ valor: 150.5, tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15', ...fields }),
  })
  expect(answer.status).toBe(201)
}

beforeAll(async () => {
  system = await startSystem({ lancamentos: 1, consolidado: 1 })
  for (const merchant of ['loja-1', 'loja-2', 'loja-3']) {
    await post(merchant, {})
    await post(merchant, { valor: 50.25, tipo: 'DEBITO' })
    await post(merchant, { data: '2025-10-16' })
  }
  await system.caughtUp()
  // At rest: a running projection would repair or overwrite some of what is planted before it is looked at.
  await system.instances.consolidado[0]?.end('SIGTERM')
})
afterAll(() => system?.stop())

test('exact books end with 0', async () => {
  expect(await verify()).toMatchObject({ code: 0, out: expect.stringMatching(/^9 entries, 6 merchant days/) })
})

type Plant = { what: string; plant: () => Promise<unknown>; undo: () => Promise<unknown>; found: RegExp[] }

const ledger = (text: string) => async () => system.sql.lancamentos.unsafe(text).simple()
const balances = (text: string) => async () => system.sql.consolidado.unsafe(text).simple()
/** Past the triggers that keep the ledger append-only, as only a superuser can. */
const pastTriggers = (text: string) =>
  ledger(`set session_replication_role = replica; ${text}; reset session_replication_role`)

const redis = async (use: (r: ReturnType<typeof createRedisConnections>['commands']) => Promise<unknown>) => {
  const connections = createRedisConnections({
    url: system.redis.url,
    name: 'e2e',
    log: createLogger({ service: 'e2e', level: 'silent' }),
  })
  await connections.ready(5_000)
  await use(connections.commands)
  await connections.close()
}
const CHAVE = 'fluxo:consolidado:{loja-1}:2025-10-15'
let cached = ''
const replaceCached = (change: (text: string) => string) => () =>
  redis(async (r) => {
    cached = (await r.get(CHAVE)) ?? ''
    await r.set(CHAVE, change(cached))
  })
const restoreCached = () => redis((r) => r.set(CHAVE, cached))
const DAY = `comerciante_id = 'loja-1' and data = '2025-10-15'`

const PLANTS: Plant[] = [
  {
    what: 'ledger: an amount changed',
    plant: pastTriggers(`update lancamentos set valor = valor + 1 where posicao = 2`),
    undo: pastTriggers(`update lancamentos set valor = valor - 1 where posicao = 2`),
    found: [
      /^saldo {3}loja-1 2025-10-15: the ledger says \+150\.50 -50\.26 \(2\), the balance is \+150\.50 -50\.25 \(2\)$/m,
    ],
  },
  {
    what: 'ledger: an entry removed',
    plant: pastTriggers(
      `create table gone as select * from lancamentos where posicao = 2; delete from lancamentos where posicao = 2`,
    ),
    undo: ledger(`insert into lancamentos select * from gone; drop table gone`),
    found: [
      /^razao {3}partition 0: the ledger lacks position 2$/m,
      /^saldo {3}loja-1 2025-10-15: the ledger says \+150\.50 -0\.00 \(1\), the balance is \+150\.50 -50\.25 \(2\)$/m,
    ],
  },
  {
    what: 'ledger: the counter moved ahead',
    plant: ledger('update posicao set ultima = ultima + 3'),
    undo: ledger('update posicao set ultima = ultima - 3'),
    found: [/^razao {3}partition 0: the counter stands at 12, and the last entry is 9$/m],
  },
  {
    what: 'ledger: the counter moved back',
    plant: ledger('update posicao set ultima = ultima - 1'),
    undo: ledger('update posicao set ultima = ultima + 1'),
    found: [/^razao {3}partition 0: the counter stands at 8, below the entry 9$/m],
  },
  {
    what: 'ledger: another epoch',
    plant: ledger('update log_estado set epoca = gen_random_uuid()'),
    undo: async () => {
      const [mark] = await system.sql.consolidado<{ epoca: string }[]>`select epoca::text from inbox_particao`
      await system.sql.lancamentos`update log_estado set epoca = ${mark?.epoca ?? ''}::uuid`
    },
    found: [/^epoca {3}partition 0: the balances follow the log/m],
  },
  {
    what: "ledger: the relay's cursor moved ahead",
    plant: ledger('update relay_cursor set posicao = 100'),
    undo: ledger('update relay_cursor set posicao = 9'),
    found: [/^relay {3}partition 0: the relay's cursor is at 100, and the ledger ends at 9$/m],
  },
  {
    what: 'balances: an amount changed',
    plant: balances(`update saldo set creditos = creditos + 1000 where ${DAY}`),
    undo: balances(`update saldo set creditos = creditos - 1000 where ${DAY}`),
    found: [
      /^saldo {3}loja-1 2025-10-15: the ledger says \+150\.50 -50\.25 \(2\), the balance is \+160\.50 -50\.25 \(2\)$/m,
    ],
  },
  {
    what: 'balances: a count changed',
    plant: balances(`update saldo set quantidade = 7 where ${DAY}`),
    undo: balances(`update saldo set quantidade = 2 where ${DAY}`),
    found: [/^saldo {3}loja-1 2025-10-15: .*\(2\), the balance is .*\(7\)$/m],
  },
  {
    what: 'balances: a version changed',
    plant: balances(`update saldo set versao = versao + 50 where ${DAY}`),
    undo: balances(`update saldo set versao = versao - 50 where ${DAY}`),
    found: [/^versao {2}loja-1 2025-10-15: version \d+ is not one that 2 entries/m],
  },
  {
    what: 'balances: a day removed',
    plant: balances(`create table gone as select * from saldo where ${DAY}; delete from saldo where ${DAY}`),
    undo: balances('insert into saldo select * from gone; drop table gone'),
    found: [/^saldo {3}loja-1 2025-10-15: the ledger says \+150\.50 -50\.25 \(2\), the balance is absent$/m],
  },
  {
    what: 'balances: a day added',
    plant: balances(
      `insert into saldo select geracao, 'loja-x', '2025-12-24', 9900, 0, 1, versao, now() from saldo limit 1`,
    ),
    undo: balances(`delete from saldo where comerciante_id = 'loja-x'`),
    found: [
      /^saldo {3}loja-x 2025-12-24: the ledger says \+0\.00 -0\.00 \(0\), the balance is \+99\.00 -0\.00 \(1\)$/m,
    ],
  },
  {
    what: 'balances: the watermark moved back',
    plant: balances('update inbox_particao set aplicada_ate = 8'),
    undo: balances('update inbox_particao set aplicada_ate = 9'),
    found: [/^inbox {3}partition 0: the highest position applied is 8/m, /^saldo {3}loja-3 2025-10-16/m],
  },
  {
    what: 'balances: the watermark moved ahead',
    plant: balances('update inbox_particao set aplicada_ate = 10'),
    undo: balances('update inbox_particao set aplicada_ate = 9'),
    found: [
      /^inbox {3}partition 0: the highest position applied is 10/m,
      /^epoca {3}partition 0: position 10 was applied/m,
    ],
  },
  {
    what: 'cache: a body altered',
    plant: replaceCached((text) => text.replace('"total_creditos":150.50', '"total_creditos":999.99')),
    undo: restoreCached,
    found: [/^cache {3}loja-1 2025-10-15: cached at version \d+ as .*999\.99.* its row says .*150\.50/m],
  },
  {
    what: 'cache: a version ahead of its row',
    plant: replaceCached((text) => text.replace(/^\d+/, (versao) => String(Number(versao) + 1))),
    undo: restoreCached,
    found: [/^cache {3}loja-1 2025-10-15: cached as version \d+, and its row is at \d+$/m],
  },
  {
    what: 'stream: an entry beyond the ledger',
    plant: () => redis((r) => r.xadd('fluxo:lancamentos:{0}', '50-0', 'e', '{}')),
    undo: () => redis((r) => r.unlink('fluxo:lancamentos:{0}')),
    found: [/^relay {3}partition 0: the stream ends at 50, and the ledger at 9$/m],
  },
]

test.each(PLANTS)('planted and named — $what', async ({ plant, undo, found }) => {
  await plant()
  const { code, out, err } = await verify()
  expect({ code, err }).toEqual({ code: 1, err: '' })
  for (const line of found) expect(out).toMatch(line)
  await undo()
})

test('undone, everything is exact again; a wrong call and a ledger that is away end with 2', async () => {
  expect(await verify('--json')).toMatchObject({ code: 0, out: expect.stringContaining('"exato":true') })
  expect(await verify('--de', 'ontem')).toMatchObject({ code: 2, err: expect.stringContaining('--de') })
  await system.instances.lancamentos[0]?.end('SIGTERM')
  expect(await verify()).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^fluxo: /) })
})
