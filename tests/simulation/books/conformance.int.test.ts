import type { Clock } from '@fluxo/shared/clock'
import { createLetterStore, lettersAt, passing } from '@fluxo/shared/follow/letter-store'
import { createInbox } from '@fluxo/shared/inbox/inbox'
import { createAppend } from '@fluxo/shared/log/append'
import { createReadPage, readHead } from '@fluxo/shared/log/pages'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { afterAll, expect, test } from 'vitest'
import { createBalanceReadStore } from '../../../apps/consolidado/src/consultar/store.ts'
import type { Saldo } from '../../../apps/consolidado/src/domain/saldo.ts'
import { SALDO_EFFECT, type SignedLancamento } from '../../../apps/consolidado/src/projetar/projetar.ts'
import { readDays } from '../../../apps/consolidado/src/projetar/saldo-store.ts'
import { LEDGER, type LedgerRow, rowOf } from '../../../apps/lancamentos/src/registrar/ledger-table.ts'
import { createServiceDatabase, type TestDatabase } from '../../stage/databases.ts'
import { createRandom, type Random } from '../../stage/random.ts'
import { createBench, outcomeOf } from '../servers/bench-fixture.ts'
import { createLedgerDatabase } from '../servers/ledger-database.ts'
import { createSimulatedSql } from '../servers/postgres-client.ts'
import { createPostgresServer, type Statement } from '../servers/postgres-server.ts'
import { projectionStatements } from '../servers/projection-database.ts'
import type { ProjectionState } from '../servers/projection-state.ts'

const STEPS = 250
const PARTICOES = 2
const EPOCA = '0a0b0c0d-0000-4000-8000-000000000000'
const OTHER_EPOCA = '0a0b0c0d-0000-4000-8000-000000000001'
const DIGITS = 12
const uuid = (number: number): string => `01a1fbc4-0000-7000-8000-${String(number).padStart(DIGITS, '0')}`

const databases: TestDatabase[] = []
const pools: Sql[] = []
afterAll(async () => {
  await Promise.all(pools.map(closeSql))
  await Promise.all(databases.map((database) => database.drop()))
})

async function realOf(database: 'lancamentos' | 'consolidado'): Promise<Sql> {
  const made = await createServiceDatabase(database, { particoes: PARTICOES })
  const sql = createSql({ url: made.appUrl, max: 2, name: 'conformance' })
  databases.push(made)
  pools.push(sql)
  return sql
}

type Server = { sql: Sql; clock?: Clock; settle: <T>(work: Promise<T>) => Promise<T> }

const realServer = (sql: Sql): Server => ({ sql, settle: (work) => work })

function simulatedServer(statementsOf: (now: () => number) => readonly Statement[]): Server {
  const { scheduler, process, wire, settle } = createBench()
  const statements = statementsOf(scheduler.now)
  const server = createPostgresServer({ scheduler, random: process.random, statements, slowestMs: 10 })
  return { sql: createSimulatedSql({ wire, server, process }).sql, clock: process.clock, settle }
}

type Step = (server: Server) => Promise<unknown>

/** Takes both servers through the same steps and compares every answer. */
async function compare(
  servers: readonly [Server, Server],
  stepOf: (random: Random, step: number) => Step,
): Promise<void> {
  for (let step = 0; step < STEPS; step += 1) {
    const [real, simulated] = await Promise.all(
      servers.map((server) => outcomeOf(server.settle(stepOf(createRandom(step, 'conformance'), step)(server)))),
    )
    expect(simulated, `step ${step}`).toEqual(real)
  }
}

/** Times are each server's own. */
const untimed = (saldos: readonly Saldo[]) =>
  saldos
    .map(({ atualizadoEm: _, ...saldo }) => saldo)
    .sort((a, b) => `${a.comercianteId}${a.data}`.localeCompare(`${b.comercianteId}${b.data}`))

function projectionStep(random: Random): Step {
  const particao = random.int(0, PARTICOES - 1)
  const from = random.int(1, 40)
  const posicoes = Array.from({ length: random.int(1, 5) }, (_, i) => from + i * random.int(1, 2))
  const other = random.chance(0.03)
  const rows: SignedLancamento[] = posicoes.map((posicao) => ({
    posicao,
    id: uuid(posicao + (other ? 500 : 0)),
    comercianteId: `loja-${posicao % 3}`,
    data: `2026-11-2${posicao % 2}`,
    valor: BigInt(posicao % 5 === 0 ? -posicao : posicao),
    registeredAt: 0,
  }))
  const epoca = random.chance(0.05) ? OTHER_EPOCA : EPOCA
  const letter = { particao, posicao: from, body: '{"a":"\\\\\\"é"}', motivo: 'motivo', tentativas: random.int(1, 3) }
  const apply: Step = async (server) => {
    const applied = await inboxOf(server).apply({ particao, epoca, rows })
    return applied.outcome === 'applied' ? { ...applied, touched: untimed(applied.touched ?? []) } : applied
  }
  const passed = posicoes.map((posicao) => ({ posicao, id: null }))
  return random.pick<Step>([
    apply,
    apply,
    apply,
    (server) => inboxOf(server).pass({ particao, epoca: null, rows: passed }, passing()),
    (server) => inboxOf(server).watermarks(),
    ({ sql }) => createLetterStore(sql).put(letter),
    async ({ sql }) => (await lettersAt(sql, particao, posicoes)).sort((a, b) => a - b),
    async ({ sql }) => untimed(await readDays(sql, uniqueDays(rows))),
    async (server) => untimed([await dayStoreOf(server).readDay(`loja-${from % 4}`, '2026-11-21')]),
  ])
}

/** The read path's own statement, without the policy around it. */
const dayStoreOf = ({ sql }: Server) =>
  createBalanceReadStore({
    sql,
    policy: { name: 'none', execute: (action) => action(new AbortController().signal) },
  })

const uniqueDays = (rows: readonly SignedLancamento[]): SignedLancamento[] => [
  ...new Map(rows.map((row) => [`${row.comercianteId} ${row.data}`, row])).values(),
]

const simulatedProjection = (): Server =>
  simulatedServer((now) => {
    const nobody = { onApplied: () => {}, onDay: () => {}, onLetter: () => {}, failsInEffect: () => false }
    const state: ProjectionState = { inbox: new Map(), days: new Map(), letters: new Map(), now, ...nobody }
    return projectionStatements(state)
  })
const inboxOf = ({ sql, clock }: Server) => createInbox({ sql, effect: SALDO_EFFECT, clock })

test('the simulated projection answers as the real one', async () => {
  const real = realServer(await realOf('consolidado'))
  const simulated = simulatedProjection()
  for (const server of [real, simulated]) await server.settle(inboxOf(server).prepare(PARTICOES))
  await compare([real, simulated], projectionStep)
})

test('who waits for a position hears alike, and a stopped partition refuses alike', async () => {
  const row = { posicao: 1, id: uuid(1), comercianteId: 'loja-1', data: '2026-11-21', valor: 1n, registeredAt: 0 }
  const history = async (server: Server): Promise<unknown[]> => {
    const inbox = inboxOf(server)
    const apply = () => inbox.apply({ particao: 0, epoca: EPOCA, rows: [row] })
    await inbox.prepare(1)
    await apply()
    const waited = [
      await inbox.waitApplied(0, 1, { timeoutMs: 20_000 }),
      await inbox.waitApplied(0, 2, { timeoutMs: 30 }),
    ]
    await inbox.stop(0, 'first')
    await inbox.stop(0, 'second')
    return [...waited, await apply(), await inbox.watermarks()]
  }
  const simulated = simulatedProjection()
  expect(await simulated.settle(history(simulated))).toEqual(await history(realServer(await realOf('consolidado'))))
})

function ledgerStep(random: Random, step: number): Step {
  const particao = random.int(0, PARTICOES - 1)
  const keyOf = (name: string): string | undefined => (random.chance(0.4) ? `${name}-${random.int(1, 25)}` : undefined)
  const rows = Array.from({ length: random.int(1, 4) }, (_, i) => {
    const chave = keyOf('chave')
    const referencia = keyOf('referencia')
    return rowOf({
      ...(chave !== undefined && { chave: `${chave}-${i}` }),
      lancamento: {
        // Now and then an id that is there already: the statement fails, and the batch is cut until it stands alone.
        id: uuid(random.chance(0.03) ? 1 : step * 10 + i),
        comercianteId: `loja-${random.int(1, 2)}`,
        tipo: random.pick(['CREDITO', 'DEBITO']),
        valor: BigInt(random.int(1, 100_000)),
        data: '2026-11-21',
        descricao: 'Venda "ação" \\',
        createdAt: new Date(Date.UTC(2026, 10, 21) + step),
        ...(referencia !== undefined && { referencia: `${referencia}-${i}` }),
      },
    })
  })
  const append: Step = async ({ sql }) => {
    const answers = await createAppend<LedgerRow>(sql, LEDGER)(particao, rows)
    return answers.map((answer) => (answer.outcome === 'refused' ? 'refused' : shown(answer)))
  }
  const page: Step = ({ sql }) => createReadPage(sql, LEDGER)(particao, random.int(0, 60), random.int(1, 9))
  return random.pick<Step>([append, append, append, page, ({ sql }) => readHead(sql, particao)])
}

/** The known row, as far as the product reads it. */
const shown = (answer: { posicao: number; outcome: string } & ({ row?: LedgerRow; via?: string } | object)) =>
  'row' in answer && answer.row !== undefined
    ? { ...answer, row: { ...answer.row, ordem: undefined, via: undefined } }
    : answer

test('the simulated ledger answers as the real one', async () => {
  const sql = await realOf('lancamentos')
  const epoca = (await readHead(sql, 0))?.epoca ?? ''
  const simulated = simulatedServer(() => createLedgerDatabase({ epoca, particoes: PARTICOES }).statements)
  await compare([realServer(sql), simulated], ledgerStep)
})
