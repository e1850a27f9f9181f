import { parseStored, SET_IF_NEWER } from '@fluxo/shared/cache/set-if-newer'
import type { Script } from '@fluxo/shared/redis/script'
import { LEAVE } from '@fluxo/shared/stream/consumer-session'
import { SWEEP } from '@fluxo/shared/stream/janitor'
import { EVENTO_FIELD } from '@fluxo/shared/stream/keys'
import { PUBLISH } from '@fluxo/shared/stream/publisher'
import type { Store } from './redis-commands.ts'
import { add, emptyStream, type Stream } from './redis-streams.ts'

/** What a script does to the keys, all at one moment. */
type ScriptSemantics = (store: Store, keys: readonly string[], args: readonly string[]) => unknown
type ScriptName = 'publish' | 'leave' | 'sweep' | 'setIfNewer'
export type Scripts = Readonly<Record<ScriptName, ScriptSemantics>>

/** Our scripts by name: a text or a digest that is none of these has no meaning here. */
export const SCRIPT_TEXTS: readonly (readonly [ScriptName, Script])[] = [
  ['publish', PUBLISH],
  ['leave', LEAVE],
  ['sweep', SWEEP],
  ['setIfNewer', SET_IF_NEWER],
]

const publish: ScriptSemantics = (store, [key = ''], args) => {
  let added = 0
  let repeated = 0
  const top = store.stream(key)?.top ?? -1
  for (let i = 0; i < args.length; i += 2) {
    const posicao = Number(args[i])
    if (posicao <= top) {
      repeated += 1
      continue
    }
    try {
      addTo(store, key, posicao, args[i + 1] ?? '')
    } catch (error) {
      if (added === 0) throw error
      return [added, repeated, error instanceof Error ? error.message : String(error)]
    }
    added += 1
  }
  return [added, repeated]
}

/** XADD as a script calls it: the server may be out of memory. */
export function addTo(store: Store, key: string, posicao: number, body: string): void {
  if (store.outOfMemory()) throw new Error("OOM command not allowed when used memory > 'maxmemory'.")
  const stream = store.stream(key) ?? emptyStream()
  add(stream, posicao, [EVENTO_FIELD, body])
  store.put(key, stream)
  store.added(key)
}

const hasPending = (stream: Stream, group: string, consumer: string): boolean =>
  [...(stream.groups.get(group)?.pending.values() ?? [])].some((delivery) => delivery.consumer === consumer)

const leave: ScriptSemantics = (store, [key = ''], [group = '', consumer = '']) => {
  const stream = store.stream(key)
  if (stream === undefined || !stream.groups.has(group) || hasPending(stream, group, consumer)) return 0
  stream.groups.get(group)?.consumers.delete(consumer)
  return 1
}

/** Trims exactly, where Redis takes whole nodes only: the sharper of the two. */
const sweep: ScriptSemantics = (store, [key = ''], [idleMs = '', limit = '', awaitedMax = '', ...names]) => {
  const stream = store.stream(key)
  if (stream === undefined) return [0, 0]
  let floor = stream.top
  let consumers = 0
  for (const [name, group] of stream.groups) {
    const [firstPending] = group.pending.keys()
    floor = Math.min(floor, group.delivered + 1, firstPending ?? Number.POSITIVE_INFINITY)
    for (const [consumer, seenAt] of group.consumers) {
      if (store.now() - seenAt <= Number(idleMs) || hasPending(stream, name, consumer)) continue
      group.consumers.delete(consumer)
      consumers += 1
    }
  }
  const awaited = stream.entries.size <= Number(awaitedMax) && names.some((name) => !stream.groups.has(name))
  if (stream.groups.size === 0 || awaited) return [0, consumers]
  const trimmed = [...stream.entries.keys()].filter((posicao) => posicao < floor).slice(0, Number(limit))
  for (const posicao of trimmed) stream.entries.delete(posicao)
  return [trimmed.length, consumers]
}

const setIfNewer: ScriptSemantics = (store, keys, [run = '', ttlMs = '', ...values]) => {
  let set = 0
  for (const [i, key] of keys.entries()) {
    const value = values[i] ?? ''
    const kept = parseStored(store.text(key) ?? '')
    if (kept !== undefined && kept.run === run && (parseStored(value)?.versao ?? 0) <= kept.versao) continue
    store.put(key, { text: value, until: store.now() + Number(ttlMs) })
    set += 1
  }
  return set
}

/** The scripts as they are meant; `conformance.int.test.ts` compares them with a real Redis. */
export const SCRIPTS: Scripts = { publish, leave, sweep, setIfNewer }
