/** What a client sent under a key, and what it knows of it. */
export type Sent = {
  chave: string
  comerciante: string
  data: string
  tipo: 'CREDITO' | 'DEBITO'
  centavos: number
  /** Of its 201, which every later answer must repeat. */
  id?: string
  /** Where a single entry stands in the log. */
  posicao?: number
  /** Of the money of an order: the entry's name, or the key of the entry that it reverses. */
  referencia?: string
  estorna?: string
}

export type Day = { creditos: number; debitos: number; quantidade: number }

/** The merchants' own books: what was sent, what was acknowledged, and what each day must come to. */
export type Model = {
  /** Notes what is about to be sent; from then on it may be in the ledger. */
  send: (sent: Sent) => void
  /** Notes a 201. Gives a complaint where an earlier answer had said something else. */
  acknowledge: (sent: Sent, answer: { id: string; posicao?: number | undefined }) => string | undefined
  /** Notes an entry that the ledger must make by itself, since an order was delivered or returned; once, however often it is told. */
  owe: (money: Sent) => void
  owed: () => Iterable<Sent>
  get: (chave: string) => Sent | undefined
  all: () => Iterable<Sent>
  /** Sums of what was acknowledged or is owed, by `<merchant> <day>`. */
  days: () => ReadonlyMap<string, Day>
  /** What was sent and has no answer yet. */
  open: () => number
}

const NOTHING: Day = { creditos: 0, debitos: 0, quantidade: 0 }

export const dayKey = (comerciante: string, data: string): string => `${comerciante} ${data}`

const add = (days: Map<string, Day>, { comerciante, data, tipo, centavos: cents }: Sent): void => {
  const key = dayKey(comerciante, data)
  const { creditos, debitos, quantidade } = days.get(key) ?? NOTHING
  const credit = tipo === 'CREDITO' ? cents : 0
  days.set(key, {
    creditos: creditos + credit,
    debitos: debitos + cents - credit,
    quantidade: quantidade + 1,
  })
}

/** Cents are plain numbers here: a run's sums stay far below 2^53. */
export const createModel = (): Model => {
  const byKey = new Map<string, Sent>()
  const days = new Map<string, Day>()
  const owed = new Map<string, Sent>()
  let open = 0
  return {
    send: (sent) => {
      byKey.set(sent.chave, sent)
      open += 1
    },
    acknowledge: (sent, { id, posicao }) => {
      if (sent.id !== undefined) return sent.id === id ? undefined : `${sent.chave} was answered ${sent.id} and ${id}`
      sent.id = id
      if (posicao !== undefined) sent.posicao = posicao
      add(days, sent)
      open -= 1
      return undefined
    },
    owe: (money) => {
      if (owed.has(money.chave)) return
      owed.set(money.chave, money)
      byKey.set(money.chave, money)
      add(days, money)
    },
    owed: () => owed.values(),
    get: (chave) => byKey.get(chave),
    all: () => byKey.values(),
    days: () => days,
    open: () => open,
  }
}
