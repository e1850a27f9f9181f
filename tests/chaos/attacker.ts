const PREFIX = 'attacker-'

/** The merchant who attacks in one way. */
export const attackerName = (attack: string): string => `${PREFIX}${attack}`

/** Attackers keep no books: what they leave in the logs is judged by its position alone. */
export const isAttacker = (comerciante: string): boolean => comerciante.startsWith(PREFIX)
