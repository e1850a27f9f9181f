import { multirangeLiteral } from '@fluxo/shared/inbox/runs'
import type { Statement } from './postgres-server.ts'
import { arrayOf, plain } from './postgres-text.ts'
import { type DayRow, dayKey, letterKey, type ProjectionState, runsBeyond } from './projection-state.ts'

const GERACAO = 1

/** The statements around the apply: small, each at one moment. */
export function readingsOf(state: ProjectionState): readonly Statement[] {
  return [...inboxStatements(state), ...letterStatements(state), ...dayStatements(state)]
}

const startsWith = (beginning: string) => (text: string) => plain(text).startsWith(beginning)

/** What is asked of an inbox beside the apply. */
export function inboxStatements({ inbox }: Pick<ProjectionState, 'inbox'>): Statement[] {
  return [
    {
      matches: startsWith('insert into inbox_particao'),
      run: ([particoes]) => {
        for (let particao = 0; particao < Number(particoes); particao += 1) {
          if (inbox.has(particao)) continue
          const none = { aplicadaAte: 0, epoca: null, ultimaPosicao: 0, ultimoId: null, divergente: null }
          inbox.set(particao, { particao, adiante: new Set(), ...none })
        }
        return []
      },
    },
    {
      matches: startsWith('select particao::int as particao, aplicada_ate::float8'),
      run: () =>
        [...inbox.values()].map((row) => ({
          particao: row.particao,
          aplicada_ate: row.aplicadaAte,
          adiante: multirangeLiteral(runsBeyond(row)),
          epoca: row.epoca,
          ultima_posicao: row.ultimaPosicao,
          ultimo_id: row.ultimoId,
          divergente: row.divergente,
        })),
    },
    {
      matches: startsWith('update inbox_particao set divergente'),
      run: ([particao, reason]) => {
        const row = inbox.get(Number(particao))
        if (row !== undefined) row.divergente ??= String(reason)
        return []
      },
    },
    {
      matches: startsWith('select coalesce(q.posicao <= p.aplicada_ate'),
      run: ([particoes, posicoes]) => {
        const places = arrayOf(posicoes).map(Number)
        return arrayOf(particoes).map((particao, i) => {
          const row = inbox.get(Number(particao))
          const posicao = places[i] ?? 0
          return { aplicada: row !== undefined && (posicao <= row.aplicadaAte || row.adiante.has(posicao)) }
        })
      },
    },
  ]
}

/** What is asked of the dead letters. */
export function letterStatements({ letters, onLetter }: Pick<ProjectionState, 'letters' | 'onLetter'>): Statement[] {
  return [
    {
      matches: startsWith('insert into carta_morta'),
      run: ([particao, posicao, body, reason, attempts]) => {
        const key = letterKey(Number(particao), Number(posicao))
        const old = letters.get(key)
        const letter = {
          particao: Number(particao),
          posicao: Number(posicao),
          body: String(body),
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
      matches: startsWith('select posicao::float8 as posicao from carta_morta'),
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
      matches: startsWith('select s.comerciante_id, s.data::text as data'),
      run: ([comerciantes, datas]) => {
        const dates = arrayOf(datas)
        const keys = arrayOf(comerciantes).map((comerciante, i) => dayKey(comerciante ?? '', dates[i] ?? ''))
        return keys.flatMap((key) => days.get(key) ?? []).map(shown)
      },
    },
    {
      matches: (text) => plain(text).includes('select p.geracao, s.creditos, s.debitos, s.quantidade'),
      run: ([comerciante, data]) => {
        const day = days.get(dayKey(String(comerciante), String(data)))
        return [{ geracao: GERACAO, creditos: null, ...(day !== undefined && shown(day)) }]
      },
    },
    { matches: (text) => plain(text) === 'select 1', run: () => [{ '?column?': 1 }] },
  ]
}
