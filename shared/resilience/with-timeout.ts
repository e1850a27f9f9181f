/**
 * Settles as `promise` does, or rejects with `onTimeout()` after `timeoutMs`.
 *
 * For work that cannot be cancelled and costs microseconds, such as a command already written to Redis: one timer and
 * no signal, 1–2 µs where cockatiel's timeout takes 10. Work that goes on behind an abandoned promise must be harmless;
 * what can be cancelled belongs under `createPolicy`, whose timeouts abort.
 */
export const withTimeout = <T>(promise: Promise<T>, timeoutMs: number, onTimeout: () => Error): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(onTimeout()), timeoutMs)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
