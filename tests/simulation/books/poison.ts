/**
 * Entries that can never be applied: as an event that nobody understands, or by an effect that fails whenever it is
 * tried. Told by an amount that no other entry has, since an amount is what ledger, event and projection all know.
 */
export type Veneno = 'evento' | 'efeito'
export const CENTAVOS_DO_VENENO: Readonly<Record<Veneno, number>> = { evento: 66_601, efeito: 66_602 }

/** Which poison an amount in cents stands for, if any. */
export function venenoDe(centavos: string | number | bigint): Veneno | undefined {
  switch (Number(centavos)) {
    case CENTAVOS_DO_VENENO.evento:
      return 'evento'
    case CENTAVOS_DO_VENENO.efeito:
      return 'efeito'
    default:
      return undefined
  }
}
