/**
 * Entries that can never be applied: as an event that nobody understands, or by an effect that fails whenever it is
 * tried. Told by an amount that no other entry has, since an amount is what ledger, event and projection all know.
 */
export type Poison = 'evento' | 'efeito'
export const POISON_CENTS: Readonly<Record<Poison, number>> = { evento: 66_601, efeito: 66_602 }

/** Which poison an amount in cents stands for, if any. */
export function poisonOf(cents: string | number | bigint): Poison | undefined {
  switch (Number(cents)) {
    case POISON_CENTS.evento:
      return 'evento'
    case POISON_CENTS.efeito:
      return 'efeito'
    default:
      return undefined
  }
}
