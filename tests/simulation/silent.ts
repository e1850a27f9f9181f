import { createLogger } from '@fluxo/shared/telemetry/logger'

/** The history is what the simulation writes; the services keep silent. */
export const SILENT = createLogger({ service: 'simulation', level: 'silent' })
