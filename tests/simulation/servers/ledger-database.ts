import type { LedgerRow } from '../../../apps/lancamentos/src/registrar/ledger-table.ts'
import { type Parameter, PostgresError, type Row, type Statement } from './postgres-server.ts'

/** One entry as the batch brought it; `commit` numbers the statements that were committed. */
export type LedgerEntry = Omit<LedgerRow, 'created_at'> & {
  particao: number
  commit: number
  chave: string | null
  created_at: string
}

export type LedgerDatabase = {
  readonly epoca: string
  readonly entries: LedgerEntry[]
  ultima(particao: number): number
  readonly statements: readonly Statement[]
}

type Asked = Omit<LedgerEntry, 'particao' | 'posicao' | 'commit'> & { ordem: number }

export type LedgerState = {
  entries: LedgerEntry[]
  /** Per partition: the counter's row, and the relay's cursor. */
  ultima: number[]
  cursor: number[]
  /** Statements committed so far. */
  commits: number
  epoca: string
}

/** The tables of `lancamentos`, and what the product's statements do to them. */
export function createLedgerDatabase({ epoca, particoes, append = appendOf }: LedgerDatabaseDeps): LedgerDatabase {
  const zeros = (): number[] => Array.from({ length: particoes }, () => 0)
  const state: LedgerState = { entries: [], ultima: zeros(), cursor: zeros(), commits: 0, epoca }
  return {
    epoca,
    entries: state.entries,
    ultima: (particao) => state.ultima[particao] ?? 0,
    statements: [
      append(state),
      { name: 'ledger.page', run: (parameters) => pageOf(state, parameters) },
      ...logStatements(state),
    ],
  }
}

/** What a relay and a feed ask of a log beside its pages. */
export function logStatements(state: Pick<LedgerState, 'ultima' | 'cursor' | 'epoca'>): readonly Statement[] {
  const { epoca } = state
  const particoes = state.ultima.length
  return [
    {
      name: 'relay.look',
      run: ([particao]) => [{ cursor: state.cursor[Number(particao)], head: state.ultima[Number(particao)] }],
    },
    {
      name: 'relay.save-cursor',
      run: ([posicao, particao]) => {
        state.cursor[Number(particao)] = Number(posicao)
        return []
      },
    },
    {
      name: 'log.head',
      run: ([particao]) => [{ ultima: state.ultima[Number(particao)], epoca, particoes }],
    },
  ]
}

type LedgerDatabaseDeps = { epoca: string; particoes: number; append?: (state: LedgerState) => Statement }

/** The statement that registers a batch: known rows by its snapshot, positions from the counter's locked row. */
export function appendOf(state: LedgerState): Statement {
  return {
    name: 'ledger.append',
    snapshot: () => state.commits,
    lock: (parameters, snapshot) => {
      const known = knownOf(state, parameters, Number(snapshot))
      return known.every((entry) => entry !== undefined) ? undefined : `posicao ${parameters[1]}`
    },
    run: (parameters, snapshot) => {
      const particao = Number(parameters[1])
      const known = knownOf(state, parameters, Number(snapshot))
      const fresh = rowsOf(parameters).filter((_, i) => known[i] === undefined)
      refuseRepeated(state, fresh)
      const base = state.ultima[particao] ?? 0
      state.ultima[particao] = base + fresh.length
      return [...insert(state, fresh, (i) => ({ particao, posicao: base + i + 1 })), ...knownLines(parameters, known)]
    },
  }
}

export const rowsOf = ([batch]: readonly Parameter[]): Asked[] => JSON.parse(String(batch))

const KEYS = {
  chave: (a: Keys, b: Keys) => a.chave !== null && a.chave === b.chave && a.comerciante_id === b.comerciante_id,
  referencia: (a: Keys, b: Keys) =>
    a.referencia !== null && a.referencia === b.referencia && a.comerciante_id === b.comerciante_id,
  estorna: (a: Keys, b: Keys) => a.estorna !== null && a.estorna === b.estorna,
} as const
type Keys = Pick<LedgerEntry, 'comerciante_id' | 'chave' | 'referencia' | 'estorna'>
type Known = { via: keyof typeof KEYS; entry: LedgerEntry }
const VIAS = ['chave', 'referencia', 'estorna'] as const

/** For each row of the batch the entry by which it is known, among those committed up to `commit`. */
export function knownOf(
  { entries }: LedgerState,
  parameters: readonly Parameter[],
  commit: number,
): (Known | undefined)[] {
  return rowsOf(parameters).map((row) => {
    for (const via of VIAS) {
      const entry = entries.find((one) => one.commit <= commit && KEYS[via](one, row))
      if (entry !== undefined) return { via, entry }
    }
    return undefined
  })
}

/** The unique indexes, which see what the snapshot does not. */
function refuseRepeated({ entries }: LedgerState, fresh: readonly Asked[]): void {
  for (const row of fresh) {
    if (!entries.some((one) => one.id === row.id || VIAS.some((via) => KEYS[via](one, row)))) continue
    throw new PostgresError('23505', 'duplicate key value violates unique constraint')
  }
}

/** Adds entries, all in one commit, and answers a line for each. */
export function insert(
  state: LedgerState,
  fresh: readonly Asked[],
  place: (i: number) => { particao: number; posicao: number },
): Row[] {
  state.commits += 1
  return fresh.map(({ ordem: ordinal, ...row }, i) => {
    const { particao, posicao } = place(i)
    state.entries.push({ ...row, particao, posicao, commit: state.commits })
    return { ordem: ordinal, posicao, via: null, conhecido: null }
  })
}

export function knownLines(parameters: readonly Parameter[], known: readonly (Known | undefined)[]): Row[] {
  return rowsOf(parameters).flatMap(({ ordem: ordinal }, i) => {
    const found = known[i]
    if (found === undefined) return []
    return [
      {
        ordem: ordinal,
        posicao: null,
        via: found.via,
        conhecido: { ...shown(found.entry), impressao: found.entry.impressao.slice(2) },
      },
    ]
  })
}

const shown = (entry: LedgerEntry) => ({
  posicao: entry.posicao,
  id: entry.id,
  comerciante_id: entry.comerciante_id,
  tipo: entry.tipo,
  valor: entry.valor,
  data: entry.data,
  descricao: entry.descricao,
  referencia: entry.referencia,
  estorna: entry.estorna,
  created_at: Date.parse(entry.created_at),
  rastro: null,
})

function pageOf({ entries, epoca }: LedgerState, [particao, after, limit]: readonly Parameter[]): Row[] {
  return entries
    .filter((entry) => entry.particao === Number(particao) && entry.posicao > Number(after))
    .sort((a, b) => a.posicao - b.posicao)
    .slice(0, Number(limit))
    .map((entry) => ({ ...shown(entry), epoca }))
}
