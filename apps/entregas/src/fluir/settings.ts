import { envDurationMs } from '@fluxo/shared/env'
import { z } from 'zod'
import type { FluxoOptions } from './fluir.ts'

/** How the automatic flow is set: the part of a schema of the environment. */
export const FLUXO_ENV = {
  ENTREGAS_FLUXO: z.enum(['automatico', 'manual']).default('automatico').describe('whether orders move by themselves'),
  ENTREGAS_ATRASO_MS: envDurationMs().default(1_000).describe('how long each step of the automatic flow waits'),
}
type FluxoEnv = { ENTREGAS_FLUXO: 'automatico' | 'manual'; ENTREGAS_ATRASO_MS: number }

export const fluxoOptions = ({ ENTREGAS_FLUXO, ENTREGAS_ATRASO_MS }: FluxoEnv): FluxoOptions => ({
  automatic: ENTREGAS_FLUXO === 'automatico',
  delayMs: ENTREGAS_ATRASO_MS,
})
