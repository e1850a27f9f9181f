import { SAVE_CURSOR } from '@fluxo/shared/log/relay'
import { run } from '@fluxo/shared/postgres/statement'
import { appendOf, insert, knownLines, knownOf, rowsOf } from '../servers/ledger-database.ts'
import type { Statement } from '../servers/postgres-server.ts'
import { addTo, SCRIPTS } from '../servers/redis-scripts.ts'
import type { Seams } from './seams.ts'

export const cursorBeforePublish: Seams = {
  readPage: (real, sql) => async (particao, after, limit) => {
    const page = await real(particao, after, limit)
    const last = page.at(-1)
    if (last && limit > 1) {
      await run(sql, SAVE_CURSOR, [last.posicao, particao])
    }
    return page
  },
}

export const setWithoutVersion: Seams = {
  scripts: {
    setIfNewer: (store, keys, [, ttlMs = '', ...values]) => {
      for (const [i, key] of keys.entries())
        store.put(key, { text: values[i] ?? '', until: store.now() + Number(ttlMs) })
      return keys.length
    },
  },
}

const LENGTH_MAX = 4
export const trimByLength: Seams = {
  scripts: {
    sweep: (store, [key = '']) => {
      const entries = store.stream(key)?.entries
      const surplus = [...(entries?.keys() ?? [])].slice(0, Math.max(0, (entries?.size ?? 0) - LENGTH_MAX))
      for (const posicao of surplus) entries?.delete(posicao)
      return [surplus.length, 0]
    },
  },
}

export const consumerRemovedWithPending: Seams = {
  scripts: {
    leave: (store, [key = ''], [group = '', consumer = '']) => {
      const pending = store.stream(key)?.groups.get(group)?.pending
      for (const [posicao, delivery] of pending ?? []) if (delivery.consumer === consumer) pending?.delete(posicao)
      return 1
    },
    sweep: (store, keys, args) => {
      const [key = ''] = keys
      const [idleMs = ''] = args
      for (const { consumers, pending } of store.stream(key)?.groups.values() ?? []) {
        for (const [consumer, seenAt] of consumers) {
          if (store.now() - seenAt <= Number(idleMs)) continue
          consumers.delete(consumer)
          for (const [posicao, delivery] of pending) if (delivery.consumer === consumer) pending.delete(posicao)
        }
      }
      return SCRIPTS.sweep(store, keys, args)
    },
  },
}

/** As a pipeline does: what follows a refused entry is added all the same. */
export const publishGoesOnAfterAnError: Seams = {
  scripts: {
    publish: (store, keys, args) => {
      const [key = ''] = keys
      let failed: unknown
      let added = 0
      for (let i = 0; i < args.length; i += 2) {
        try {
          addTo(store, key, Number(args[i]), args[i + 1] ?? '')
          added += 1
        } catch (error) {
          if (String(error).includes('OOM')) failed = error
        }
      }
      if (failed !== undefined) throw failed
      return [added, args.length / 2 - added]
    },
  },
}

/** Each batch draws its positions when it begins, as from a sequence: what is rolled back leaves a hole, and commits overtake. */
export const positionsFromASequence = (): Seams => {
  const next = new Map<number, number>()
  return {
    append: (state): Statement => ({
      name: appendOf(state).name,
      snapshot: (parameters) => {
        const particao = Number(parameters[1])
        const known = knownOf(state, parameters, state.commits)
        const base = next.get(particao) ?? 0
        next.set(particao, base + known.filter((one) => one === undefined).length)
        return { base, known }
      },
      run: (parameters, snapshot) => {
        const { base, known } = snapshot as { base: number; known: ReturnType<typeof knownOf> }
        const particao = Number(parameters[1])
        const fresh = rowsOf(parameters).filter((_, i) => known[i] === undefined)
        const lines = insert(state, fresh, (i) => ({ particao, posicao: base + i + 1 }))
        state.ultima[particao] = Math.max(state.ultima[particao] ?? 0, base + fresh.length)
        return [...lines, ...knownLines(parameters, known)]
      },
    }),
  }
}

/** An answer that was lost is taken for a request that was not done. */
export const lostReplyIsRetried = (): Seams => {
  let copies = 0
  return {
    registrar: (real) => async (item) => {
      try {
        return await real(item)
      } catch (error) {
        if (item.chave !== undefined) throw error
        copies += 1
        const id = item.lancamento.id.replace('-8000-', `-9${String(copies).padStart(3, '0')}-`)
        return real({ ...item, lancamento: { ...item.lancamento, id } })
      }
    },
  }
}

/** Every run of the server looks like the first one. */
export const cacheTrustsAnyRun: Seams = {
  hears: (command, value) => (command === 'INFO' ? 'run_id:00000000\r\n' : value),
}
