// Loaded with `--import` into a process whose clock is to jump: at SIGUSR2 its wall clock is set off by the milliseconds that stand
// in the file CHAOS_CLOCK_FILE. The monotonic clock (performance.now, timers) goes on, as it does when an administrator or NTP steps the time.
import { readFileSync } from 'node:fs'

const RealDate = Date
let offsetMs = 0

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + offsetMs] : args))
  }

  static now() {
    return RealDate.now() + offsetMs
  }
}

process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.CHAOS_CLOCK_FILE, 'utf8'))
})
