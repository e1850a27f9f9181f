import type { Watermark } from '../inbox/watermark.ts'
import { counter, gauge, type Registry } from '../telemetry/metrics.ts'
import { createScrapeQuery } from '../telemetry/scrape-query.ts'
import type { CountEvents, ShownGroup } from './group.ts'
import type { LetterCount } from './letter-store.ts'
import type { Stops } from './stops.ts'

type Looks = {
  group: string
  log: string
  stops: Pick<Stops, 'has'>
  watermarks: () => Promise<Watermark[] | undefined>
  letters: () => Promise<LetterCount | undefined>
}

/** The groups of a registry by group and log: a process may hold several, and one group may follow several logs. */
const groupsOf = new WeakMap<Registry, Map<string, Looks>>()

/**
 * Exports how far a group has followed its log, whether it stands still, and the dead letters that wait in its database, those of all
 * its groups. All of it is read from the database, so every instance shows the same: across instances take `max`.
 */
export const exportFollowMetrics = ({
  group,
  log,
  stops,
  watermarks,
  letters,
  registry,
}: Omit<ShownGroup, 'redis' | 'streamPrefix' | 'particoes'>): CountEvents => {
  const groups = groupsOf.get(registry) ?? show(registry)
  const looks = { watermarks: createScrapeQuery(watermarks), letters: createScrapeQuery(letters) }
  groups.set(`${group} ${log}`, { group, log, stops, ...looks })
  const unreadable = counter(registry, {
    name: 'fluxo_follow_unreadable_total',
    help: 'Events that could not be applied: from the stream (the log is asked instead) or from the log (passed over).',
    labelNames: ['group', 'log', 'particao', 'origem'],
  })
  return (end, events, { particao, origin }) => {
    if (end === 'kept') unreadable.inc({ group, log, particao: String(particao), origem: origin }, events)
  }
}

function show(registry: Registry): Map<string, Looks> {
  const groups = new Map<string, Looks>()
  groupsOf.set(registry, groups)
  const byPartition = (
    name: string,
    help: string,
    value: (watermark: Watermark, stops: Looks['stops']) => number,
  ): void => {
    gauge(registry, {
      name,
      help,
      labelNames: ['group', 'log', 'particao'],
      async collect() {
        this.reset()
        for (const { group, log, watermarks, stops } of groups.values()) {
          for (const watermark of (await watermarks()) ?? []) {
            this.set({ group, log, particao: String(watermark.particao) }, value(watermark, stops))
          }
        }
      },
    })
  }
  byPartition('fluxo_follow_aplicada_ate', 'Everything up to this position has had its effect.', (m) => m.aplicadaAte)
  byPartition(
    'fluxo_follow_parada',
    '1 where the group stands still, since its log is another one than it followed.',
    ({ divergente, particao }, stops) => (divergente === null && !stops.has(particao) ? 0 : 1),
  )
  gauge(registry, {
    name: 'fluxo_follow_dead_letters',
    help: 'Dead letters of the groups of a database that wait for an operator.',
    labelNames: ['database'],
    async collect() {
      const counts = await Promise.all([...groups.values()].map(({ letters }) => letters()))
      this.reset()
      for (const count of counts) if (count !== undefined) this.inc({ database: count.database }, count.pendentes)
    },
  })
  return groups
}
