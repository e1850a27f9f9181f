import { multirangeLiteral } from '@fluxo/shared/inbox/runs'
import type { Statement } from './postgres-server.ts'
import { arrayOf } from './postgres-text.ts'
import { type DayRow, dayKey, letterKey, type ProjectionState, runsBeyond } from './projection-state.ts'

const GERACAO = 1

/** The statements around the apply: small, each at one moment. */
export function readingsOf(state: ProjectionState): readonly Statement[] {
  return [...inboxStatements(state), ...letterStatements(state), ...dayStatements(state)]
}

/** What is asked of an inbox beside the apply. */
export function inboxStatements({ inbox }: Pick<ProjectionState, 'inbox'>): Statement[] {
  return [
    {
      name: 'inbox.prepare',
      run: ([particoes]) => {
        for (let particao = 0; particao < Number(particoes); particao += 1) {
          if (inbox.has(particao)) continue
          const none = { aplicada_ate: 0, epoca: null, ultima_posicao: 0, ultimo_id: null, divergente: null }
          inbox.set(particao, { particao, adiante: new Set(), ...none })
        }
        return []
      },
    },
    {
      name: 'inbox.watermarks',
      run: () => [...inbox.values()].map((row) => ({ ...row, adiante: multirangeLiteral(runsBeyond(row)) })),
    },
    {
      name: 'inbox.stop',
      run: ([particao, reason]) => {
        const row = inbox.get(Number(particao))
        if (row !== undefined) row.divergente ??= String(reason)
        return []
      },
    },
    {
      name: 'inbox.are-applied',
      run: ([particoes, posicoes]) => {
        const places = arrayOf(posicoes).map(Number)
        return arrayOf(particoes).map((particao, i) => {
          const row = inbox.get(Number(particao))
          const posicao = places[i] ?? 0
          return { aplicada: row !== undefined && (posicao <= row.aplicada_ate || row.adiante.has(posicao)) }
        })
      },
    },
  ]
}

/** What is asked of the dead letters. */
export function letterStatements({ letters, onLetter }: Pick<ProjectionState, 'letters' | 'onLetter'>): Statement[] {
  return [
    {
      name: 'letters.put',
      run: ([particao, posicao, body, reason, attempts]) => {
        const key = letterKey(Number(particao), Number(posicao))
        const old = letters.get(key)
        const letter = {
          particao: Number(particao),
          posicao: Number(posicao),
          evento: String(body),
          motivo: String(reason),
          tentativas: Math.max(Number(attempts), old?.tentativas ?? 0),
          pulada: old?.pulada ?? false,
        }
        letters.set(key, letter)
        onLetter(letter)
        return []
      },
    },
    {
      name: 'letters.at',
      run: ([particao, posicoes]) =>
        arrayOf(posicoes)
          .map(Number)
          .filter((posicao) => letters.has(letterKey(Number(particao), posicao)))
          .map((posicao) => ({ posicao })),
    },
  ]
}

/** The time of a row as the statements write it. */
const timeOf = ({ atualizadoMs }: DayRow): string => new Date(atualizadoMs).toISOString()

const shown = (day: DayRow) => ({
  comerciante_id: day.comercianteId,
  data: day.data,
  creditos: String(day.creditos),
  debitos: String(day.debitos),
  quantidade: day.quantidade,
  versao: day.versao,
  atualizado_em: timeOf(day),
})

function dayStatements({ days }: ProjectionState): Statement[] {
  return [
    {
      name: 'balances.read-days',
      run: ([comerciantes, datas]) => {
        const dates = arrayOf(datas)
        const keys = arrayOf(comerciantes).map((comerciante, i) => dayKey(comerciante ?? '', dates[i] ?? ''))
        return keys.flatMap((key) => days.get(key) ?? []).map(shown)
      },
    },
    {
      name: 'balances.read-day',
      run: ([comerciante, data]) => {
        const day = days.get(dayKey(String(comerciante), String(data)))
        return [{ geracao: GERACAO, creditos: null, ...(day !== undefined && shown(day)) }]
      },
    },
    { name: 'pool.probe', run: () => [{ '?column?': 1 }] },
  ]
}
