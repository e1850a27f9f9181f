/** Collects what was checked; each check is printed as it is decided. */
export type Report = {
  check: (what: string, ok: boolean, detail?: string) => void
  /** Runs one part; what it throws counts as one failure, and the parts after it still run. */
  part: (title: string, body: () => Promise<void>) => Promise<void>
  note: (line: string) => void
  failures: () => number
  /** Prints `N passed, N failed` and gives the exit code. */
  close: () => number
}

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`

export const createReport = (): Report => {
  let passed = 0
  let failed = 0
  const note = (line: string) => console.log(`      ${line}`)
  const check = (what: string, ok: boolean, detail = '') => {
    if (ok) passed += 1
    else failed += 1
    console.log(`  ${ok ? 'ok ' : 'NOT'} ${what}${detail === '' ? '' : `: ${detail}`}`)
  }
  return {
    check,
    note,
    failures: () => failed,
    part: async (title, body) => {
      const start = performance.now()
      console.log(`\n${title}`)
      try {
        await body()
      } catch (error) {
        check(title, false, error instanceof Error ? error.message : String(error))
      }
      note(`(${seconds(start)})`)
    },
    close: () => {
      console.log(`\n${passed} passed, ${failed} failed`)
      return failed === 0 && passed > 0 ? 0 : 1
    },
  }
}
