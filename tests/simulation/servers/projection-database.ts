import { VERSOES_PER_GERACAO } from '../../../apps/consolidado/src/domain/saldo.ts'
import { type Parameter, PostgresError, type Row, type Statement } from './postgres-server.ts'
import { arrayOf } from './postgres-text.ts'
import { readingsOf } from './projection-readings.ts'
import { type DayRow, dayKey, type InboxRow, letterKey, type ProjectionState } from './projection-state.ts'

/** The statements of the consolidado over its tables. */
export function projectionStatements(state: ProjectionState, apply = applyOf): readonly Statement[] {
  return [apply(state), passOf(state), ...readingsOf(state)]
}

export type Asked = { posicao: number; id: string | null; comercianteId: string; data: string; valor: bigint }

/** Applies a batch: under the partition's lock, by the inbox's row as the last holder left it. */
export function applyOf(state: ProjectionState): Statement {
  return {
    name: 'inbox.apply',
    lock: ([particao]) => `inbox ${particao}`,
    run: (parameters) => {
      const row = inboxOf(state, parameters)
      const reason = refusalOf(row, parameters)
      const taken = reason === null ? askedOf(parameters).filter((one) => isNew(row, one.posicao)) : []
      return effect({ state, row, motivo: reason, taken, epoca: String(parameters[1]) })
    },
  }
}

/** Commits an outcome of an apply: the days, the inbox's row, and what the statement answers. */
export function effect({ state, row, motivo: reason, taken, epoca }: EffectOf): Row[] {
  if (taken.some(({ id }) => id !== null && state.failsInEffect(id))) {
    throw new PostgresError('22003', 'numeric field overflow')
  }
  const answer = { motivo: reason, epoca: row.epoca, divergente: row.divergente, novos: taken.length }
  const touched = new Map<string, DayRow>()
  for (const one of taken) touched.set(dayKey(one.comercianteId, one.data), addTo(state, one))
  for (const day of touched.values()) {
    day.versao += 1
    day.atualizadoMs = Math.floor(state.now())
    state.onDay(day)
  }
  note(row, taken, epoca)
  for (const { posicao, id } of taken) state.onApplied({ particao: row.particao, posicao, id })
  const days = [...touched.values()].map((day) => {
    const { comercianteId, data, creditos, debitos, quantidade, versao } = day
    return [comercianteId, data, String(creditos), String(debitos), quantidade, versao]
  })
  const result = days.length === 0 ? null : JSON.stringify({ now: Math.floor(state.now()), days })
  return [{ ...answer, resultado: result }]
}
type EffectOf = {
  state: ProjectionState
  row: InboxRow
  motivo: string | null
  taken: readonly Asked[]
  epoca: string | null
}

/** Lets the watermark pass positions whose letters are kept. */
function passOf(state: ProjectionState): Statement {
  return {
    name: 'inbox.pass',
    lock: ([particao]) => `inbox ${particao}`,
    run: (parameters) => {
      const row = inboxOf(state, parameters)
      const reason = refusalOf(row, parameters)
      const answer = { motivo: reason, epoca: row.epoca, divergente: row.divergente }
      const taken = (reason === null ? placesOf(parameters) : []).filter((one) => isNew(row, one.posicao))
      for (const { posicao } of taken) {
        const letter = state.letters.get(letterKey(row.particao, posicao))
        if (letter !== undefined) letter.pulada = true
      }
      const epoca = parameters[1]
      note(row, taken, epoca === null || epoca === undefined ? null : String(epoca))
      return [{ ...answer, novos: taken.length, resultado: null }]
    },
  }
}

export function inboxOf({ inbox }: Pick<ProjectionState, 'inbox'>, [particao]: readonly Parameter[]): InboxRow {
  const row = inbox.get(Number(particao))
  if (row === undefined) throw new Error('the simulation expected a prepared partition')
  return row
}

export const isNew = ({ aplicada_ate, adiante }: InboxRow, posicao: number): boolean =>
  posicao > aplicada_ate && !adiante.has(posicao)

export function placesOf([, , , posicoes, ids]: readonly Parameter[]): { posicao: number; id: string | null }[] {
  const idList = arrayOf(ids)
  return arrayOf(posicoes).map((posicao, i) => ({ posicao: Number(posicao), id: idList[i] ?? null }))
}

export function askedOf(parameters: readonly Parameter[]): Asked[] {
  const [comerciantes, datas, valores] = parameters.slice(5).map(arrayOf)
  return placesOf(parameters).map((place, i) => ({
    ...place,
    comercianteId: comerciantes?.[i] ?? '',
    data: datas?.[i] ?? '',
    valor: BigInt(valores?.[i] ?? 0),
  }))
}

export function refusalOf(row: InboxRow, parameters: readonly Parameter[]): string | null {
  const epoca = parameters[1]
  if (row.divergente !== null) return 'divergente'
  if (row.epoca !== null && epoca !== null && row.epoca !== epoca) return 'epoca-divergente'
  const other = placesOf(parameters).find(({ posicao }) => posicao === row.ultima_posicao)
  // In SQL nothing differs from null.
  const differs = other !== undefined && other.id !== null && row.ultimo_id !== null && other.id !== row.ultimo_id
  return differs ? 'id-divergente' : null
}

/** The inbox learns what was taken; nothing taken, nothing written. */
export function note(
  row: InboxRow,
  taken: readonly { posicao: number; id: string | null }[],
  epoca: string | null,
): void {
  const last = taken.at(-1)
  if (last === undefined) return
  for (const { posicao } of taken) row.adiante.add(posicao)
  while (row.adiante.delete(row.aplicada_ate + 1)) row.aplicada_ate += 1
  row.epoca ??= epoca
  if (last.posicao <= row.ultima_posicao) return
  row.ultima_posicao = last.posicao
  row.ultimo_id = last.id
}

function addTo(state: ProjectionState, { comercianteId, data, valor }: Asked): DayRow {
  const key = dayKey(comercianteId, data)
  const none = { creditos: 0n, debitos: 0n, quantidade: 0, versao: VERSOES_PER_GERACAO, atualizadoMs: 0 }
  const day = state.days.get(key) ?? { comercianteId, data, ...none }
  state.days.set(key, day)
  if (valor > 0n) day.creditos += valor
  else day.debitos -= valor
  day.quantidade += 1
  return day
}
