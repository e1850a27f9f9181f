import type { Database } from '@fluxo/drizzle/journal'

/** A service of the product: so are its folder in apps/, its database and its login role called. */
export type Service = Database

/** What the stage must know of a service to raise it. A new service is one more row here. */
type ServiceRow = {
  /** Whether its database holds a log, which is made with a number of partitions. */
  hasLog: boolean
  /** What a merchant may do there. */
  scopes: readonly string[]
  /** Whom it asks: under which name it is told where that service answers, and where it reads a log there, its partitions. */
  asks?: readonly { service: Service; url: string; particoes?: string | undefined }[] | undefined
  /** What tests want of it, so that they need not wait. */
  env?: Readonly<Record<string, string>> | undefined
}

/** Every service, in the order of their start: who is asked comes before who asks. */
export const SERVICES: Readonly<Record<Service, ServiceRow>> = {
  entregas: {
    hasLog: true,
    scopes: ['entregas:escrever', 'entregas:ler'],
    env: { ENTREGAS_ATRASO_MS: '0' },
  },
  lancamentos: {
    hasLog: true,
    scopes: ['lancamentos:escrever', 'lancamentos:ler'],
    asks: [{ service: 'entregas', url: 'ENTREGAS_URL', particoes: 'ENTREGAS_PARTICOES' }],
  },
  consolidado: {
    hasLog: false,
    scopes: ['consolidado:ler'],
    asks: [{ service: 'lancamentos', url: 'FEED_URL', particoes: 'PARTICOES' }],
  },
  avisos: {
    hasLog: false,
    scopes: ['avisos:escrever', 'avisos:ler'],
    asks: [
      { service: 'entregas', url: 'ENTREGAS_URL', particoes: 'ENTREGAS_PARTICOES' },
      { service: 'lancamentos', url: 'FEED_URL', particoes: 'PARTICOES' },
      { service: 'consolidado', url: 'CONSOLIDADO_URL' },
    ],
  },
}

export const SERVICE_NAMES = Object.keys(SERVICES) as Service[]

/** The password of the login roles in tests; they live only as long as the run's server. */
export const ROLE_PASSWORD = 'teste'

/** All that a merchant may do. */
export const MERCHANT_SCOPES = SERVICE_NAMES.flatMap((service) => SERVICES[service].scopes)

/** Above what a test can send, so that the limits are at work and refuse nothing; a test of theirs sets others. */
export const UNREACHED_LIMITS = { LIMITE_ESCRITA_POR_SEGUNDO: '100000', LIMITE_LEITURA_POR_SEGUNDO: '100000' }

/** Where a service starts, from the root of the repository. */
export const entryOf = (service: Service): string => `apps/${service}/src/main.ts`

/** Under which name a service is told where its database is. */
const databaseVariable = (service: Service): string => `DATABASE_URL_${service.toUpperCase()}`

type Surroundings = {
  databaseUrl: string
  redisUrl: string
  jwtSecret: string
  instance: string
  /** Where another service answers, if it is there. */
  urlOf?: ((service: Service) => string | undefined) | undefined
  /** Of every log; the services' own default without. */
  particoes?: number | undefined
}

/** The environment of a service's process: where everything is that it needs. */
export const environmentOf = (service: Service, around: Surroundings): Record<string, string> => {
  const { particoes, urlOf } = around
  const env: Record<string, string> = {
    [databaseVariable(service)]: around.databaseUrl,
    REDIS_URL: around.redisUrl,
    JWT_SECRET: around.jwtSecret,
    INSTANCIA: around.instance,
  }
  if (particoes !== undefined) env['PARTICOES'] = String(particoes)
  for (const asked of SERVICES[service].asks ?? []) {
    const url = urlOf?.(asked.service)
    if (url !== undefined) env[asked.url] = url
    if (asked.particoes !== undefined && particoes !== undefined) env[asked.particoes] = String(particoes)
  }
  return env
}
