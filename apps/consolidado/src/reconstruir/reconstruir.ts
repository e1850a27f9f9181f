import type { Watermark } from '@fluxo/shared/inbox/watermark'
import type { Shadow } from './shadow.ts'

/**
 * Where the new generation of a partition has to go: as far as the old one has, so that the two can be compared, or to the head
 * (undefined) of another log than the projection follows.
 */
export const targetOf = (watermark: Watermark | undefined, { epoca }: Pick<Shadow, 'epoca'>): number | undefined =>
  watermark !== undefined && watermark.divergente === null && watermark.epoca === epoca
    ? watermark.ultimaPosicao
    : undefined

/**
 * Whether the projection may be held at this moment: entries that are missing below the last one applied would be in the new generation
 * only, and its days would be told as changed. A partition that was stopped is not compared.
 */
export const isWhole = (watermarks: readonly Watermark[]): boolean =>
  watermarks.every(({ holes, divergente }) => holes.length === 0 || divergente !== null)
