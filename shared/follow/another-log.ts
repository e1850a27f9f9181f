import type { Posicionado } from '../inbox/inbox.ts'
import type { Marca } from '../inbox/marca.ts'
import { divergenciaDe } from '../repair/decidir-reparo.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Whether the inbox would take rows of this epoch, as far as can be told before it is asked. */
export function follows(marca: Marca | undefined, epoca: string, rows: readonly Posicionado[]): boolean {
  if (marca === undefined || marca.divergente !== null) return false
  const eventos = rows.map(({ posicao, id }) => ({ posicao, evento: { id } }))
  return divergenciaDe(marca, { epoca, ultima: Number.MAX_SAFE_INTEGER, eventos }) === undefined
}

/** Which partitions stand still, since their log is another one. */
export type Stops = {
  stopped: (particao: number, motivo: string) => void
  moved: (particao: number) => void
  has: (particao: number) => boolean
}

/** Keeps them for the metric, with one line in the log per change. */
export function createStops({ grupo, log }: { grupo: string; log: Logger }): Stops {
  const motivos = new Map<number, string>()
  return {
    stopped: (particao, motivo) => {
      if (motivos.get(particao) === motivo) return
      motivos.set(particao, motivo)
      log.error({ grupo, particao, motivo }, 'the log is another one than was followed: an operator has to look')
    },
    moved: (particao) => {
      if (motivos.delete(particao)) log.info({ grupo, particao }, 'the log is followed again')
    },
    has: (particao) => motivos.has(particao),
  }
}
