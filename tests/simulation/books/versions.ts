import { emptySaldo, saldoJson } from '../../../apps/consolidado/src/domain/saldo.ts'
import { type DayRow, dayKey } from '../servers/projection-state.ts'

/** Every state in which a day has been, and as which version. */
export type Versions = {
  add(day: DayRow): void
  has(key: string, versao: number, body: string): boolean
}

const GERACAO = 1

/** The body of an answer about a day. */
export const bodyOf = (day: DayRow): string =>
  saldoJson({ ...day, atualizadoEm: new Date(day.atualizadoMs).toISOString() })

export function createVersions(): Versions {
  const bodies = new Map<string, string>()
  return {
    add: (day) => void bodies.set(`${dayKey(day.comercianteId, day.data)} ${day.versao}`, bodyOf(day)),
    has: (key, versao, body) => {
      const known = bodies.get(`${key} ${versao}`)
      if (known !== undefined) return known === body
      const [comercianteId = '', data = ''] = key.split(' ')
      const empty = emptySaldo(comercianteId, data, GERACAO)
      return versao === empty.versao && body === saldoJson(empty)
    },
  }
}
