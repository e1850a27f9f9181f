import type { Registry } from 'prom-client'
import { counter } from '../telemetry/metrics.ts'

/** What a consumer counts. Labels are stream, partition and group, never a consumer's name: instances come and go. */
export type ConsumerMetrics = {
  delivered(entries: number): void
  acked(entries: number): void
  reclaimed(entries: number): void
  deletedWhilePending(entries: number): void
  groupRecreated(): void
  readError(): void
}

const LABELS = ['stream', 'particao', 'group'] as const

/** The counters `fluxo_stream_*` in `registry` for one partition's stream and group. */
export function consumerMetrics(
  registry: Registry,
  { prefix, particao, group }: { prefix: string; particao: number; group: string },
): ConsumerMetrics {
  const make = (name: string, help: string) =>
    counter(registry, { name, help, labelNames: LABELS }).labels({ stream: prefix, particao: String(particao), group })
  const delivered = make('fluxo_stream_delivered_total', 'Entries delivered to this process, re-reads included')
  const acked = make('fluxo_stream_acked_total', 'Entries acknowledged to Redis')
  const reclaimed = make('fluxo_stream_reclaimed_total', 'Entries taken over from consumers that left them pending')
  const deleted = make(
    'fluxo_stream_deleted_while_pending_total',
    'Entries gone from the stream before they were acked',
  )
  const recreated = make('fluxo_stream_group_recreated_total', 'Times the group was lost with its stream and made anew')
  const errors = make('fluxo_stream_read_errors_total', 'Sessions or reads that failed')
  return {
    delivered: (entries) => delivered.inc(entries),
    acked: (entries) => acked.inc(entries),
    reclaimed: (entries) => reclaimed.inc(entries),
    deletedWhilePending: (entries) => deleted.inc(entries),
    groupRecreated: () => recreated.inc(),
    readError: () => errors.inc(),
  }
}
