/** What became of an item that a key or a name of its merchant's knows already. */
type KnownOutcome =
  /** The same key: with the same content it is the item of then, again. */
  | { outcome: 'repeated' | 'key-conflict' }
  /** `sameContent`: whether what has this `referencia` says the very same. */
  | { outcome: 'reference-conflict'; sameContent: boolean }

/** What became of an item that was to be written. */
export type WriteOutcome = { outcome: 'created' } | KnownOutcome

/** What it means that an item was known by `via`, one of `chave` and `referencia`. */
export const knownOutcome = (via: string, sameContent: boolean): KnownOutcome =>
  via === 'referencia'
    ? { outcome: 'reference-conflict', sameContent }
    : { outcome: sameContent ? 'repeated' : 'key-conflict' }

/** True where the item is there as it was asked for: a list that must be whole accepts nothing else. */
export const isAccepted = (result: { outcome: string; sameContent?: boolean }): boolean =>
  result.outcome === 'created' ||
  result.outcome === 'repeated' ||
  (result.outcome === 'reference-conflict' && result.sameContent === true)
