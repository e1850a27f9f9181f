/** Swedish writes days as ISO 8601 does. */
const CALENDARIO = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Sao_Paulo' })

/** The calendar day, `YYYY-MM-DD`, that clocks in São Paulo show at `instante`. */
export const diaEmSaoPaulo = (instante: Date): string => CALENDARIO.format(instante)
