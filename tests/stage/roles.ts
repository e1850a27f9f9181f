/** The services' login roles; the migrations grant to them. */
export const SERVICE_ROLES = ['lancamentos', 'consolidado', 'entregas'] as const
export type ServiceRole = (typeof SERVICE_ROLES)[number]

/** The password of the login roles in tests; they live only as long as the run's server. */
export const ROLE_PASSWORD = 'teste'
